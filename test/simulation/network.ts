import {setMaxListeners} from "node:events";
import {NO_SIGHTINGS} from "../../src/adapters/operator-link/no-sightings.js";
import type {PeerIdText} from "../../src/core/bytes.js";
import {PleiadesError, type ReasonCode} from "../../src/core/errors.js";
import type {Observer} from "../../src/ports/observer.js";
import type {OperatorLink, PartialReply, PartialRequest, PeerStatus, Watermark} from "../../src/ports/operator-link.js";
import type {PartialHandler} from "../../src/ports/operator-server.js";
import type {SightingExchange, Told} from "../../src/ports/sightings.js";
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

/** A program that takes connections. */
export interface Running {
  readonly process: Process;
  readonly handler: PartialHandler;
  /** Its part in the exchange of sightings. Default: none. */
  readonly sightings?: SightingExchange;
}

/** One operator as the network sees it. */
export interface Endpoint {
  readonly id: number;
  readonly peerId: PeerIdText;
  readonly weather: Weather;
  /** Null while it is down. */
  running: Running | null;
}

/** Carries messages between coordinators and operators: late, twice, in another order or not at all. */
export class SimulatedNetwork {
  readonly endpoints: ReadonlyMap<PeerIdText, Endpoint>;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #links = new Set<SimulatedOperatorLink>();
  /** Coordinators that reach another machine than the others do under the same peer id. */
  readonly #detours = new Map<PeerIdText, Endpoint>();

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

  /** Who answers this coordinator under that peer id. */
  endpointFor(coordinator: PeerIdText, peerId: PeerIdText): Endpoint | undefined {
    const detour = this.#detours.get(coordinator);
    return detour?.peerId === peerId ? detour : this.endpoints.get(peerId);
  }

