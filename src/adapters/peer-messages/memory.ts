import type {PeerIdText} from "../../core/bytes.js";
import {codeOf, PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {NamedPeer, NamedPeerStatus, PeerHandler, PeerMessages} from "../../ports/peer-messages.js";
import {pinned} from "../libp2p/pinned.js";
import {GuardedHandler} from "./guarded.js";
import * as limits from "./limits.js";
import {listen} from "./listen.js";

type Body = Uint8Array;
interface Parcel {
  readonly body: Body;
  /** Called when the receiver takes it; resolves when it is worked off. */
  readonly deliver: () => Promise<void>;
  readonly lost: (error: PleiadesError) => void;
}

/** Plugins of several nodes in one process. Two are connected while both are up and have named each other. */
export class MemoryPeerNetwork {
  readonly #nodes = new Map<PeerIdText, MemoryPeerMessages>();

  join(self: PeerIdText, modules: {clock: Clock; logger: Logger}): MemoryPeerMessages {
    const node = new MemoryPeerMessages({...modules, network: this}, self);
    this.#nodes.set(self, node);
    this.settle();
    return node;
  }

  /** Takes a node off the network, and puts it back. */
  setUp(self: PeerIdText, up: boolean): void {
    const node = this.#nodes.get(self);
    if (node === undefined) return;
    node.up = up;
    this.settle();
  }

  node(peer: PeerIdText): MemoryPeerMessages | undefined {
    return this.#nodes.get(peer);
  }

  /** Connects and cuts whatever the nodes' wishes now say. */
  settle(): void {
    for (const node of this.#nodes.values()) node.settle();
  }
}

class MemoryPeerMessages implements PeerMessages {
  readonly self: PeerIdText;
  readonly handler: GuardedHandler;
  up = true;
  readonly #clock: Clock;
  readonly #network: MemoryPeerNetwork;
  readonly #named = new Set<PeerIdText>();
  readonly #lanes = new Map<PeerIdText, Lane>();

  constructor({clock, logger, network}: {clock: Clock; logger: Logger; network: MemoryPeerNetwork}, self: PeerIdText) {
    this.self = self;
    this.#clock = clock;
    this.#network = network;
    this.handler = new GuardedHandler({logger});
  }

  setPeers(peers: readonly NamedPeer[]): void {
    for (const {peerId, addresses} of peers) pinned(peerId, addresses);
    const wanted = new Set(peers.map(({peerId}) => peerId).filter((peerId) => peerId !== this.self));
    if (wanted.size > limits.MAX_PEERS) {
      throw new PleiadesError({code: "PEER_TOO_MANY", most: limits.MAX_PEERS, asked: wanted.size});
    }
    this.#named.clear();
    for (const peerId of wanted) this.#named.add(peerId);
    this.#network.settle();
  }

  peers(): readonly NamedPeerStatus[] {
    return [...this.#named].map((peerId) => {
      const connected = this.#lanes.has(peerId);
      return {peerId, connected, code: connected ? null : "LINK_REJECTED"};
    });
  }

  handle(handler: PeerHandler): void {
    this.handler.current = handler;
  }

  async send(peer: PeerIdText, body: Body, signal?: AbortSignal): Promise<void> {
    const {lane, other} = this.#lane(peer, body);
    if (signal?.aborted === true) throw new PleiadesError({code: "LINK_ABORTED"});
    const copy = Uint8Array.from(body);
    return new Promise((resolve, reject) => {
      const settled = () => signal?.removeEventListener("abort", onAbort);
      const takeBack = lane.add({
        body: copy,
        deliver: () => {
          settled();
          resolve();
          return other.handler.message(this.self, copy);
        },
        lost: (error) => {
          settled();
          reject(error);
        },
      });
      const onAbort = () => {
        takeBack();
        reject(new PleiadesError({code: "LINK_ABORTED"}));
      };
      listen(signal, onAbort);
    });
  }

  async request(peer: PeerIdText, body: Body, signal?: AbortSignal): Promise<Body> {
    const {lane, other} = this.#lane(peer, body);
    if (lane.unanswered.size >= limits.MAX_UNANSWERED) throw new PleiadesError({code: "LINK_OVERLOADED"});
    if (signal?.aborted === true) throw new PleiadesError({code: "LINK_ABORTED"});
    const copy = Uint8Array.from(body);
    return new Promise((resolve, reject) => {
      const settled = () => {
        cancelTimeout();
        lane.unanswered.delete(lost);
        signal?.removeEventListener("abort", onAbort);
      };
      const lost = (error: PleiadesError) => {
        settled();
        reject(error);
      };
      const takeBack = lane.add({
        body: copy,
        deliver: () =>
          other.handler.request(this.self, copy).then(
            (answer) => {
              if (!lane.unanswered.has(lost)) return;
              settled();
              resolve(Uint8Array.from(answer));
            },
            (error: unknown) => lost(new PleiadesError({code: codeOf(error), peer})),
          ),
        lost,
      });
      const giveUp = (code: "LINK_ABORTED" | "PEER_TIMEOUT") => {
        takeBack();
        lost(new PleiadesError({code, peer}));
      };
      const cancelTimeout = this.#clock.after(limits.REQUEST_MS, () => giveUp("PEER_TIMEOUT"));
      const onAbort = () => giveUp("LINK_ABORTED");
      lane.unanswered.add(lost);
      listen(signal, onAbort);
    });
  }

  async close(): Promise<void> {
    this.up = false;
    this.#named.clear();
    this.#network.settle();
  }

  wants(peer: PeerIdText): boolean {
    return this.up && this.#named.has(peer);
  }

  settle(): void {
    for (const [peer, lane] of this.#lanes) {
      if (this.wants(peer) && this.#network.node(peer)?.wants(this.self) === true) continue;
      this.#lanes.delete(peer);
      lane.end();
      this.handler.disconnected(peer);
    }
    for (const peer of this.#named) {
      if (this.#lanes.has(peer) || !this.wants(peer) || this.#network.node(peer)?.wants(this.self) !== true) continue;
      this.#lanes.set(peer, new Lane());
      // As over a network: not while whoever names the peer is still at it.
      queueMicrotask(() => this.handler.connected(peer));
    }
  }

  #lane(peer: PeerIdText, {length}: Body): {lane: Lane; other: MemoryPeerMessages} {
    if (length > limits.MAX_BODY_BYTES) throw new PleiadesError({code: "LINK_TOO_LARGE", bytes: length});
    if (!this.#named.has(peer)) throw new PleiadesError({code: "PEER_UNKNOWN", peer});
    const [lane, other] = [this.#lanes.get(peer), this.#network.node(peer)];
    if (lane === undefined || other === undefined) throw new PleiadesError({code: "LINK_DISCONNECTED", peer});
    return {lane, other};
  }
}

export type {MemoryPeerMessages};

/** One direction of one connection, with the bounds of the real one. */
class Lane {
  readonly unanswered = new Set<(error: PleiadesError) => void>();
  readonly #waiting = new Set<Parcel>();
  #waitingBytes = 0;
  #inHand = 0;
  #inHandBytes = 0;
  #ended = false;

  /** Returns what takes it back while nobody has taken it. @throws LINK_OVERLOADED */
  add(parcel: Parcel): () => void {
    const {length} = parcel.body;
    if (this.#waitingBytes + length > limits.MAX_QUEUED_BYTES) throw new PleiadesError({code: "LINK_OVERLOADED"});
    this.#waiting.add(parcel);
    this.#waitingBytes += length;
    setImmediate(() => this.#work());
    return () => {
      if (this.#waiting.delete(parcel)) this.#waitingBytes -= length;
    };
  }

  end(): void {
    this.#ended = true;
    const error = new PleiadesError({code: "LINK_DISCONNECTED"});
    for (const parcel of this.#waiting) parcel.lost(error);
    for (const lost of [...this.unanswered]) lost(error);
    this.#waiting.clear();
  }

  #work(): void {
    for (const parcel of this.#waiting) {
      const {length} = parcel.body;
      const full = this.#inHand > 0 && this.#inHandBytes + length > limits.MAX_IN_HAND_BYTES;
      if (this.#ended || this.#inHand >= limits.MAX_IN_HAND || full) return;
      this.#waiting.delete(parcel);
      this.#waitingBytes -= length;
      this.#inHand++;
      this.#inHandBytes += length;
      void parcel.deliver().finally(() => {
        this.#inHand--;
        this.#inHandBytes -= length;
        this.#work();
      });
    }
  }
}
