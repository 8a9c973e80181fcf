import type {Multiaddr} from "@multiformats/multiaddr";
import type {PeerIdText} from "../../core/bytes.js";
import {PleiadesError, type ReasonCode} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {NamedPeerStatus} from "../../ports/peer-messages.js";
import {wait} from "../clock/wait.js";
import type {Connection, Stream} from "../libp2p/operator-hub.js";
import {backoffMs} from "../operator-link/backoff.js";
import {explainDial} from "../operator-link/dial-error.js";
import {CROSSING_MS, HANDSHAKE_MS, LAST_BACKOFF_MS, PATIENCE_MS} from "./limits.js";
import {PeerSession, type SessionHandler} from "./session.js";

export interface LineModules {
  readonly open: (
    addresses: readonly Multiaddr[],
    signal: AbortSignal,
  ) => Promise<{stream: Stream; connection: Connection}>;
  readonly handler: SessionHandler & {connected(peer: PeerIdText): void; disconnected(peer: PeerIdText): void};
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/** A stream that lasted this long ended for a new reason: the next attempt is made at once. */
const STABLE_MS = 5_000;

interface Held {
  readonly session: PeerSession;
  /** Opened by the peer with the lower id: of two streams that cross, this one stays. */
  readonly byLower: boolean;
  readonly since: number;
}

/**
 * Keeps one peer connected until closed, whoever of the two opens the stream: the one with the lower id does at once, the
 * other one when nobody has come, so that one open port between the two is enough.
 */
export class PeerLine {
  readonly peerId: PeerIdText;
  readonly #modules: LineModules;
  readonly #logger: Logger;
  readonly #weAreLower: boolean;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<void>;
  #addresses: readonly Multiaddr[];
  #held: Held | null = null;
  #lastCode: ReasonCode | null = null;

  constructor(
    modules: LineModules,
    {self, peerId, addresses}: {self: PeerIdText; peerId: PeerIdText; addresses: readonly Multiaddr[]},
  ) {
    this.peerId = peerId;
    this.#modules = modules;
    this.#logger = modules.logger.child({peer: peerId});
    this.#weAreLower = self < peerId;
    this.#addresses = addresses;
    this.#stopped = this.#run();
  }

  /** Used from the next attempt on. */
  setAddresses(addresses: readonly Multiaddr[]): void {
    this.#addresses = addresses;
  }

