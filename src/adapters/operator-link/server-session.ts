import type {PeerIdText} from "../../core/bytes.js";
import {PRIORITY, type Priority} from "../../core/duty/sign-request.js";
import {codeOf, PleiadesError} from "../../core/errors.js";
import {formatSighting, type Sighting} from "../../core/slashing/sighting.js";
import type {Clock} from "../../ports/clock.js";
import type {PartialReply} from "../../ports/operator-link.js";
import type {PartialHandler} from "../../ports/operator-server.js";
import type {SightingExchange} from "../../ports/sightings.js";
import {FrameChannel, type Stream} from "./channel.js";
import {
  HANDSHAKE_MS,
  MAX_FRAME_BYTES,
  MAX_FRAME_ITEMS,
  MAX_OUTSTANDING,
  MAX_OUTSTANDING_TOTAL,
  MAX_QUEUED_BYTES,
  PING_INTERVAL_MS,
  SERVER_SILENCE_MS,
} from "./limits.js";
import {
  helloText,
  ITEM_OVERHEAD_BYTES,
  ITEMS_OVERHEAD_BYTES,
  type Message,
  PROTOCOL_VERSION,
  parseRequestItem,
  pongText,
  type Remembered,
  replyItemText,
  replyText,
  watermarkItemTexts,
} from "./messages.js";
import {Outbox, type Parcel} from "./outbox.js";

interface Answer extends Parcel {
  readonly id: number;
}

/** Requests being answered over all sessions of a server. */
export interface SharedLoad {
  inFlight: number;
}

