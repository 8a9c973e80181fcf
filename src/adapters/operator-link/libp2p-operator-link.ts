import type {PeerIdText} from "../../core/bytes.js";
import type {WireRequest} from "../../core/duty/sign-request.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {Observer} from "../../ports/observer.js";
import type {OperatorLink, PartialReply, PartialRequest, PeerStatus, Watermark} from "../../ports/operator-link.js";
import type {SightingExchange} from "../../ports/sightings.js";
import type {Identity} from "../libp2p/identity.js";
import {createNode} from "../libp2p/node.js";
import {pinned} from "../libp2p/pinned.js";
import {MAX_ITEM_BYTES} from "./limits.js";
import {signItemText} from "./messages.js";
import {OperatorPeer, type PeerModules} from "./peer.js";

export interface Libp2pOperatorLinkOptions {
  /** What this node calls itself in the handshake, such as "pleiades/0.1.0". */
  readonly software: string;
  /** Spreads reconnects; Math.random when absent. */
  readonly random?: () => number;
}

/**
 * A coordinator's connections to operators over libp2p. It listens nowhere, dials only the peers it was given and
 * accepts at their addresses only the node with their peer id. Peers come with setPeers.
 */
export async function createLibp2pOperatorLink(
  {
    identity,
    logger,
    observer,
    clock,
    sightings,
  }: {identity: Identity; logger: Logger; observer: Observer; clock: Clock; sightings: SightingExchange},
  {software, random = Math.random}: Libp2pOperatorLinkOptions,
): Promise<OperatorLink> {
  const node = await createNode(
    {identity},
    {
      listen: [],
      gater: {
        denyInboundConnection: () => true,
        denyOutboundEncryptedConnection: (peerId) => !link.has(peerId.toString()),
      },
    },
  );
  const link = new Libp2pOperatorLink(
    {node, clock, observer, random, logger, sightings},
    {software, stopNode: () => node.stop()},
  );
  await node.start();
  return link;
}

class Libp2pOperatorLink implements OperatorLink {
  readonly #modules: PeerModules;
  readonly #software: string;
  readonly #stopNode: () => void | Promise<void>;
  readonly #peers = new Map<string, OperatorPeer>();
  /** One request goes to t operators: its JSON is made once. */
  readonly #json = new WeakMap<WireRequest, string>();
  #closed = false;

  constructor(modules: PeerModules, {software, stopNode}: {software: string; stopNode: () => void | Promise<void>}) {
    this.#modules = modules;
    this.#software = software;
    this.#stopNode = stopNode;
  }

  has(peerId: string): boolean {
    return this.#peers.has(peerId);
  }

  async requestPartial(peer: PeerIdText, request: PartialRequest, signal: AbortSignal): Promise<PartialReply> {
    let json = this.#json.get(request.request);
    if (json === undefined) {
      json = JSON.stringify(request.request);
      if (json.length > MAX_ITEM_BYTES) throw new PleiadesError({code: "LINK_TOO_LARGE", bytes: json.length});
      this.#json.set(request.request, json);
    }
    return this.#peer(peer).session().requestPartial(signItemText(request, json), request.priority, signal);
  }

  async watermarks(peer: PeerIdText, signal: AbortSignal): Promise<readonly Watermark[]> {
    return this.#peer(peer).session().watermarks(signal);
  }

  peers(): readonly PeerStatus[] {
    return [...this.#peers.values()].map((peer) => peer.status());
  }

  /** @throws LINK_ADDRESS for an address that cannot be used; the peers are then as they were */
  setPeers(peers: readonly {peerId: PeerIdText; addresses: readonly string[]}[]): void {
    if (this.#closed) return;
    const wanted = new Map(peers.map(({peerId, addresses}) => [peerId, pinned(peerId, addresses)] as const));
    for (const [peerId, peer] of this.#peers) {
      if (wanted.has(peer.peerId)) continue;
      this.#peers.delete(peerId);
      void peer.close();
    }
    for (const [peerId, addresses] of wanted) {
      const known = this.#peers.get(peerId);
      if (known !== undefined) known.setAddresses(addresses);
      else this.#peers.set(peerId, new OperatorPeer(this.#modules, {peerId, addresses, software: this.#software}));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const peers = [...this.#peers.values()];
    this.#peers.clear();
    await Promise.all(peers.map((peer) => peer.close()));
    await this.#stopNode();
  }

  #peer(peerId: PeerIdText): OperatorPeer {
    const peer = this.#peers.get(peerId);
    if (peer === undefined) throw new PleiadesError({code: "LINK_DISCONNECTED", peerId, reason: "not a peer"});
    return peer;
  }
}