  status(): NamedPeerStatus {
    const connected = this.#held !== null;
    return {peerId: this.peerId, connected, code: connected ? null : this.#lastCode};
  }

  /** @throws LINK_DISCONNECTED */
  session(): PeerSession {
    if (this.#held !== null) return this.#held.session;
    throw new PleiadesError({code: "LINK_DISCONNECTED", peer: this.peerId, reason: this.#lastCode ?? undefined});
  }

  /** A stream that the peer opened. */
  accept(stream: Stream, connection: Connection): void {
    const {clock, handler} = this.#modules;
    const session = new PeerSession({stream, clock, handler}, {peerId: this.peerId});
    const {signal} = this.#stop;
    const closed = () => session.abort(new PleiadesError({code: "LINK_CLOSED"}));
    signal.addEventListener("abort", closed);
    void session.ended.then(() => {
      signal.removeEventListener("abort", closed);
      closeIfIdle(connection);
    });
    // Its hello is on the way with the stream; until then nothing is replaced.
    session.ready.then(
      () => this.#adopt(session, !this.#weAreLower),
      () => undefined,
    );
    const cancel = clock.after(HANDSHAKE_MS, () => session.abort(new PleiadesError({code: "LINK_SILENT"})));
    void Promise.race([session.ready, session.ended]).then(cancel, cancel);
  }

  /** Resolves when the stream is gone and nothing goes on. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#held?.session.abort(new PleiadesError({code: "LINK_CLOSED"}));
    await this.#stopped;
  }

  async #run(): Promise<void> {
    const {clock, random} = this.#modules;
    const {signal} = this.#stop;
    for (let attempt = 0; !signal.aborted; ) {
      if (this.#held !== null) {
        const {session, since} = this.#held;
        await session.ended;
        if (clock.monotonic() - since >= STABLE_MS) attempt = 0;
        continue;
      }
      const patience = this.#weAreLower ? 0 : PATIENCE_MS;
      await wait(clock, patience + backoffMs(attempt++, random(), LAST_BACKOFF_MS), signal);
      if (signal.aborted || this.#held !== null) continue;
      if (this.#addresses.length > 0) await this.#dial(signal);
    }
  }

  async #dial(signal: AbortSignal): Promise<void> {
    const {clock, handler, open} = this.#modules;
    const handshake = new AbortController();
    const giveUp = () => handshake.abort();
    const cancelTimeout = clock.after(HANDSHAKE_MS, giveUp);
    signal.addEventListener("abort", giveUp);
    try {
      const {stream, connection} = await open(this.#addresses, handshake.signal);
      const session = new PeerSession({stream, clock, handler}, {peerId: this.peerId});
      session.sayHello();
      void session.ended.then(() => closeIfIdle(connection));
      const silent = () => session.abort(new PleiadesError({code: "LINK_SILENT"}));
      handshake.signal.addEventListener("abort", silent);
      if (handshake.signal.aborted) silent();
      await session.ready.catch((error: PleiadesError) => {
        // The usual fate where the other side has not named this node yet.
        throw error.code === "LINK_DISCONNECTED" ? new PleiadesError({code: "LINK_REJECTED"}, {cause: error}) : error;
      });
      handshake.signal.removeEventListener("abort", silent);
      this.#adopt(session, this.#weAreLower);
    } catch (error) {
      if (signal.aborted || this.#held !== null) return;
      const explained = explainDial(error);
      // libp2p has no word for "later": a name that is not spoken there is a plugin that does not run there.
      const noPlugin = explained.code === "LINK_VERSION";
      this.#report(noPlugin ? new PleiadesError({code: "PEER_NO_PLUGIN"}, {cause: error}) : explained);
    } finally {
      cancelTimeout();
      signal.removeEventListener("abort", giveUp);
    }
  }

  #adopt(session: PeerSession, byLower: boolean): void {
    const {clock, handler} = this.#modules;
    const held = this.#held;
    const crossed = held?.byLower === true && !byLower && clock.monotonic() - held.since < CROSSING_MS;
    if (this.#stop.signal.aborted || crossed) {
      session.abort(new PleiadesError({code: "LINK_CLOSED"}));
      return;
    }
    if (held !== null) this.#drop(held, new PleiadesError({code: "LINK_CLOSED", reason: "a newer stream"}));
    const mine: Held = {session, byLower, since: clock.monotonic()};
    this.#held = mine;
    this.#lastCode = null;
    session.sayHello();
    this.#logger.info("peer connected");
    handler.connected(this.peerId);
    void session.ended.then((error) => this.#drop(mine, error));
  }

  #drop(held: Held, error: PleiadesError): void {
    if (this.#held !== held) return;
    this.#held = null;
    held.session.abort(error);
    this.#modules.handler.disconnected(this.peerId);
    if (!this.#stop.signal.aborted) this.#report(error);
  }

  /** Warns once per cause: a peer that is down for a day is one line. */
  #report(error: PleiadesError): void {
    const level = error.code === this.#lastCode ? "debug" : "warn";
    this.#lastCode = error.code;
    this.#logger[level]("peer not connected", {
      ...error.data,
      code: error.code,
      reason: error.message,
      addresses: this.#addresses.map(String),
    });
  }
}

/** Other plugins may talk over the same connection. */
function closeIfIdle(connection: Connection): void {
  // The stream that has just ended is taken out of the list in this turn.
  setImmediate(() => {
    if (connection.streams.length === 0) connection.abort(new PleiadesError({code: "LINK_CLOSED"}));
  });
}
