import "../libp2p/polyfill.js";
import {setMaxListeners} from "node:events";
import {waitForCompany} from "../../core/company.js";
import {PRIORITY, type Priority} from "../../core/duty/sign-request.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {PartialReply, Watermark} from "../../ports/operator-link.js";
import {FrameChannel, type Stream} from "./channel.js";
import {
  MAX_FRAME_BYTES,
  MAX_FRAME_ITEMS,
  MAX_OUTSTANDING,
  MAX_QUEUED_BYTES,
  MAX_WATERMARKS,
  PING_INTERVAL_MS,
  SILENCE_MS,
} from "./limits.js";
import {
  helloText,
  ITEM_OVERHEAD_BYTES,
  ITEMS_OVERHEAD_BYTES,
  itemsText,
  type Message,
  PING_TEXT,
  PROTOCOL_VERSION,
  parseReplyItem,
  type ReplyItem,
  WATERMARKS_ITEM_TEXT,
} from "./messages.js";
import {Outbox, type Parcel} from "./outbox.js";

/** A request from the moment it is asked until it is answered, aborted or lost. */
interface Call extends Parcel {
  /** 0 until it has left; ids rise in the order of leaving. */
  id: number;
  /** True when nothing more is expected. */
  readonly onReply: (item: ReplyItem) => boolean;
  readonly fail: (error: PleiadesError) => void;
}

/** The coordinator's end of one stream to one operator. */
export class CoordinatorSession {
  /** Settles with the operator's software version once both hellos were exchanged and agree. */
  readonly ready: Promise<string>;
  /** Resolves with why the session ended. */
  readonly ended: Promise<PleiadesError>;
  readonly #channel: FrameChannel;
  readonly #clock: Clock;
  readonly #calls = new Map<number, Call>();
  readonly #outbox = new Outbox<Call>({capacity: MAX_QUEUED_BYTES});
  /** Calls that have not left yet, by the outbox; with #calls everything unanswered. */
  readonly #waiting = new Set<Call>();
  #nextId = 1;
  #state: "hello" | "open" | "ended" = "hello";
  #cancelPing: () => void = () => undefined;
  readonly #ready = Promise.withResolvers<string>();
  readonly #ended = Promise.withResolvers<PleiadesError>();

