import type {Server} from "node:http";
import type {Socket} from "node:net";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import {clientAddress, isLoopback} from "./addresses.js";
import {DROP_LOG_INTERVAL_MS} from "./bounds.js";
import type {RateLimiter} from "./rate-limiter.js";

interface Connection {
  readonly socket: Socket;
  readonly client: string;
  /** Requests on it that have been let in and wait for their answer. */
  busy: number;
}

/** What happened to connections since the last line of the log. */
const NOTHING = {total: 0, perClient: 0, tooFast: 0, displaced: 0};
type Kind = keyof typeof NOTHING;

interface Options {
  readonly max: number;
  readonly maxPerClient: number;
}

/**
 * Every open TCP connection, from before its TLS handshake on. Bounds them in total and per client address, and when all
 * places are taken gives a newcomer one of the address that holds the most, so that a flood from some addresses does not
 * lock out another.
 */
export class Connections {
  readonly #modules: {readonly clock: Clock; readonly logger: Logger; readonly openings: RateLimiter | null};
  readonly #options: Options;
  readonly #byClient = new Map<string, Set<Connection>>();
  /** By address and port, for TLS puts another object in front of the socket. */
  readonly #byPeer = new Map<string, Connection>();
  #counts = NOTHING;
  #lastLogged = Number.NEGATIVE_INFINITY;

  constructor(modules: {clock: Clock; logger: Logger; openings: RateLimiter | null}, {max, maxPerClient}: Options) {
    this.#modules = modules;
    this.#options = {max, maxPerClient};
  }

  get size(): number {
    return this.#byPeer.size;
  }

  /** Takes over what this server accepts from now on. */
  watch(server: Server): void {
    server.on("connection", (socket: Socket) => this.#accept(socket));
  }

  /** A connection with an answer under way is never displaced; the returned function says that the answer is out. */
  busy(socket: Socket): () => void {
    const connection = this.#byPeer.get(peerOf(socket));
    if (connection === undefined) return () => {};
    connection.busy++;
    return () => {
      connection.busy--;
    };
  }

  isBusy(socket: Socket): boolean {
    return (this.#byPeer.get(peerOf(socket))?.busy ?? 0) > 0;
  }

  closeAll(): void {
    for (const {socket} of this.#byPeer.values()) socket.destroy();
  }

  #accept(socket: Socket): void {
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const client = clientAddress(socket.remoteAddress);
    const refusal = this.#refusal(client);
    if (refusal !== null) {
      this.#count(refusal);
      socket.destroy();
      return;
    }
    const connection: Connection = {socket, client, busy: 0};
    const peer = peerOf(socket);
    this.#byPeer.set(peer, connection);
    const own = this.#byClient.get(client) ?? new Set();
    this.#byClient.set(client, own.add(connection));
    socket.once("close", () => this.#forget(peer, connection));
  }

  #forget(peer: string, connection: Connection): void {
    // The port may be in use again already.
    if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer);
    const own = this.#byClient.get(connection.client);
    own?.delete(connection);
    if (own?.size === 0) this.#byClient.delete(connection.client);
  }

  #refusal(client: string): Exclude<Kind, "displaced"> | null {
    const own = this.#byClient.get(client)?.size ?? 0;
    if (own >= this.#options.maxPerClient) return "perClient";
    // Processes of this machine are bounded by their number alone: the validator client opens many at once.
    const {openings} = this.#modules;
    if (openings !== null && !isLoopback(client) && openings.check(client) !== null) return "tooFast";
    if (this.#byPeer.size < this.#options.max) return null;
    const displaced = this.#displaceable(own);
    if (displaced === null) return "total";
    this.#count("displaced");
    // Its "close" comes later; its place is free now.
    this.#forget(peerOf(displaced.socket), displaced);
    displaced.socket.destroy();
    return null;
  }

  /**
   * A connection of the client with the most, if that is more than the newcomer would then have; the newest, for those
   * that were there first are likelier to be a validator client's.
   */
  #displaceable(own: number): Connection | null {
    let most: ReadonlySet<Connection> | null = null;
    for (const held of this.#byClient.values()) if (held.size > (most?.size ?? own + 1)) most = held;
    return [...(most ?? [])].findLast(({busy}) => busy === 0) ?? null;
  }

  #count(kind: Kind): void {
    this.#counts = {...this.#counts, [kind]: this.#counts[kind] + 1};
    const now = this.#modules.clock.monotonic();
    if (now - this.#lastLogged < DROP_LOG_INTERVAL_MS) return;
    this.#lastLogged = now;
    const {max, maxPerClient} = this.#options;
    this.#modules.logger.warn("connections refused: too many are open", {
      ...this.#counts,
      maxConnections: max,
      maxConnectionsPerClient: maxPerClient,
    });
    this.#counts = NOTHING;
  }
}

/** Known while the socket is open. */
const peerOf = ({remoteAddress, remotePort}: Socket): string => `${remoteAddress}|${remotePort}`;
