import type {SecureContextOptions} from "node:tls";
import type {PeerIdText, RootHex} from "../../core/bytes.js";
import type {Committee} from "../../core/committee/committee.js";
import type {WireRequest} from "../../core/duty/sign-request.js";
import {PleiadesError} from "../../core/errors.js";
import type {OperatorLink, PartialReply, PartialRequest, PeerStatus, Watermark} from "../../ports/operator-link.js";
import {type ParticipantModules, type ParticipantShare, ProfileParticipant} from "./https/participant.js";

export interface HttpsOperatorLinkOptions {
  /** Own certificate and key, and the authorities that vouch for participants. */
  readonly context: SecureContextOptions;
  /** The committee files of this moment; the same array for as long as nothing changed. */
  readonly committees: () => readonly Committee[];
}

export const isHttps = (address: string): boolean => address.startsWith("https://");

/**
 * A coordinator's way to participants of the standard's distributed profile: foreign signers, or operators of ours that
 * serve it. Their plain partial signatures are scaled here, so that to everything behind this port they look like our own
 * operators'. The profile knows no watermarks: there are none.
 */
export class HttpsOperatorLink implements OperatorLink {
  readonly #modules: ParticipantModules;
  readonly #options: HttpsOperatorLinkOptions;
  readonly #peers = new Map<PeerIdText, ProfileParticipant>();
  /** One request goes to t participants: its JSON is made once. */
  readonly #json = new WeakMap<WireRequest, string>();
  #indexed: readonly Committee[] | null = null;
  #shares: ReadonlyMap<PeerIdText, ReadonlyMap<RootHex, ParticipantShare>> = new Map();
  #closed = false;

  constructor(modules: ParticipantModules, options: HttpsOperatorLinkOptions) {
    this.#modules = modules;
    this.#options = options;
  }

  async requestPartial(peer: PeerIdText, request: PartialRequest, signal: AbortSignal): Promise<PartialReply> {
    let json = this.#json.get(request.request);
    if (json === undefined) {
      json = JSON.stringify(request.request);
      this.#json.set(request.request, json);
    }
    return this.#peer(peer).requestPartial(request, json, signal);
  }

  async watermarks(peer: PeerIdText, signal: AbortSignal): Promise<readonly Watermark[]> {
    if (signal.aborted) throw new PleiadesError({code: "LINK_ABORTED"});
    if (!this.#peer(peer).status().connected) throw new PleiadesError({code: "LINK_DISCONNECTED", peerId: peer});
    return [];
  }

  peers(): readonly PeerStatus[] {
    return [...this.#peers.values()].map((peer) => peer.status());
  }

  /** Of several addresses the first https origin is used. @throws LINK_ADDRESS, and nothing has changed then */
  setPeers(peers: readonly {peerId: PeerIdText; addresses: readonly string[]}[]): void {
    if (this.#closed) return;
    const wanted = new Map(peers.map(({peerId, addresses}) => [peerId, originOf(peerId, addresses)] as const));
    for (const [peerId, peer] of [...this.#peers]) {
      if (wanted.get(peerId) === peer.origin) continue;
      this.#peers.delete(peerId);
      void peer.close();
    }
    for (const [peerId, origin] of wanted) {
      if (this.#peers.has(peerId)) continue;
      const {context} = this.#options;
      const shares = () => this.#index().get(peerId) ?? new Map();
      this.#peers.set(peerId, new ProfileParticipant(this.#modules, {peerId, origin, context, shares}));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const peers = [...this.#peers.values()];
    this.#peers.clear();
    await Promise.all(peers.map((peer) => peer.close()));
  }

  #peer(peerId: PeerIdText): ProfileParticipant {
    const peer = this.#peers.get(peerId);
    if (peer === undefined) throw new PleiadesError({code: "LINK_DISCONNECTED", peerId, reason: "not a peer"});
    return peer;
  }

  #index(): ReadonlyMap<PeerIdText, ReadonlyMap<RootHex, ParticipantShare>> {
    const committees = this.#options.committees();
    if (committees !== this.#indexed) {
      this.#shares = indexOf(committees);
      this.#indexed = committees;
    }
    return this.#shares;
  }
}

function indexOf(committees: readonly Committee[]): ReadonlyMap<PeerIdText, ReadonlyMap<RootHex, ParticipantShare>> {
  // One that has an https address in any committee file is asked over HTTPS for all of them.
  const participants = new Set(
    committees
      .flatMap(({operators}) => operators)
      .filter(({addresses}) => addresses.some(isHttps))
      .map(({peerId}) => peerId),
  );
  const index = new Map<PeerIdText, Map<RootHex, ParticipantShare>>();
  for (const {operators, threshold, validators} of committees) {
    const quorum = {n: operators.length, t: threshold};
    for (const {id, peerId} of operators) {
      if (!participants.has(peerId)) continue;
      const shares = index.get(peerId) ?? new Map<RootHex, ParticipantShare>();
      index.set(peerId, shares);
      for (const {groupPublicKey: key, committeeHash, sharePublicKeys} of validators) {
        const sharePublicKey = sharePublicKeys[id - 1]!;
        shares.set(committeeHash, {key, committeeHash, participantId: id, sharePublicKey, quorum});
      }
    }
  }
  return index;
}

/** The https origin among the addresses. @throws LINK_ADDRESS */
export function originOf(peerId: PeerIdText, addresses: readonly string[]): string {
  const address = addresses.find(isHttps) ?? addresses[0] ?? "";
  if (isHttps(address) && URL.canParse(address)) {
    const url = new URL(address);
    if (url.href === `${url.origin}/`) return url.origin;
  }
  throw new PleiadesError({code: "LINK_ADDRESS", address: address.slice(0, 200), peerId});
}
