import "../libp2p/polyfill.js";
import {setMaxListeners} from "node:events";
import type {PeerIdText} from "../../core/bytes.js";
import {waitForCompany} from "../../core/company.js";
import {PRIORITY, type Priority} from "../../core/duty/sign-request.js";
import {PleiadesError, type ReasonCode} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {PartialReply, Watermark} from "../../ports/operator-link.js";
import type {SightingExchange, Told} from "../../ports/sightings.js";
import {FrameChannel, type Stream} from "./channel.js";
import {ClockFilter, type Timing} from "./clock-filter.js";
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
  type Message,
  PROTOCOL_VERSION,
  parseReplyItem,
  pingText,
  type Remembered,
  type ReplyItem,
  requestText,
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

/** What pongs told of the operator; null before the first. */
export interface PeerVitals {
  readonly timing: Timing | null;
  readonly stopCode: ReasonCode | null;
}

/** The coordinator's end of one stream to one operator. */
export class CoordinatorSession {
  /** Settles with the operator's software version once both hellos were exchanged and agree. */
  readonly ready: Promise<string>;
  /** Resolves with why the session ended. */
  readonly ended: Promise<PleiadesError>;
  readonly #channel: FrameChannel;
  readonly #clock: Clock;
  readonly #peerId: PeerIdText;
  readonly #sightings: SightingExchange;
  readonly #timings = new ClockFilter();
  #stopCode: ReasonCode | null = null;
  /** The ping under way. */
  #ping: {readonly n: number; readonly sentAt: number; readonly wallAt: number} | null = null;
  #pings = 0;
  #newsVersion = 0;
  readonly #calls = new Map<number, Call>();
  readonly #outbox = new Outbox<Call>({capacity: MAX_QUEUED_BYTES});
  /** Calls that have not left yet, by the outbox; with #calls everything unanswered. */
  readonly #waiting = new Set<Call>();
  #nextId = 1;
  #state: "hello" | "open" | "ended" = "hello";
  #cancelPing: () => void = () => undefined;
  readonly #ready = Promise.withResolvers<string>();
  readonly #ended = Promise.withResolvers<PleiadesError>();

  constructor(
    {stream, clock, sightings}: {stream: Stream; clock: Clock; sightings: SightingExchange},
    {peerId, software}: {peerId: PeerIdText; software: string},
  ) {
    this.#clock = clock;
    this.#peerId = peerId;
    this.#sightings = sightings;
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
    // Everything this node remembers of the operator, before it asks it for anything.
    this.#channel.send(helloText(software, {own: null, told: this.#news()}));
  }

  vitals(): PeerVitals {
    return {timing: this.#timings.best(), stopCode: this.#stopCode};
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
    return requestText(calls);
  }

  #onMessage(message: Message): void {
    if (this.#state === "hello") {
      if (message.type !== "hello") throw new PleiadesError({code: "LINK_FRAME", reason: "no hello"});
      const {protocol, software} = message;
      if (protocol !== PROTOCOL_VERSION) {
        throw new PleiadesError({code: "LINK_VERSION", ours: PROTOCOL_VERSION, theirs: protocol, software});
      }
      this.#hear(message);
      this.#state = "open";
      this.#ready.resolve(software);
      this.#sendPing();
      this.#schedulePing();
      return;
    }
    if (message.type === "pong") this.#onPong(message);
    else if (message.type === "reply") this.#onReply(message);
    else throw new PleiadesError({code: "LINK_FRAME", reason: `unexpected ${message.type}`});
  }

  #onReply({own, items}: Extract<Message, {type: "reply"}>): void {
    // First the sighting: whoever gets one of these answers can rely on its being remembered.
    if (own !== null) this.#hear({own, told: []});
    for (const raw of items) {
      const item = parseReplyItem(raw);
      if (item.id >= this.#nextId)
        throw new PleiadesError({code: "LINK_FRAME", reason: "answer to nothing", id: item.id});
      // Unknown ids are late replies to aborted requests: dropped without a word.
      const call = this.#calls.get(item.id);
      if (call?.onReply(item) === true) this.#calls.delete(item.id);
    }
  }

  #hear({own, told}: Remembered): void {
    void this.#sightings.heard(this.#peerId, {own, told});
  }

  #news(): readonly Told[] {
    const {told, version} = this.#sightings.news(this.#peerId, this.#newsVersion);
    this.#newsVersion = version;
    return told;
  }

  #onPong(pong: Extract<Message, {type: "pong"}>): void {
    this.#hear(pong);
    this.#stopCode = pong.stopCode;
    if (this.#ping?.n !== pong.n) return;
    const roundTripMs = this.#clock.monotonic() - this.#ping.sentAt;
    // Both ways are taken to be equally long; at worst it is off by half the round trip.
    this.#timings.add({roundTripMs, clockOffsetMs: pong.now - (this.#ping.wallAt + roundTripMs / 2)});
    this.#ping = null;
  }

  #sendPing(): void {
    const before = this.#newsVersion;
    this.#ping = {n: ++this.#pings, sentAt: this.#clock.monotonic(), wallAt: this.#clock.now()};
    // Not sent when the stream is full; then the peer owes us an answer anyway, and gets the news with the next one.
    if (this.#channel.send(pingText(this.#ping.n, this.#news()))) return;
    this.#newsVersion = before;
    this.#ping = null;
  }

  #schedulePing(): void {
    this.#cancelPing = this.#clock.after(PING_INTERVAL_MS, () => {
      const silentMs = Math.round(this.#channel.silentMs());
      if (silentMs > SILENCE_MS) return this.#channel.abort(new PleiadesError({code: "LINK_SILENT", silentMs}));
      this.#sendPing();
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
