import type {PeerIdText} from "../../core/bytes.js";
import type {OperatorLink, PartialReply, PartialRequest, PeerStatus, Watermark} from "../../ports/operator-link.js";
import {isHttps, originOf} from "./https-operator-link.js";

/** Two links as one: operators with an https address are asked over HTTPS, all others over libp2p. */
export class RoutedOperatorLink implements OperatorLink {
  readonly #libp2p: OperatorLink;
  readonly #https: OperatorLink;
  #overHttps: ReadonlySet<PeerIdText> = new Set();

  constructor({libp2p, https}: {libp2p: OperatorLink; https: OperatorLink}) {
    this.#libp2p = libp2p;
    this.#https = https;
  }

  requestPartial(peer: PeerIdText, request: PartialRequest, signal: AbortSignal): Promise<PartialReply> {
    return this.#linkOf(peer).requestPartial(peer, request, signal);
  }

  watermarks(peer: PeerIdText, signal: AbortSignal): Promise<readonly Watermark[]> {
    return this.#linkOf(peer).watermarks(peer, signal);
  }

  peers(): readonly PeerStatus[] {
    return [...this.#libp2p.peers(), ...this.#https.peers()];
  }

  /** @throws LINK_ADDRESS, and nothing has changed then */
  setPeers(peers: readonly {peerId: PeerIdText; addresses: readonly string[]}[]): void {
    const over = peers.filter(({addresses}) => addresses.some(isHttps));
    const rest = peers.filter(({addresses}) => !addresses.some(isHttps));
    // Each link changes nothing when it throws; this one's addresses are checked before the other changes.
    for (const {peerId, addresses} of over) originOf(peerId, addresses);
    this.#libp2p.setPeers(rest);
    this.#https.setPeers(over);
    this.#overHttps = new Set(over.map(({peerId}) => peerId));
  }

  async close(): Promise<void> {
    await Promise.all([this.#libp2p.close(), this.#https.close()]);
  }

  #linkOf(peer: PeerIdText): OperatorLink {
    return this.#overHttps.has(peer) ? this.#https : this.#libp2p;
  }
}
