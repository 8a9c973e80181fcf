import {setMaxListeners} from "node:events";
import type {PeerIdText} from "../../src/core/bytes.js";
import {PleiadesError} from "../../src/core/errors.js";
import type {Observer} from "../../src/ports/observer.js";
import type {OperatorLink, PartialReply, PartialRequest, PeerStatus, Watermark} from "../../src/ports/operator-link.js";
import type {PartialHandler} from "../../src/ports/operator-server.js";
import type {Process} from "./process.js";
import type {Random} from "./random.js";
import type {Scheduler} from "./scheduler.js";

/** What the way to one operator is like. Changes as faults come and go. */
export interface Weather {
  /** Milliseconds, each message on its own: messages overtake each other. */
  delayMs: readonly [number, number];
  /** Each message on its own. */
  drop: number;
  duplicate: number;
  /** Nothing passes and nobody notices. */
  cut: boolean;
}

export const CALM: Readonly<Weather> = {delayMs: [1, 15], drop: 0, duplicate: 0, cut: false};

/** One operator as the network sees it. */
export interface Endpoint {
  readonly id: number;
  readonly peerId: PeerIdText;
  readonly weather: Weather;
  /** Null while it is down. */
  running: {readonly process: Process; readonly handler: PartialHandler} | null;
}

/** Carries messages between coordinators and operators: late, twice, in another order or not at all. */
export class SimulatedNetwork {
  readonly endpoints: ReadonlyMap<PeerIdText, Endpoint>;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #links = new Set<SimulatedOperatorLink>();

