import type {PeerIdText} from "../../core/bytes.js";
import {PRIORITY, type Priority} from "../../core/duty/sign-request.js";
import {codeOf, PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {PartialReply} from "../../ports/operator-link.js";
import type {PartialHandler} from "../../ports/operator-server.js";
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
  itemsText,
  type Message,
  PONG_TEXT,
  PROTOCOL_VERSION,
  parseRequestItem,
  replyItemText,
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
  readonly #modules: {handler: PartialHandler; clock: Clock; load: SharedLoad};
  readonly #options: {
    allowed: () => boolean;
    onHello: (software: string) => void;
    onEnd: (error: PleiadesError) => void;
  };
  readonly #channel: FrameChannel;
  readonly #outbox = new Outbox<Answer>({capacity: MAX_QUEUED_BYTES});
  readonly #gone = new AbortController();
  #inFlight = 0;
  #lastId = 0;
  #greeted = false;
  #ended = false;
  #cancelCheck: () => void = () => undefined;

  constructor(
    modules: {stream: Stream; handler: PartialHandler; clock: Clock; load: SharedLoad},
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
    this.#channel.send(helloText(options.software));
    this.#scheduleCheck();
  }

  abort(error: PleiadesError): void {
    this.#channel.abort(error);
  }

  #onMessage(message: Message): void {
    if (!this.#options.allowed()) throw new PleiadesError({code: "LINK_CLOSED", reason: "no longer a coordinator"});
    if (!this.#greeted) this.#onHello(message);
    // A pong is not sent when the stream is full: replies are on their way then.
    else if (message.type === "ping") this.#channel.send(PONG_TEXT);
    else if (message.type === "request") this.#onItems(message.items);
    else throw new PleiadesError({code: "LINK_FRAME", reason: `unexpected ${message.type}`});
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
    const {protocol, software} = message;
    if (protocol !== PROTOCOL_VERSION) {
      // Closed and not reset: our hello, which tells the other side the same, must still arrive.
      const error = new PleiadesError({code: "LINK_VERSION", ours: PROTOCOL_VERSION, theirs: protocol, software});
      void this.#channel.close(error);
      return;
    }
    this.#greeted = true;
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
    return answers.length === 0 ? null : itemsText("reply", answers);
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