/** The operator's end of one stream from one authenticated, allow-listed coordinator. */
export class ServerSession {
  readonly peerId: PeerIdText;
  readonly #modules: {handler: PartialHandler; sightings: SightingExchange; clock: Clock; load: SharedLoad};
  readonly #options: {
    allowed: () => boolean;
    onHello: (software: string) => void;
    onEnd: (error: PleiadesError) => void;
  };
  readonly #channel: FrameChannel;
  readonly #outbox = new Outbox<Answer>({capacity: MAX_QUEUED_BYTES});
  readonly #gone = new AbortController();
  /** What this coordinator was told of others' sightings. */
  #newsVersion = 0;
  /** The judging of what it said last; no request that came after it is answered before. Null: done. */
  #judging: Promise<void> | null = null;
  /** What went with the last reply: nobody needs it twice. */
  #lastOwn: Sighting | null = null;
  #inFlight = 0;
  #lastId = 0;
  #greeted = false;
  #ended = false;
  #cancelCheck: () => void = () => undefined;

  constructor(
    modules: {
      stream: Stream;
      handler: PartialHandler;
      sightings: SightingExchange;
      clock: Clock;
      load: SharedLoad;
    },
    options: {
      peerId: PeerIdText;
      software: string;
      /** Asked for every frame: the allow-list may change while the stream is open. */
      allowed: () => boolean;
      onHello: (software: string) => void;
      /** Called once, however the session ends. */
      onEnd: (error: PleiadesError) => void;
    },
  ) {
    this.peerId = options.peerId;
    this.#modules = modules;
    this.#options = options;
    this.#channel = new FrameChannel(modules, {
      onMessage: (message) => this.#onMessage(message),
      fill: () => this.#fill(),
      onClosed: (error) => {
        this.#ended = true;
        this.#gone.abort();
        this.#cancelCheck();
        options.onEnd(error);
      },
    });
    this.#channel.send(helloText(options.software, this.#remembered()));
    this.#scheduleCheck();
  }

  abort(error: PleiadesError): void {
    this.#channel.abort(error);
  }

  #onMessage(message: Message): void {
    if (!this.#options.allowed()) throw new PleiadesError({code: "LINK_CLOSED", reason: "no longer a coordinator"});
    if (!this.#greeted) this.#onHello(message);
    else if (message.type === "ping") this.#onPing(message);
    else if (message.type === "request") this.#onItems(message.items);
    else throw new PleiadesError({code: "LINK_FRAME", reason: `unexpected ${message.type}`});
  }

  #onPing({n, told}: Extract<Message, {type: "ping"}>): void {
    this.#hear({own: null, told});
    const {clock, sightings} = this.#modules;
    const before = this.#newsVersion;
    const pong = {n, now: Math.max(0, Math.round(clock.now())), stopCode: sightings.stopCode(), ...this.#remembered()};
    // Not sent when the stream is full: replies are on their way then.
    if (!this.#channel.send(pongText(pong))) this.#newsVersion = before;
  }

  #remembered(): Remembered {
    const {sightings} = this.#modules;
    const {told, version} = sightings.news(this.peerId, this.#newsVersion);
    this.#newsVersion = version;
    return {own: sightings.own(), told};
  }

  #hear(said: Remembered): void {
    if (said.told.length === 0) return;
    // Waits for an earlier one too: the keeper judges in order.
    const judging = this.#modules.sightings.heard(this.peerId, said).then(() => {
      if (this.#judging === judging) this.#judging = null;
    });
    this.#judging = judging;
  }

  #onItems(items: readonly unknown[]): void {
    for (const raw of items) {
      const item = parseRequestItem(raw);
      if (item.id <= this.#lastId) throw new PleiadesError({code: "LINK_FRAME", reason: "ids must rise", id: item.id});
      this.#lastId = item.id;
      if (item.op === "malformed") this.#refuse(item.id, item.error);
      else if (this.#full()) this.#refuse(item.id, new PleiadesError({code: "LINK_OVERLOADED"}));
      else if (item.op === "sign") {
        const {priority} = item.request;
        void this.#work(item.id, priority, async () => [
          replyItemText(await this.#modules.handler.handle(this.peerId, item.request, this.#gone.signal)),
        ]);
      } else {
        void this.#work(item.id, PRIORITY.rest, async () =>
          watermarkItemTexts(await this.#modules.handler.watermarks(this.peerId)),
        );
      }
    }
  }

  #onHello(message: Message): void {
    if (message.type !== "hello") throw new PleiadesError({code: "LINK_FRAME", reason: "no hello"});
    const {protocol, software, told} = message;
    if (protocol !== PROTOCOL_VERSION) {
      // Closed and not reset: our hello, which tells the other side the same, must still arrive.
      const error = new PleiadesError({code: "LINK_VERSION", ours: PROTOCOL_VERSION, theirs: protocol, software});
      void this.#channel.close(error);
      return;
    }
    this.#greeted = true;
    this.#hear({own: null, told});
    this.#options.onHello(software);
  }

  #full(): boolean {
    return this.#inFlight >= MAX_OUTSTANDING || this.#modules.load.inFlight >= MAX_OUTSTANDING_TOTAL;
  }

  async #work(id: number, priority: Priority, answer: () => Promise<string[]>): Promise<void> {
    const {load} = this.#modules;
    this.#inFlight++;
    load.inFlight++;
    try {
      if (this.#judging !== null) await this.#judging;
      for (const text of await answer()) this.#reply({id, priority, text});
    } catch (error) {
      this.#refuse(id, error);
    } finally {
      this.#inFlight--;
      load.inFlight--;
    }
  }

  #refuse(id: number, error: unknown): void {
    const reply: PartialReply = {
      kind: "refused",
      code: codeOf(error),
      // An unknown error's text may say more about this machine than a peer should know.
      message: error instanceof PleiadesError ? error.message : "internal error",
    };
    this.#reply({id, priority: PRIORITY.rest, text: replyItemText(reply)});
  }

  #reply(answer: Answer): void {
    if (this.#ended) return;
    if (!this.#outbox.add(answer)) {
      this.#channel.abort(new PleiadesError({code: "LINK_SLOW_READER", waiting: this.#outbox.waiting}));
      return;
    }
    this.#channel.wake();
  }

  #fill(): string | null {
    const answers = this.#outbox.take({
      items: MAX_FRAME_ITEMS,
      bytes: MAX_FRAME_BYTES - ITEMS_OVERHEAD_BYTES,
      overhead: ITEM_OVERHEAD_BYTES,
    });
    if (answers.length === 0) return null;
    // Taken after the answers were, so it covers what is behind them.
    const own = this.#modules.sightings.own();
    if (own === null || own === this.#lastOwn) return replyText(answers, null);
    this.#lastOwn = own;
    return replyText(answers, formatSighting(own));
  }

  #scheduleCheck(): void {
    this.#cancelCheck = this.#modules.clock.after(PING_INTERVAL_MS, () => {
      const silentMs = Math.round(this.#channel.silentMs());
      if (silentMs > SERVER_SILENCE_MS || (!this.#greeted && this.#channel.ageMs() > HANDSHAKE_MS)) {
        return this.#channel.abort(new PleiadesError({code: "LINK_SILENT", silentMs}));
      }
      if (!this.#options.allowed()) {
        return this.#channel.abort(new PleiadesError({code: "LINK_CLOSED", reason: "no longer a coordinator"}));
      }
      this.#scheduleCheck();
    });
  }
}
