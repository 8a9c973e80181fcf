import {codeOf, PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Connection, Stream} from "../libp2p/operator-hub.js";
import {acknowledgeByHalves} from "../libp2p/window.js";
import {encodeFrame, FrameDecoder} from "./frame.js";
import {type Message, parseMessage} from "./messages.js";

export type {Connection, Stream};

export interface ChannelHandlers {
  /** May throw a PleiadesError: the stream is then reset with it. */
  readonly onMessage: (message: Message) => void;
  /** The next frame's text, null when there is nothing to send; asked only while the stream can take more. */
  readonly fill: () => string | null;
  /** Milliseconds for which what waits may still wait for company, so long after the last frame; default: none. */
  readonly patience?: (sinceLastMs: number) => number;
  /** Called exactly once. LINK_DISCONNECTED: the other side or the network ended it; else the error that did. */
  readonly onClosed: (error: PleiadesError) => void;
}

/**
 * Frames over one stream, both ways. Never hands the stream more than it can take: what it has not taken yet waits with
 * whoever implements `fill`, where it can be counted, put in order and taken back.
 */
export class FrameChannel {
  readonly #stream: Stream;
  readonly #clock: Clock;
  readonly #handlers: ChannelHandlers;
  readonly #decoder = new FrameDecoder();
  readonly #startedAt: number;
  #lastHeardAt: number;
  #lastWrittenAt: number;
  #wakePending = false;
  #cancelWait: (() => void) | null = null;
  #closed = false;

  constructor({stream, clock}: {stream: Stream; clock: Clock}, handlers: ChannelHandlers) {
    this.#stream = stream;
    this.#clock = clock;
    this.#handlers = handlers;
    this.#startedAt = clock.monotonic();
    this.#lastHeardAt = this.#startedAt;
    this.#lastWrittenAt = this.#startedAt;
    acknowledgeByHalves(stream);
    stream.addEventListener("drain", () => this.wake());
    stream.addEventListener("remoteCloseWrite", () => this.#end(new PleiadesError({code: "LINK_DISCONNECTED"})));
    stream.addEventListener("close", ({error}) =>
      this.#end(new PleiadesError({code: "LINK_DISCONNECTED", reason: error?.message}, {cause: error})),
    );
    stream.addEventListener("message", ({data}) => {
      this.#lastHeardAt = clock.monotonic();
      if (data instanceof Uint8Array) this.#read(data);
      else for (const chunk of data) this.#read(chunk);
    });
    // A stream that ended before anybody listened; told once the constructor's caller has its channel.
    if (stream.status !== "open") queueMicrotask(() => this.#end(new PleiadesError({code: "LINK_DISCONNECTED"})));
  }

  /** Milliseconds since bytes last came, or since the start. */
  silentMs(): number {
    return this.#clock.monotonic() - this.#lastHeardAt;
  }

  ageMs(): number {
    return this.#clock.monotonic() - this.#startedAt;
  }

  /** Sends `text` before anything that waits. False, and nothing sent, when the stream is full or closed. */
  send(text: string): boolean {
    if (this.#closed || this.#stream.writableNeedsDrain) return false;
    this.#write(text);
    return true;
  }

  /**
   * There is something to fill: asks for it once the current turn of the event loop is done, so that a turn shares
   * frames, or later when the handlers have patience.
   */
  wake(): void {
    if (this.#wakePending || this.#closed) return;
    this.#wakePending = true;
    setImmediate(() => {
      this.#wakePending = false;
      this.#depart();
    });
  }

  #depart(): void {
    if (this.#closed) return;
    const waitMs = this.#handlers.patience?.(this.#clock.monotonic() - this.#lastWrittenAt) ?? 0;
    if (waitMs > 0) {
      this.#cancelWait ??= this.#clock.after(waitMs, () => {
        this.#cancelWait = null;
        this.#fill();
      });
      return;
    }
    this.#stopWaiting();
    this.#fill();
  }

  #fill(): void {
    while (!this.#closed && !this.#stream.writableNeedsDrain) {
      const text = this.#handlers.fill();
      if (text === null) return;
      this.#lastWrittenAt = this.#clock.monotonic();
      this.#write(text);
    }
  }

  #stopWaiting(): void {
    this.#cancelWait?.();
    this.#cancelWait = null;
  }

  /** Resets the stream. */
  abort(error: PleiadesError): void {
    this.#end(error);
  }

  /** Ends the stream after what was sent has left. */
  async close(error: PleiadesError): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWaiting();
    this.#handlers.onClosed(error);
    await this.#stream.close().catch((cause: unknown) => this.#stream.abort(asError(cause)));
  }

  #read(chunk: Uint8Array): void {
    try {
      for (const text of this.#decoder.push(chunk)) {
        // A handler may have closed the channel: what follows in the chunk is not read.
        if (this.#closed) return;
        this.#handlers.onMessage(parseMessage(text));
      }
    } catch (error) {
      this.#end(error instanceof PleiadesError ? error : new PleiadesError({code: codeOf(error)}, {cause: error}));
    }
  }

  #write(text: string): void {
    try {
      this.#stream.send(encodeFrame(text));
    } catch (error) {
      const disconnected = new PleiadesError(
        {code: "LINK_DISCONNECTED", reason: asError(error).message},
        {cause: error},
      );
      // Not at once: the first write happens while the caller's own constructor runs.
      queueMicrotask(() => this.#end(disconnected));
    }
  }

  #end(error: PleiadesError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWaiting();
    this.#handlers.onClosed(error);
    this.#stream.abort(error);
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