  constructor({scheduler, random}: {scheduler: Scheduler; random: Random}, endpoints: readonly Endpoint[]) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.endpoints = new Map(endpoints.map((endpoint) => [endpoint.peerId, endpoint]));
  }

  join(link: SimulatedOperatorLink): void {
    this.#links.add(link);
  }

  leave(link: SimulatedOperatorLink): void {
    this.#links.delete(link);
  }

  carry(label: string, {weather}: Endpoint, deliver: () => void): void {
    const copies = this.#random.chance(weather.duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delay = this.#random.between(...weather.delayMs) + this.#random.float();
      const lost = weather.cut || this.#random.chance(weather.drop);
      // What is on its way when the cable is cut is lost too.
      this.#scheduler.after(delay, `${label}${copy > 0 ? " again" : ""}`, () => {
        if (lost || weather.cut) this.#scheduler.note("lost");
        else deliver();
      });
    }
  }

  /** Every coordinator notices that the connection broke. */
  disconnect(endpoint: Endpoint): void {
    for (const link of this.#links) link.lose(endpoint);
  }

  /** Every coordinator reconnects, when there is something to connect to. */
  connect(endpoint: Endpoint): void {
    for (const link of this.#links) link.find(endpoint);
  }
}

interface Peer {
  readonly endpoint: Endpoint;
  readonly open: Set<(error: PleiadesError) => void>;
  connected: boolean;
  /** Aborts when the operator sees that the connection has ended. */
  gone: AbortController;
}

/** What a coordinator's link tells of the answers that arrive. */
export type OnArrival = (operatorId: number, request: PartialRequest, reply: PartialReply) => void;

/** One coordinator's link on the simulated network. `self` is the peer id that operators see. */
export class SimulatedOperatorLink implements OperatorLink {
  readonly #network: SimulatedNetwork;
  readonly #process: Process;
  readonly #observer: Observer;
  readonly #onArrival: OnArrival;
  readonly #self: PeerIdText;
  readonly #peers = new Map<PeerIdText, Peer>();
  #closed = false;

  constructor(
    modules: {network: SimulatedNetwork; process: Process; observer: Observer; onArrival?: OnArrival},
    {self}: {self: PeerIdText},
  ) {
    this.#network = modules.network;
    this.#process = modules.process;
    this.#observer = modules.observer;
    this.#onArrival = modules.onArrival ?? (() => {});
    this.#self = self;
    this.#network.join(this);
  }

  async requestPartial(peerId: PeerIdText, request: PartialRequest, signal: AbortSignal): Promise<PartialReply> {
    const what = request.request.type;
    return this.#call(
      peerId,
      what,
      signal,
      (handler, gone) => handler.handle(this.#self, request, gone),
      (id, reply) => this.#onArrival(id, request, reply),
    );
  }

  async watermarks(peerId: PeerIdText, signal: AbortSignal): Promise<readonly Watermark[]> {
    return this.#call(
      peerId,
      "watermarks",
      signal,
      (handler) => handler.watermarks(this.#self),
      () => {},
    );
  }

  peers(): readonly PeerStatus[] {
    return [...this.#peers].map(([peerId, {connected}]) => ({
      peerId,
      connected,
      software: connected ? "simulated" : null,
      roundTripMs: connected ? 0 : null,
      clockOffsetMs: connected ? 0 : null,
      stopCode: null,
    }));
  }

  setPeers(peers: readonly {peerId: PeerIdText; addresses: readonly string[]}[]): void {
    if (this.#closed) return;
    const wanted = new Set(peers.map(({peerId}) => peerId));
    for (const [peerId, {endpoint}] of [...this.#peers]) {
      if (wanted.has(peerId)) continue;
      this.lose(endpoint);
      this.#peers.delete(peerId);
    }
    for (const peerId of wanted) {
      const endpoint = this.#network.endpoints.get(peerId);
      if (endpoint === undefined || this.#peers.has(peerId)) continue;
      this.#peers.set(peerId, {endpoint, open: new Set(), connected: false, gone: new AbortController()});
      this.find(endpoint);
    }
  }

  async close(): Promise<void> {
    this.setPeers([]);
    this.#closed = true;
    this.#network.leave(this);
  }

  /** Nobody answers at this end any more. */
  abandon(): void {
    for (const {gone} of this.#peers.values()) gone.abort();
  }

  lose({peerId}: Endpoint): void {
    const peer = this.#peers.get(peerId);
    if (peer?.connected !== true || !this.#process.alive) return;
    peer.connected = false;
    for (const lose of [...peer.open]) lose(new PleiadesError({code: "LINK_DISCONNECTED", peerId}));
    peer.gone.abort();
    this.#observer({kind: "operator-disconnected", peerId});
  }

  find({peerId, running, weather}: Endpoint): void {
    const peer = this.#peers.get(peerId);
    if (peer === undefined || peer.connected || running === null || weather.cut || !this.#process.alive) return;
    peer.connected = true;
    peer.gone = new AbortController();
    this.#observer({kind: "operator-connected", peerId});
  }

  #call<T>(
    peerId: PeerIdText,
    what: string,
    signal: AbortSignal,
    ask: (handler: PartialHandler, gone: AbortSignal) => Promise<T>,
    onArrival: (operatorId: number, value: T) => void,
  ): Promise<T> {
    if (signal.aborted) throw new PleiadesError({code: "LINK_ABORTED"});
    const peer = this.#peers.get(peerId);
    if (peer?.connected !== true) throw new PleiadesError({code: "LINK_DISCONNECTED", peerId});
    const {endpoint, gone} = peer;
    return new Promise<T>((resolve, reject) => {
      const settle = (then: () => void): void => {
        signal.removeEventListener("abort", onAbort);
        if (peer.open.delete(onLost)) then();
      };
      const onAbort = (): void => settle(() => reject(new PleiadesError({code: "LINK_ABORTED"})));
      const onLost = (error: PleiadesError): void => settle(() => reject(error));
      setMaxListeners(0, signal);
      signal.addEventListener("abort", onAbort, {once: true});
      peer.open.add(onLost);
      const answer = (process: Process, then: () => void): void => {
        if (!process.alive) return;
        this.#network.carry(`${process.name} answers ${this.#process.name} ${what}`, endpoint, () => {
          if (this.#process.alive) settle(then);
        });
      };
      this.#network.carry(`${this.#process.name} asks ${endpoint.id} ${what}`, endpoint, () => {
        if (endpoint.running === null) return;
        const {process, handler} = endpoint.running;
        ask(handler, gone.signal).then(
          (value) =>
            answer(process, () => {
              onArrival(endpoint.id, value);
              resolve(value);
            }),
          (error: unknown) => answer(process, () => reject(error)),
        );
      });
    });
  }
}
