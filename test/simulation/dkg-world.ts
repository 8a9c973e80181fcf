import type {RootHex} from "../../src/core/bytes.js";
import type {Ceremony} from "../../src/core/dkg/ceremony.js";
import {type AnyItem, placeOf} from "../../src/core/dkg/items.js";
import {decodeItem} from "../../src/core/dkg/items-codec.js";
import {PleiadesError} from "../../src/core/errors.js";
import type {DkgNode} from "./dkg-node.js";
import {Random} from "./random.js";
import {Scheduler} from "./scheduler.js";

/** How bad the network and the machines are until `calmAt`; from then on every message arrives and nobody crashes. */
export interface Weather {
  readonly drop: number;
  readonly duplicate: number;
  readonly maxDelayMs: number;
  /** Per effect. */
  readonly crash: number;
  readonly calmAtMs: number;
}

const SYNC_EVERY_MS = 200;
const CALM_DELAY_MS = 40;

/** The network between the operators of one ceremony, and what an onlooker sees of it. */
export class DkgWorld {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly nodes: DkgNode[] = [];
  readonly ceremony: Ceremony;
  readonly #weather: Weather;
  readonly #decoded = new Map<string, AnyItem | PleiadesError>();
  /** What honest operators signed, by place. */
  readonly #said = new Map<string, Set<RootHex>>();
  readonly problems: string[] = [];
  refused = 0;

  constructor(
    ceremony: Ceremony,
    {seed, weather, log}: {seed: number; weather: Weather; log?: (line: string) => void},
  ) {
    this.ceremony = ceremony;
    this.#weather = weather;
    this.random = new Random(seed, 7);
    this.scheduler = new Scheduler({log: log ?? null});
  }

  note(text: string): void {
    this.scheduler.note(text);
  }

  get calm(): boolean {
    return this.scheduler.now >= this.#weather.calmAtMs;
  }

  start(): void {
    for (const node of this.nodes) {
      this.scheduler.after(this.random.between(0, 100), `${node.number} starts`, () => node.start());
      this.#sync(node);
    }
  }

  /** Decides whether an operator's process ends here; it comes back later. */
  crashesNow(node: DkgNode): boolean {
    if (this.calm || !node.up || !this.random.chance(this.#weather.crash)) return !node.up;
    node.crash();
    this.scheduler.after(this.random.between(5, 400), `${node.number} restarts`, () => node.start());
    return true;
  }

  send(from: DkgNode, to: DkgNode, text: string): void {
    const copies = !this.calm && this.random.chance(this.#weather.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (this.#isLost()) continue;
      this.scheduler.after(this.#delay(), `${from.number} to ${to.number}`, () => this.receive(to, text));
    }
  }

  /** As an operator does at its edge: decoded or refused. Decoding depends on the text alone, so it is done once. */
  receive(to: DkgNode, text: string): void {
    if (!to.up) return;
    let item = this.#decoded.get(text);
    if (item === undefined) {
      try {
        item = decodeItem(this.ceremony, text);
      } catch (error) {
        if (!(error instanceof PleiadesError)) throw error;
        item = error;
      }
      this.#decoded.set(text, item);
    }
    if (item instanceof PleiadesError) this.refused++;
    else to.input({kind: "item", item, stored: false});
  }

  /** An honest operator never says two things at one place, whatever crashes come between. */
  said(node: DkgNode, item: AnyItem): void {
    if (!node.honest) return;
    const place = placeOf(item);
    const hashes = this.#said.get(place) ?? new Set();
    hashes.add(item.hash);
    this.#said.set(place, hashes);
    if (hashes.size > 1) this.problems.push(`honest operator ${node.number} said two things at ${place}`);
  }

  #isLost(): boolean {
    return !this.calm && this.random.chance(this.#weather.drop);
  }

  #delay(): number {
    return this.random.between(1, this.calm ? CALM_DELAY_MS : this.#weather.maxDelayMs);
  }

  /** Every so often an operator pulls from another what it lacks. */
  #sync(node: DkgNode): void {
    this.scheduler.after(SYNC_EVERY_MS + this.random.between(0, 20), `${node.number} syncs`, () => {
      const others = this.nodes.filter((one) => one !== node && one.up);
      for (const peer of this.calm ? others : this.random.some(others, 1)) {
        if (!node.up || this.#isLost()) continue;
        const {texts, chunks} = peer.offer(node);
        for (const text of texts) this.send(peer, node, text);
        for (const {hash, bytes} of chunks) {
          if (this.#isLost()) continue;
          this.scheduler.after(this.#delay(), `${node.number} gets a chunk`, () => node.receiveChunk(hash, bytes));
        }
      }
      this.#sync(node);
    });
  }
}