  /** From now on this coordinator reaches a copy in place of the operator; null: the operator again. */
  divert(coordinator: PeerIdText, copy: Endpoint | null): void {
    const before = this.#detours.get(coordinator);
    if (copy === null) this.#detours.delete(coordinator);
    else this.#detours.set(coordinator, copy);
    const peerId = (copy ?? before)?.peerId;
    if (peerId === undefined) return;
    for (const link of this.#links) if (link.self === coordinator) link.follow(peerId);
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

/** One stream to one run of an operator. What was sent on it reaches no later run. */
interface Connection {
  readonly running: Running;
  readonly sightings: SightingExchange;
  /** Aborts when the operator sees that the connection has ended. */
  readonly gone: AbortController;
  /** What either side knows of the other's news; what a lossy line lost goes again, as on a stream. */
  readonly told: {operator: number; coordinator: number};
  /** No request is answered before the operator has judged what it was told. */
  judging: Promise<void> | null;
}

interface Peer {
  endpoint: Endpoint;
  readonly open: Set<(error: PleiadesError) => void>;
  /** The newest, also after its end. */
  connection: Connection | null;
  connected: boolean;
  stopCode: ReasonCode | null;
}

/** What a coordinator's link tells of the answers that arrive. */
export type OnArrival = (operatorId: number, request: PartialRequest, reply: PartialReply) => void;

/**
 * One coordinator's link on the simulated network. `self` is the peer id that operators see. Sightings go as on the real
 * link: all at the hello, which takes no time here, news with pings, the operator's own with answers.
 */
export class SimulatedOperatorLink implements OperatorLink {
  readonly #network: SimulatedNetwork;
  readonly #process: Process;
  readonly #observer: Observer;
  readonly #onArrival: OnArrival;
  readonly #sightings: SightingExchange;
  readonly self: PeerIdText;
  readonly #peers = new Map<PeerIdText, Peer>();
  #closed = false;

  constructor(
    modules: {
      network: SimulatedNetwork;
      process: Process;
      observer: Observer;
      onArrival?: OnArrival;
      sightings?: SightingExchange;
    },
    {self}: {self: PeerIdText},
  ) {
    this.#network = modules.network;
    this.#process = modules.process;
    this.#observer = modules.observer;
    this.#onArrival = modules.onArrival ?? (() => {});
    this.#sightings = modules.sightings ?? NO_SIGHTINGS;
    this.self = self;
    this.#network.join(this);
  }

  async requestPartial(peerId: PeerIdText, request: PartialRequest, signal: AbortSignal): Promise<PartialReply> {
    const what = request.request.type;
    return this.#call(
      peerId,
      what,
      signal,
      (handler, gone) => handler.handle(this.self, request, gone),
      (id, reply) => this.#onArrival(id, request, reply),
    );
  }

  async watermarks(peerId: PeerIdText, signal: AbortSignal): Promise<readonly Watermark[]> {
    return this.#call(
      peerId,
      "watermarks",
      signal,
      (handler) => handler.watermarks(this.self),
      () => {},
    );
  }

  peers(): readonly PeerStatus[] {
    return [...this.#peers].map(([peerId, {connected, stopCode}]) => ({
      peerId,
      connected,
      software: connected ? "simulated" : null,
      // Not measured: nothing that signs goes by them.
      roundTripMs: connected ? 0 : null,
      clockOffsetMs: connected ? 0 : null,
      stopCode: connected ? stopCode : null,
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
      const endpoint = this.#network.endpointFor(this.self, peerId);
      if (endpoint === undefined || this.#peers.has(peerId)) continue;
      this.#peers.set(peerId, {endpoint, open: new Set(), connection: null, connected: false, stopCode: null});
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
    for (const {connection} of this.#peers.values()) connection?.gone.abort();
  }

  /** Another machine answers under this peer id. */
  follow(peerId: PeerIdText): void {
    const peer = this.#peers.get(peerId);
    if (peer === undefined) return;
    this.lose(peer.endpoint);
    peer.endpoint = this.#network.endpointFor(this.self, peerId)!;
    this.find(peer.endpoint);
  }

  lose(endpoint: Endpoint): void {
    const {peerId} = endpoint;
    const peer = this.#peers.get(peerId);
    if (peer?.connected !== true || peer.endpoint !== endpoint || !this.#process.alive) return;
    peer.connected = false;
    for (const lose of [...peer.open]) lose(new PleiadesError({code: "LINK_DISCONNECTED", peerId}));
    peer.connection?.gone.abort();
    this.#observer({kind: "operator-disconnected", peerId});
  }

  find(endpoint: Endpoint): void {
    const {peerId, running, weather} = endpoint;
    const peer = this.#peers.get(peerId);
    if (peer === undefined || peer.endpoint !== endpoint || peer.connected) return;
    if (running === null || weather.cut || !this.#process.alive) return;
    const sightings = running.sightings ?? NO_SIGHTINGS;
    const forOperator = this.#sightings.news(peerId, 0);
    const forUs = sightings.news(this.self, 0);
    const own = sightings.own();
    const connection: Connection = {
      running,
      sightings,
      gone: new AbortController(),
      told: {operator: forOperator.version, coordinator: forUs.version},
      judging: null,
    };
    peer.connection = connection;
    peer.connected = true;
    this.#tell(connection, forOperator.told);
    void this.#sightings.heard(peerId, {own, told: forUs.told});
    this.#observer({kind: "operator-connected", peerId});
  }

  /** Each side tells the other what is new. */
  ping(): void {
    for (const [peerId, peer] of this.#peers) {
      const {connection, endpoint} = peer;
      if (!peer.connected || connection === null) continue;
      const {process} = connection.running;
      const news = this.#sightings.news(peerId, connection.told.operator);
      this.#network.carry(`${this.#process.name} pings ${endpoint.id}`, endpoint, () => {
        if (!process.alive) return;
        connection.told.operator = Math.max(connection.told.operator, news.version);
        this.#tell(connection, news.told);
        const {sightings} = connection;
        const [stopCode, own] = [sightings.stopCode(), sightings.own()];
        const {told, version} = sightings.news(this.self, connection.told.coordinator);
        this.#network.carry(`${process.name} pongs ${this.#process.name}`, endpoint, () => {
          if (!this.#process.alive || peer.connection !== connection) return;
          connection.told.coordinator = Math.max(connection.told.coordinator, version);
          peer.stopCode = stopCode;
          void this.#sightings.heard(peerId, {own, told});
        });
      });
    }
  }

  #tell(connection: Connection, told: readonly Told[]): void {
    if (told.length === 0) return;
    const judging = connection.sightings.heard(this.self, {own: null, told}).then(() => {
      if (connection.judging === judging) connection.judging = null;
    });
    connection.judging = judging;
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
    if (peer?.connected !== true || peer.connection === null) {
      throw new PleiadesError({code: "LINK_DISCONNECTED", peerId});
    }
    const {endpoint, connection} = peer;
    const {process, handler} = connection.running;
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
      const answer = (then: () => void): void => {
        if (!process.alive) return;
        // Made after the answer was released, so it covers what is behind it.
        const own = connection.sightings.own();
        this.#network.carry(`${process.name} answers ${this.#process.name} ${what}`, endpoint, () => {
          if (!this.#process.alive) return;
          // First the sighting: whoever gets the answer can rely on its being remembered.
          if (peer.connection === connection) void this.#sightings.heard(peerId, {own, told: []});
          settle(then);
        });
      };
      this.#network.carry(`${this.#process.name} asks ${endpoint.id} ${what}`, endpoint, () => {
        if (!process.alive) return;
        const work = (): Promise<T> => ask(handler, connection.gone.signal);
        const asked = connection.judging === null ? work() : connection.judging.then(work);
        asked.then(
          (value) =>
            answer(() => {
              onArrival(endpoint.id, value);
              resolve(value);
            }),
          (error: unknown) => answer(() => reject(error)),
        );
      });
    });
  }
}