  constructor({stream, clock}: {stream: Stream; clock: Clock}, {software}: {software: string}) {
    this.#clock = clock;
    this.ready = this.#ready.promise;
    this.ended = this.#ended.promise;
    // Whoever waits for `ended` alone need not handle `ready` too.
    this.ready.catch(() => undefined);
    this.#channel = new FrameChannel(
      {stream, clock},
      {
        onMessage: (message) => this.#onMessage(message),
        fill: () => this.#fill(),
        patience: (sinceLastMs) => {
          const {size: waiting, urgent} = this.#outbox;
          return waitForCompany({waiting, unanswered: waiting + this.#calls.size, urgent, sinceLastMs});
        },
        onClosed: (error) => this.#onClosed(error),
      },
    );
    this.#channel.send(helloText(software));
  }

  /** @throws LINK_ABORTED · LINK_DISCONNECTED · LINK_OVERLOADED */
  requestPartial(text: string, priority: Priority, signal: AbortSignal): Promise<PartialReply> {
    return this.#ask({text, priority}, signal, (item, resolve) => {
      resolve("reply" in item ? item.reply : {kind: "refused", code: "LINK_BAD_REPLY", message: "watermarks"});
      return true;
    });
  }

  /** @throws LINK_ABORTED · LINK_DISCONNECTED · LINK_OVERLOADED · LINK_BAD_REPLY · the code of the operator's refusal */
  watermarks(signal: AbortSignal): Promise<readonly Watermark[]> {
    const all: Watermark[] = [];
    const parcel = {text: WATERMARKS_ITEM_TEXT, priority: PRIORITY.rest};
    return this.#ask<readonly Watermark[]>(parcel, signal, (item, resolve, reject) => {
      if ("reply" in item) {
        const {reply} = item;
        reject(
          reply.kind === "refused"
            ? new PleiadesError({code: reply.code, reason: reply.message})
            : new PleiadesError({code: "LINK_BAD_REPLY", reason: "a partial in place of watermarks"}),
        );
        return true;
      }
      all.push(...item.watermarks);
      if (all.length > MAX_WATERMARKS) {
        reject(new PleiadesError({code: "LINK_BAD_REPLY", reason: "too many watermarks"}));
        return true;
      }
      if (!item.more) resolve(all);
      return !item.more;
    });
  }

  abort(error: PleiadesError): void {
    this.#channel.abort(error);
  }

  #ask<T>(
    parcel: Parcel,
    signal: AbortSignal,
    onReply: (item: ReplyItem, resolve: (value: T) => void, reject: (error: PleiadesError) => void) => boolean,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new PleiadesError({code: "LINK_ABORTED"}));
      if (this.#state !== "open") return reject(new PleiadesError({code: "LINK_DISCONNECTED"}));
      const unanswered = this.#calls.size + this.#waiting.size;
      const call: Call = {
        ...parcel,
        id: 0,
        onReply: (item) => {
          const done = onReply(item, resolve, reject);
          if (done) signal.removeEventListener("abort", onAbort);
          return done;
        },
        fail: (error) => {
          signal.removeEventListener("abort", onAbort);
          reject(error);
        },
      };
      const onAbort = () => {
        // A request that has not left yet is taken back; the reply to one that has is dropped when it comes.
        this.#forget(call);
        reject(new PleiadesError({code: "LINK_ABORTED"}));
      };
      if (unanswered >= MAX_OUTSTANDING || !this.#outbox.add(call)) {
        return reject(new PleiadesError({code: "LINK_OVERLOADED", unanswered}));
      }
      this.#waiting.add(call);
      // A request to thirteen operators has thirteen listeners on its one signal; Node warns of more than ten.
      setMaxListeners(0, signal);
      signal.addEventListener("abort", onAbort, {once: true});
      this.#channel.wake();
    });
  }

  #forget(call: Call): void {
    this.#outbox.delete(call);
    this.#waiting.delete(call);
    this.#calls.delete(call.id);
  }

  #fill(): string | null {
    if (this.#state !== "open") return null;
    const calls = this.#outbox.take({
      items: MAX_FRAME_ITEMS,
      bytes: MAX_FRAME_BYTES - ITEMS_OVERHEAD_BYTES,
      overhead: ITEM_OVERHEAD_BYTES,
    });
    if (calls.length === 0) return null;
    for (const call of calls) {
      call.id = this.#nextId++;
      this.#waiting.delete(call);
      this.#calls.set(call.id, call);
    }
    return itemsText("request", calls);
  }

  #onMessage(message: Message): void {
    if (this.#state === "hello") {
      if (message.type !== "hello") throw new PleiadesError({code: "LINK_FRAME", reason: "no hello"});
      const {protocol, software} = message;
      if (protocol !== PROTOCOL_VERSION) {
        throw new PleiadesError({code: "LINK_VERSION", ours: PROTOCOL_VERSION, theirs: protocol, software});
      }
      this.#state = "open";
      this.#ready.resolve(software);
      this.#schedulePing();
      return;
    }
    if (message.type === "pong") return;
    if (message.type !== "reply") throw new PleiadesError({code: "LINK_FRAME", reason: `unexpected ${message.type}`});
    for (const raw of message.items) {
      const item = parseReplyItem(raw);
      if (item.id >= this.#nextId)
        throw new PleiadesError({code: "LINK_FRAME", reason: "answer to nothing", id: item.id});
      // Unknown ids are late replies to aborted requests: dropped without a word.
      const call = this.#calls.get(item.id);
      if (call?.onReply(item) === true) this.#calls.delete(item.id);
    }
  }

  #schedulePing(): void {
    this.#cancelPing = this.#clock.after(PING_INTERVAL_MS, () => {
      const silentMs = Math.round(this.#channel.silentMs());
      if (silentMs > SILENCE_MS) return this.#channel.abort(new PleiadesError({code: "LINK_SILENT", silentMs}));
      // Not sent when the stream is full; then the peer owes us an answer anyway.
      this.#channel.send(PING_TEXT);
      this.#schedulePing();
    });
  }

  #onClosed(error: PleiadesError): void {
    this.#state = "ended";
    this.#cancelPing();
    this.#ready.reject(error);
    this.#ended.resolve(error);
    const lost = [...this.#calls.values(), ...this.#waiting];
    for (const call of lost) {
      this.#forget(call);
      call.fail(new PleiadesError({code: "LINK_DISCONNECTED", reason: error.code}, {cause: error}));
    }
  }
}
