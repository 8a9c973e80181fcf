import type {PeerIdText} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {NamedPeer, NamedPeerStatus, PeerHandler, PeerMessages} from "../../ports/peer-messages.js";
import type {HubProtocol, OperatorHub} from "../libp2p/operator-hub.js";
import {pinned} from "../libp2p/pinned.js";
import {GuardedHandler} from "./guarded.js";
import {MAX_BODY_BYTES, MAX_PEERS} from "./limits.js";
import {PeerLine} from "./line.js";

export interface PeerMessagesOptions {
  readonly self: PeerIdText;
  /** Kebab-case; part of the protocol's name. */
  readonly plugin: string;
  /** Spreads reconnects; Math.random when absent. */
  readonly random?: () => number;
}

/** A newer stream and the one it replaces. */
const MAX_STREAMS = 2;

/** Messages of one plugin over the operator's libp2p node. */
export class Libp2pPeerMessages implements PeerMessages {
  readonly self: PeerIdText;
  readonly #modules: {readonly hub: OperatorHub; readonly clock: Clock; readonly logger: Logger};
  readonly #random: () => number;
  readonly #handler: GuardedHandler;
  readonly #lines = new Map<string, PeerLine>();
  readonly #protocol: HubProtocol;
  #silence: Promise<() => Promise<void>> | null = null;
  #closed = false;

  constructor(
    modules: {hub: OperatorHub; clock: Clock; logger: Logger},
    {self, plugin, random = Math.random}: PeerMessagesOptions,
  ) {
    this.self = self;
    this.#modules = modules;
    this.#random = random;
    this.#handler = new GuardedHandler(modules);
    this.#protocol = {
      id: `/pleiades/plugin/${plugin}/1`,
      admits: (peerId) => this.#lines.has(peerId),
      dials: (peerId) => this.#lines.has(peerId),
      maxInboundStreams: MAX_STREAMS,
      onStream: (stream, connection) => {
        const line = this.#lines.get(connection.remotePeer.toString());
        if (line === undefined) stream.abort(new PleiadesError({code: "LINK_CLOSED"}));
        else line.accept(stream, connection);
      },
    };
  }

  setPeers(peers: readonly NamedPeer[]): void {
    if (this.#closed) return;
    const wanted = new Map(
      peers
        .filter(({peerId}) => peerId !== this.self)
        .map(({peerId, addresses}) => [peerId, pinned(peerId, addresses)]),
    );
    if (wanted.size > MAX_PEERS) throw new PleiadesError({code: "PEER_TOO_MANY", most: MAX_PEERS, asked: wanted.size});
    for (const [peerId, line] of this.#lines) {
      if (wanted.has(line.peerId)) continue;
      this.#lines.delete(peerId);
      void line.close();
    }
    const {hub, clock, logger} = this.#modules;
    for (const [peerId, addresses] of wanted) {
      const known = this.#lines.get(peerId);
      if (known !== undefined) {
        known.setAddresses(addresses);
        continue;
      }
      const line = new PeerLine(
        {
          open: (to, signal) => hub.open(this.#protocol, to, signal),
          handler: this.#handler,
          clock,
          logger,
          random: this.#random,
        },
        {self: this.self, peerId, addresses},
      );
      this.#lines.set(peerId, line);
    }
    // A plugin that names nobody is not spoken to.
    if (wanted.size > 0) this.#silence ??= hub.speak(this.#protocol);
  }

  peers(): readonly NamedPeerStatus[] {
    return [...this.#lines.values()].map((line) => line.status());
  }

  handle(handler: PeerHandler): void {
    this.#handler.current = handler;
  }

  async send(peer: PeerIdText, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    return this.#line(peer, body).session().send(body, signal);
  }

  async request(peer: PeerIdText, body: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#line(peer, body).session().request(body, signal);
  }

  /** Ends every connection; idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const lines = [...this.#lines.values()];
    this.#lines.clear();
    await Promise.all(lines.map((line) => line.close()));
    const silence = await this.#silence?.catch(() => null);
    await silence?.();
  }

  #line(peer: PeerIdText, {length}: Uint8Array): PeerLine {
    if (length > MAX_BODY_BYTES) throw new PleiadesError({code: "LINK_TOO_LARGE", bytes: length});
    const line = this.#lines.get(peer);
    if (line === undefined) throw new PleiadesError({code: "PEER_UNKNOWN", peer});
    return line;
  }
}
