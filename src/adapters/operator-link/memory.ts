import {setMaxListeners} from "node:events";
import type {PeerIdText} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Observer} from "../../ports/observer.js";
import type {OperatorLink, PartialReply, PartialRequest, PeerStatus, Watermark} from "../../ports/operator-link.js";
import type {PartialHandler} from "../../ports/operator-server.js";
import type {SightingExchange} from "../../ports/sightings.js";
import {NO_SIGHTINGS} from "./no-sightings.js";

/** What may go wrong between the coordinator and one operator. */
export interface MemoryFaults {
  /** Milliseconds each answer takes on its way. */
  delayMs: number;
  /** True: this request is lost on its way and never answered. */
  drop: (request: PartialRequest | "watermarks") => boolean;
  /** What the coordinator gets in place of the operator's answer. */
  tamper: (reply: PartialReply) => PartialReply;
}

interface MemoryPeer {
  readonly lost: Set<(error: PleiadesError) => void>;
  connected: boolean;
  /** Of the present connection; aborted at its end. */
  gone: AbortController;
  /** What either side was told of the other's news. */
  told: {coordinator: number; operator: number};
}

const HONEST: MemoryFaults = {delayMs: 0, drop: () => false, tamper: (reply) => reply};

/**
 * The in-memory twin of the libp2p link: calls the operators' handlers directly, with faults at will. `self` is the peer id
 * the operators see. With `sightings` on both sides they are exchanged before each request and with each answer, where
 * the real link does so at the handshake, with pings and with each answer.
 */
export class MemoryOperatorLink implements OperatorLink {
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #self: PeerIdText;
  readonly #operators: ReadonlyMap<PeerIdText, PartialHandler>;
  readonly #sightings: SightingExchange;
  readonly #operatorSightings: ReadonlyMap<PeerIdText, SightingExchange>;
  readonly #faults = new Map<PeerIdText, MemoryFaults>();
  /** Operators that are down: no connection, however much the link would like one. */
  readonly #down = new Set<PeerIdText>();
  readonly #peers = new Map<PeerIdText, MemoryPeer>();
  #closed = false;

  constructor(
    {clock, observer, sightings}: {clock: Clock; observer: Observer; sightings?: SightingExchange},
    {
      self,
      operators,
      operatorSightings,
    }: {
      self: PeerIdText;
      /** Looked up for each request: an entry may be replaced, as by a restart. */
      operators: ReadonlyMap<PeerIdText, PartialHandler>;
      operatorSightings?: ReadonlyMap<PeerIdText, SightingExchange>;
    },
  ) {
    this.#sightings = sightings ?? NO_SIGHTINGS;
    this.#operatorSightings = operatorSightings ?? new Map();
    this.#clock = clock;
    this.#observer = observer;
    this.#self = self;
    this.#operators = operators;
  }

  /** Faults from now on; what is not named is as it should be. */
  setFaults(peer: PeerIdText, faults: Partial<MemoryFaults>): void {
    this.#faults.set(peer, {...HONEST, ...faults});
  }

  /** Breaks the connection and keeps it broken until reconnect. */
  disconnect(peer: PeerIdText): void {
    this.#down.add(peer);
    this.#drop(peer);
  }

  reconnect(peer: PeerIdText): void {
    this.#down.delete(peer);
    this.#connect(peer);
  }

