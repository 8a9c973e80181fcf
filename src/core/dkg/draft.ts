import type {RootHex} from "../bytes.js";
import {dealerParticipant} from "./ceremony.js";
import type {AnyItem, Bodies, Item, ItemKind} from "./items.js";
import {isItem, placeOf, signItem} from "./items.js";
import {chunkCount} from "./plan.js";
import type {ChunkState, DkgEffect, DkgState, Machine, TimerName} from "./state.js";
import {type Work, workHere} from "./work.js";

/** A state being changed by one step, and what the step wants done. Maps are copied when they are first written to. */
export class Draft {
  readonly machine: Machine;
  readonly effects: DkgEffect[] = [];
  readonly work: Work;
  #state: DkgState;

  constructor(machine: Machine, state: DkgState) {
    this.machine = machine;
    this.work = machine.work ?? workHere(machine.group);
    this.#state = state;
  }

  get state(): DkgState {
    return this.#state;
  }

  set(change: Partial<DkgState>): void {
    this.#state = {...this.#state, ...change};
  }

  emit(effect: DkgEffect): void {
    this.effects.push(effect);
  }

  /** Whether a timer has fired; sets it when it never was. */
  elapsed(name: TimerName, ms: number): boolean {
    const timer = this.#state.timers.get(name);
    if (timer === undefined) {
      this.set({timers: with_(this.#state.timers, name, "set")});
      this.emit({kind: "timer", name, ms});
    }
    return timer === "fired";
  }

  setChunk(key: string, chunk: ChunkState): void {
    this.set({chunks: with_(this.#state.chunks, key, chunk)});
  }

  add(item: AnyItem): void {
    const place = placeOf(item);
    const known = this.#state.places.get(place) ?? [];
    this.set({
      items: with_(this.#state.items, itemKey(item), item),
      places: with_(this.#state.places, place, [...known, item.hash]),
    });
  }

  remove(item: AnyItem): void {
    const items = new Map(this.#state.items);
    const place = placeOf(item);
    items.delete(itemKey(item));
    const left = (this.#state.places.get(place) ?? []).filter((hash) => hash !== item.hash);
    this.set({items, places: with_(this.#state.places, place, left)});
  }

  /** Signs a statement of our own: durable before anybody hears of it. */
  say<K extends ItemKind>(kind: K, sequence: number, body: Bodies[K]): Item<K> {
    const {ceremony, self, sign} = this.machine;
    const item = signItem(ceremony, {author: self, kind, sequence, body}, sign);
    // Said again after a crash: it is in the journal already.
    if (!this.state.items.has(itemKey(item as AnyItem))) {
      this.add(item as AnyItem);
      this.emit({kind: "persist", item: item as AnyItem});
    }
    this.emit({kind: "publish", item: item as AnyItem});
    return item;
  }
}

/** A copy with one more entry. */
export function with_<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

export const itemKey = (item: Pick<AnyItem, "author" | "kind" | "sequence" | "hash">): string =>
  `${placeOf(item)}/${item.hash}`;
export const chunkKey = (dealing: RootHex, chunk: number): string => `${dealing}/${chunk}`;

/** The items at a place, in order of arrival. */
export function itemsAt<K extends ItemKind>(state: DkgState, kind: K, author: number, sequence = 0): Item<K>[] {
  const place = placeOf({kind, author, sequence});
  return (state.places.get(place) ?? []).map((hash) => state.items.get(`${place}/${hash}`) as Item as Item<K>);
}

/** The first item at a place: the only one, of an honest participant. */
export const itemAt = <K extends ItemKind>(state: DkgState, kind: K, author: number, sequence = 0): Item<K> | null =>
  itemsAt(state, kind, author, sequence)[0] ?? null;

export function itemsOf<K extends ItemKind>(state: DkgState, kind: K): Item<K>[] {
  return [...state.items.values()].filter((item): item is AnyItem & Item<K> => isItem(item, kind));
}

/** The header with this hash, of whichever dealer. */
export function dealingOf({ceremony}: Machine, state: DkgState, dealer: number, hash: RootHex): Item<"deal"> | null {
  const {number} = dealerParticipant(ceremony, dealer);
  return itemsAt(state, "deal", number).find((item) => item.hash === hash) ?? null;
}

/** The states of all chunks of a dealing; null for those not here. */
export const chunkStates = ({ceremony}: Machine, state: DkgState, dealing: RootHex): (ChunkState | null)[] =>
  Array.from({length: chunkCount(ceremony.plan)}, (_, i) => state.chunks.get(chunkKey(dealing, i)) ?? null);

/** All revisions of a recipient's verdict, newest first. */
export function verdictsOf(state: DkgState, recipient: number): Item<"verdict">[] {
  return itemsOf(state, "verdict")
    .filter(({author}) => author === recipient)
    .sort((a, b) => b.sequence - a.sequence);
}
