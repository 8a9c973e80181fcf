import type {Multiaddr} from "@multiformats/multiaddr";
import type {Libp2p} from "libp2p";
import type {PeerIdText} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {Observer} from "../../ports/observer.js";
import type {PeerStatus} from "../../ports/operator-link.js";
import type {SightingExchange} from "../../ports/sightings.js";
import {wait} from "../clock/wait.js";
import {backoffMs} from "./backoff.js";
import type {Connection} from "./channel.js";
import type {Timing} from "./clock-filter.js";
import {explainDial} from "./dial-error.js";
import {HANDSHAKE_MS} from "./limits.js";
import {PROTOCOL_ID} from "./messages.js";
import {CoordinatorSession} from "./session.js";

/** A connection that lasted this long ended for a new reason: the next attempt is made at once. */
const STABLE_MS = 5_000;

export interface PeerModules {
  readonly node: Pick<Libp2p, "dial">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: Observer;
  readonly random: () => number;
  readonly sightings: SightingExchange;
}

/** Keeps one operator connected until closed. */
export class OperatorPeer {
  readonly peerId: PeerIdText;
  readonly #modules: PeerModules;
  readonly #logger: Logger;
  readonly #ownSoftware: string;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<void>;
  #addresses: readonly Multiaddr[];
  #session: CoordinatorSession | null = null;
  #software: string | null = null;
  #timing: Timing | null = null;
  #connectedAt: number | null = null;
  #lastCode: string | null = null;

  /** `addresses` end in /p2p/ with this peer's id, which is what pins it. */
  constructor(
    modules: PeerModules,
    {peerId, addresses, software}: {peerId: PeerIdText; addresses: readonly Multiaddr[]; software: string},
  ) {
    this.peerId = peerId;
    this.#modules = modules;
    this.#logger = modules.logger.child({peer: peerId});
    this.#ownSoftware = software;
    this.#addresses = addresses;
    this.#stopped = this.#run();
  }

  /** Used from the next attempt on. */
  setAddresses(addresses: readonly Multiaddr[]): void {
    this.#addresses = addresses;
  }

  status(): PeerStatus {
    const {timing, stopCode} = this.#session?.vitals() ?? {timing: null, stopCode: null};
    // What was measured last still stands while the peer is away: clocks do not mend themselves.
    this.#timing = timing ?? this.#timing;
    return {
      peerId: this.peerId,
      connected: this.#session !== null,
      software: this.#software,
      roundTripMs: this.#timing?.roundTripMs ?? null,
      clockOffsetMs: this.#timing?.clockOffsetMs ?? null,
      stopCode,
    };
  }

  /** @throws LINK_DISCONNECTED */
  session(): CoordinatorSession {
    if (this.#session === null)
      throw new PleiadesError({code: "LINK_DISCONNECTED", reason: this.#lastCode ?? undefined});
    return this.#session;
  }

  /** Resolves when the connection is gone and nothing goes on. */
  close(): Promise<void> {
    this.#stop.abort();
    return this.#stopped;
  }

  async #run(): Promise<void> {
    const {clock, random} = this.#modules;
    const {signal} = this.#stop;
    let attempt = 0;
    while (!signal.aborted) {
      await wait(clock, backoffMs(attempt, random()), signal);
      if (signal.aborted) return;
      this.#connectedAt = null;
      const error = await this.#connect(signal);
      if (signal.aborted) return;
      const lastedMs = this.#connectedAt === null ? 0 : clock.monotonic() - this.#connectedAt;
      attempt = lastedMs >= STABLE_MS ? 0 : attempt + 1;
      this.#report(error);
    }
  }

  /** One connection from dial to end; resolves with why it ended. */
  async #connect(signal: AbortSignal): Promise<PleiadesError> {
    const handshake = new AbortController();
    const giveUp = () => handshake.abort();
    const cancelTimeout = this.#modules.clock.after(HANDSHAKE_MS, giveUp);
    signal.addEventListener("abort", giveUp);
    let connection: Connection | null = null;
    try {
      // `force`: a connection that is just dying must not be handed out again.
      connection = await this.#modules.node.dial([...this.#addresses], {signal: handshake.signal, force: true});
      const stream = await connection.newStream(PROTOCOL_ID, {signal: handshake.signal});
      const {clock, sightings} = this.#modules;
      const session = new CoordinatorSession(
        {stream, clock, sightings},
        {peerId: this.peerId, software: this.#ownSoftware},
      );
      // Before the hello: it took too long. After it: this peer is closed.
      handshake.signal.addEventListener("abort", () =>
        session.abort(new PleiadesError({code: signal.aborted ? "LINK_CLOSED" : "LINK_SILENT"})),
      );
      this.#software = await session.ready.catch((error: PleiadesError) => {
        // The usual fate of a signer that the operator does not allow.
        throw error.code === "LINK_DISCONNECTED" ? new PleiadesError({code: "LINK_REJECTED"}, {cause: error}) : error;
      });
      cancelTimeout();
      signal.throwIfAborted();
      return await this.#use(session);
    } catch (error) {
      const silent = connection !== null && handshake.signal.aborted && !(error instanceof PleiadesError);
      return silent ? new PleiadesError({code: "LINK_SILENT"}, {cause: error}) : explainDial(error);
    } finally {
      cancelTimeout();
      signal.removeEventListener("abort", giveUp);
      connection?.abort(new PleiadesError({code: "LINK_CLOSED"}));
    }
  }

  async #use(session: CoordinatorSession): Promise<PleiadesError> {
    const {observer} = this.#modules;
    this.#session = session;
    this.#connectedAt = this.#modules.clock.monotonic();
    this.#lastCode = null;
    this.#logger.info("operator connected", {software: this.#software});
    observer({kind: "operator-connected", peerId: this.peerId});
    const error = await session.ended;
    this.#session = null;
    observer({kind: "operator-disconnected", peerId: this.peerId});
    return error;
  }

  /** Warns once per cause: a peer that is down for a day is one line, not twenty thousand. */
  #report(error: PleiadesError): void {
    const level = error.code === this.#lastCode ? "debug" : "warn";
    this.#lastCode = error.code;
    this.#logger[level]("operator not connected", {
      ...error.data,
      code: error.code,
      reason: error.message,
      addresses: this.#addresses.map(String),
    });
  }
}