  requestPartial(peer: PeerIdText, request: PartialRequest, signal: AbortSignal): Promise<PartialReply> {
    return this.#call(peer, request, signal, async (operator, {tamper}, gone) => {
      await this.#exchange(peer);
      const reply = await operator.handle(this.#self, request, gone);
      await this.#exchange(peer);
      return tamper(reply);
    });
  }

  /** What the real link does with a ping: each side tells the other its news. */
  async #exchange(peerId: PeerIdText): Promise<void> {
    const peer = this.#peers.get(peerId);
    const operator = this.#operatorSightings.get(peerId);
    if (peer === undefined || operator === undefined) return;
    const forOperator = this.#sightings.news(peerId, peer.told.operator);
    peer.told.operator = forOperator.version;
    await operator.heard(this.#self, {own: null, told: forOperator.told});
    const forUs = operator.news(this.#self, peer.told.coordinator);
    peer.told.coordinator = forUs.version;
    await this.#sightings.heard(peerId, {own: operator.own(), told: forUs.told});
  }

  watermarks(peer: PeerIdText, signal: AbortSignal): Promise<readonly Watermark[]> {
    return this.#call(peer, "watermarks", signal, (operator) => operator.watermarks(this.#self));
  }

  peers(): readonly PeerStatus[] {
    return [...this.#peers].map(([peerId, {connected}]) => ({
      peerId,
      connected,
      software: connected ? "memory" : null,
      roundTripMs: connected ? 0 : null,
      clockOffsetMs: connected ? 0 : null,
      stopCode: connected ? (this.#operatorSightings.get(peerId)?.stopCode() ?? null) : null,
    }));
  }

  setPeers(peers: readonly {peerId: PeerIdText; addresses: readonly string[]}[]): void {
    if (this.#closed) return;
    const wanted = new Set(peers.map(({peerId}) => peerId));
    for (const peerId of [...this.#peers.keys()]) {
      if (wanted.has(peerId)) continue;
      this.#drop(peerId);
      this.#peers.delete(peerId);
    }
    for (const peerId of wanted) {
      if (this.#peers.has(peerId)) continue;
      this.#peers.set(peerId, {
        connected: false,
        lost: new Set(),
        gone: new AbortController(),
        told: {coordinator: 0, operator: 0},
      });
      this.#connect(peerId);
    }
  }

  async close(): Promise<void> {
    this.setPeers([]);
    this.#closed = true;
  }

  async #call<T>(
    peerId: PeerIdText,
    what: PartialRequest | "watermarks",
    signal: AbortSignal,
    ask: (operator: PartialHandler, faults: MemoryFaults, gone: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (signal.aborted) throw new PleiadesError({code: "LINK_ABORTED"});
    const peer = this.#peers.get(peerId);
    const operator = this.#operators.get(peerId);
    if (peer?.connected !== true || operator === undefined)
      throw new PleiadesError({code: "LINK_DISCONNECTED", peerId});
    const faults = this.#faults.get(peerId) ?? HONEST;
    return new Promise<T>((resolve, reject) => {
      let cancelDelay = (): void => undefined;
      const settle = (then: () => void) => {
        signal.removeEventListener("abort", onAbort);
        peer.lost.delete(onLost);
        cancelDelay();
        then();
      };
      const onAbort = () => settle(() => reject(new PleiadesError({code: "LINK_ABORTED"})));
      const onLost = (error: PleiadesError) => settle(() => reject(error));
      setMaxListeners(0, signal);
      signal.addEventListener("abort", onAbort, {once: true});
      peer.lost.add(onLost);
      if (faults.drop(what)) return;
      const arrive = (then: () => void) => {
        // Settled already: a late answer is dropped.
        if (!peer.lost.has(onLost)) return;
        if (faults.delayMs === 0) settle(then);
        else cancelDelay = this.#clock.after(faults.delayMs, () => settle(then));
      };
      ask(operator, faults, peer.gone.signal).then(
        (value) => arrive(() => resolve(value)),
        (error: unknown) => arrive(() => reject(error)),
      );
    });
  }

  #connect(peerId: PeerIdText): void {
    const peer = this.#peers.get(peerId);
    if (this.#closed || peer === undefined || peer.connected || this.#down.has(peerId)) return;
    if (!this.#operators.has(peerId)) return;
    peer.connected = true;
    peer.gone = new AbortController();
    // A new connection starts with everything.
    peer.told = {coordinator: 0, operator: 0};
    this.#observer({kind: "operator-connected", peerId});
  }

  #drop(peerId: PeerIdText): void {
    const peer = this.#peers.get(peerId);
    if (peer?.connected !== true) return;
    peer.connected = false;
    peer.gone.abort();
    for (const lose of [...peer.lost]) lose(new PleiadesError({code: "LINK_DISCONNECTED", peerId}));
    this.#observer({kind: "operator-disconnected", peerId});
  }
}
