import type {PeerIdText} from "../../core/bytes.js";
import {codeOf, PleiadesError} from "../../core/errors.js";
import {isReasonCode} from "../../core/reasons/index.js";
import type {Clock} from "../../ports/clock.js";
import type {Stream} from "../libp2p/operator-hub.js";
import {acknowledgeByHalves} from "../libp2p/window.js";
import {encodeFrame, type Frame, frameDecoder, KIND} from "./frames.js";
import {Intake} from "./intake.js";
import * as limits from "./limits.js";
import {listen} from "./listen.js";

/** What a session hands over. Neither rejects but with a PleiadesError. */
export interface SessionHandler {
  message(peer: PeerIdText, body: Uint8Array): Promise<void>;
  request(peer: PeerIdText, body: Uint8Array): Promise<Uint8Array>;
}

interface Parcel {
  readonly frame: Uint8Array;
  readonly left: () => void;
  readonly lost: (error: PleiadesError) => void;
}
interface Call {
  readonly answer: (body: Uint8Array) => void;
  readonly fail: (error: PleiadesError) => void;
}

const NOTHING = new Uint8Array();

/** One end of one stream between a plugin here and the same plugin there; both ends are alike. */
export class PeerSession {
  readonly peerId: PeerIdText;
  /** Settles when the peer has said hello. */
  readonly ready: Promise<void>;
  /** Resolves with why the session ended: LINK_DISCONNECTED when the other side or the network ended it. */
  readonly ended: Promise<PleiadesError>;
  readonly #stream: Stream;
  readonly #clock: Clock;
  readonly #handler: SessionHandler;
  readonly #decoder = frameDecoder();
  readonly #intake: Intake;
  readonly #queue = new Set<Parcel>();
  #queuedBytes = 0;
  readonly #calls = new Map<number, Call>();
  #lastId = 0;
  #saidHello = false;
  #greeted = false;
  #closed = false;
  #heardAt: number;
  #tookAt: number;
  #cancelBeat: () => void = () => undefined;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<PleiadesError>();

  constructor(
    {stream, clock, handler}: {stream: Stream; clock: Clock; handler: SessionHandler},
    {peerId}: {peerId: PeerIdText},
  ) {
    this.peerId = peerId;
    this.#stream = stream;
    this.#clock = clock;
    this.#handler = handler;
    this.ready = this.#ready.promise;
    this.ended = this.#ended.promise;
    this.ready.catch(() => undefined);
    this.#heardAt = this.#tookAt = clock.monotonic();
    this.#intake = new Intake(
      {clock},
      {
        take: (frame) => this.#take(frame),
        pause: () => {
          if (stream.readStatus === "readable") stream.pause();
        },
        resume: () => {
          this.#heardAt = clock.monotonic();
          if (stream.readStatus === "paused") stream.resume();
        },
        fail: (error) => this.#fail(error),
      },
    );
    acknowledgeByHalves(stream);
    stream.addEventListener("drain", () => this.#flush());
    stream.addEventListener("remoteCloseWrite", () => this.#end(new PleiadesError({code: "LINK_DISCONNECTED"})));
    stream.addEventListener("close", ({error}) =>
      this.#end(new PleiadesError({code: "LINK_DISCONNECTED", reason: error?.message}, {cause: error})),
    );
    stream.addEventListener("message", ({data}) => {
      this.#heardAt = clock.monotonic();
      for (const chunk of data instanceof Uint8Array ? [data] : data) this.#read(chunk);
    });
    // A stream that ended before anybody listened; told once the constructor's caller has its session.
    if (stream.status !== "open") queueMicrotask(() => this.#end(new PleiadesError({code: "LINK_DISCONNECTED"})));
    this.#beat();
  }

  /** Whoever opened the stream says it at once, the other side when it takes the stream. */
  sayHello(): void {
    if (this.#closed || this.#saidHello) return;
    this.#saidHello = true;
    this.#write(encodeFrame(KIND.hello, 0, NOTHING));
  }

  /** @throws LINK_TOO_LARGE · LINK_DISCONNECTED · LINK_OVERLOADED · LINK_ABORTED */
  send(body: Uint8Array, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const take = this.#enqueue(encodeFrame(KIND.message, 0, body), {
        left: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        lost: (error) => {
          signal?.removeEventListener("abort", onAbort);
          reject(error);
        },
      });
      const onAbort = () => {
        take();
        reject(new PleiadesError({code: "LINK_ABORTED"}));
      };
      if (signal?.aborted === true) return onAbort();
      listen(signal, onAbort);
      this.#flush();
    });
  }

  /** @throws the same · PEER_TIMEOUT · the code of the peer's refusal */
  request(body: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#calls.size >= limits.MAX_UNANSWERED) {
        return reject(new PleiadesError({code: "LINK_OVERLOADED", unanswered: this.#calls.size}));
      }
      this.#lastId = (this.#lastId + 1) % 2 ** 32;
      const id = this.#lastId;
      const frame = encodeFrame(KIND.request, id, body);
      const settled = () => {
        this.#calls.delete(id);
        cancelTimeout();
        signal?.removeEventListener("abort", onAbort);
      };
      const fail = (error: PleiadesError) => {
        settled();
        reject(error);
      };
      const takeBack = this.#enqueue(frame, {left: () => undefined, lost: fail});
      const giveUp = (code: "LINK_ABORTED" | "PEER_TIMEOUT") => {
        // One that has not left is taken back; the reply to one that has is dropped when it comes.
        takeBack();
        fail(new PleiadesError({code, peer: this.peerId}));
      };
      const cancelTimeout = this.#clock.after(limits.REQUEST_MS, () => giveUp("PEER_TIMEOUT"));
      const onAbort = () => giveUp("LINK_ABORTED");
      this.#calls.set(id, {
        answer: (answer) => {
          settled();
          resolve(answer);
        },
        fail,
      });
      if (signal?.aborted === true) return onAbort();
      listen(signal, onAbort);
      this.#flush();
    });
  }

  abort(error: PleiadesError): void {
    this.#end(error);
  }

  /** Returns what takes the frame back while it has not left. @throws LINK_DISCONNECTED · LINK_OVERLOADED */
  #enqueue(frame: Uint8Array, {left, lost}: Omit<Parcel, "frame">): () => void {
    if (this.#closed) throw new PleiadesError({code: "LINK_DISCONNECTED"});
    if (this.#queuedBytes + frame.length > limits.MAX_QUEUED_BYTES) {
      throw new PleiadesError({code: "LINK_OVERLOADED", waitingBytes: this.#queuedBytes});
    }
    return this.#add({frame, left, lost});
  }

  #add(parcel: Parcel): () => void {
    this.#queue.add(parcel);
    this.#queuedBytes += parcel.frame.length;
    return () => {
      if (this.#queue.delete(parcel)) this.#queuedBytes -= parcel.frame.length;
    };
  }

  #flush(): void {
    for (const parcel of this.#queue) {
      if (this.#closed || this.#stream.writableNeedsDrain) return;
      this.#queue.delete(parcel);
      this.#queuedBytes -= parcel.frame.length;
      this.#write(parcel.frame);
      parcel.left();
    }
  }

  #write(frame: Uint8Array): void {
    try {
      this.#tookAt = this.#clock.monotonic();
      this.#stream.send(frame);
    } catch (error) {
      this.#fail(new PleiadesError({code: "LINK_DISCONNECTED", reason: String(error)}, {cause: error}));
    }
  }

  #beat(): void {
    this.#cancelBeat = this.#clock.after(limits.BEAT_MS, () => {
      const now = this.#clock.monotonic();
      const silentMs = this.#intake.paused ? 0 : Math.round(now - this.#heardAt);
      const unreadMs = this.#stream.writableNeedsDrain ? Math.round(now - this.#tookAt) : 0;
      if (silentMs > limits.SILENCE_MS || unreadMs > limits.UNREAD_MS) {
        return this.#end(new PleiadesError({code: "LINK_SILENT", silentMs, unreadMs}));
      }
      if (this.#saidHello && !this.#stream.writableNeedsDrain) this.#write(encodeFrame(KIND.beat, 0, NOTHING));
      this.#beat();
    });
  }

  #read(chunk: Uint8Array): void {
    if (this.#closed) return;
    try {
      for (const frame of this.#decoder.push(chunk)) this.#intake.add(frame);
      this.#intake.work();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A frame's work: undefined when none is left to wait for. @throws LINK_FRAME */
  #take({kind, id, body}: Frame): Promise<void> | undefined {
    if (this.#closed) return undefined;
    if (this.#greeted === (kind === KIND.hello)) {
      throw new PleiadesError({code: "LINK_FRAME", reason: this.#greeted ? "a second hello" : "no hello"});
    }
    switch (kind) {
      case KIND.hello:
        this.#greeted = true;
        this.#ready.resolve();
        return undefined;
      case KIND.beat:
        return undefined;
      case KIND.message:
        return this.#handler.message(this.peerId, body);
      case KIND.request:
        return this.#handler.request(this.peerId, body).then(
          (answer) => this.#answer(KIND.reply, id, answer),
          (error: unknown) => this.#answer(KIND.refusal, id, Buffer.from(codeOf(error), "latin1")),
        );
      case KIND.reply:
        this.#calls.get(id)?.answer(body);
        return undefined;
      case KIND.refusal:
        this.#calls.get(id)?.fail(refusal(this.peerId, body));
        return undefined;
    }
  }

  #answer(kind: typeof KIND.reply | typeof KIND.refusal, id: number, body: Uint8Array): void {
    if (this.#closed) return;
    // Bounded by what is in hand, so that an answer always has room.
    this.#add({frame: encodeFrame(kind, id, body), left: () => undefined, lost: () => undefined});
    this.#flush();
  }

  /** Not at once: whoever calls may be in the middle of something that the end would pull away. */
  #fail(error: unknown): void {
    const known = error instanceof PleiadesError ? error : new PleiadesError({code: codeOf(error)}, {cause: error});
    queueMicrotask(() => this.#end(known));
  }

  #end(error: PleiadesError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelBeat();
    this.#intake.close();
    this.#ready.reject(error);
    this.#ended.resolve(error);
    const lost = new PleiadesError({code: "LINK_DISCONNECTED", reason: error.code}, {cause: error});
    for (const parcel of this.#queue) parcel.lost(lost);
    for (const call of this.#calls.values()) call.fail(lost);
    this.#queue.clear();
    this.#stream.abort(error);
  }
}

/** A code that this version does not know is not passed off as one that it does. */
function refusal(peer: PeerIdText, body: Uint8Array): PleiadesError {
  const code = Buffer.from(body.subarray(0, 64)).toString("latin1");
  if (isReasonCode(code)) return new PleiadesError({code, peer});
  const reason = /^[A-Z0-9_]+$/.test(code) ? code : "unreadable";
  return new PleiadesError({code: "LINK_UNKNOWN_REASON", peer, reason});
}
