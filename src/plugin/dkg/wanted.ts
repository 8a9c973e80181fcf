import type {RootHex} from "../../core/bytes.js";

export interface ChunkPlace {
  readonly dealing: RootHex;
  readonly chunk: number;
}

/** Chunks that peers are asked for, by hash: named in a dealing's header, so whoever has the bytes may bring them. */
export class WantedChunks {
  readonly #places = new Map<RootHex, ChunkPlace>();
  /** Came and are not worked off yet; whom to tell when they are. */
  readonly #arrived = new Map<RootHex, () => void>();

  want(hash: RootHex, place: ChunkPlace): void {
    this.#places.set(hash, place);
  }

  /** What to ask a peer for: first the chunks that it dealt itself, so that different peers are asked for different ones. */
  from(ownDealings: ReadonlySet<RootHex>): readonly RootHex[] {
    const left = [...this.#places].filter(([hash]) => !this.#arrived.has(hash));
    const own = left.filter(([, {dealing}]) => ownDealings.has(dealing));
    const others = left.filter(([, {dealing}]) => !ownDealings.has(dealing));
    return [...own, ...others].map(([hash]) => hash);
  }

  /** Null for what was not asked for, or is here already. `done` resolves when it is worked off. */
  arrive(hash: RootHex): {readonly place: ChunkPlace; readonly done: Promise<void>} | null {
    const place = this.#places.get(hash);
    if (place === undefined || this.#arrived.has(hash)) return null;
    return {place, done: new Promise((resolve) => this.#arrived.set(hash, resolve))};
  }

  /** What did not turn out to be the chunk that was asked for stays asked for. */
  workedOff(at: ChunkPlace, isKnown: (place: ChunkPlace) => boolean): void {
    for (const [hash, place] of this.#places) {
      if (place.dealing === at.dealing && place.chunk === at.chunk) this.#release(hash);
      if (isKnown(place)) this.#places.delete(hash);
    }
  }

  /** Nobody waits any more. */
  drop(): void {
    for (const hash of [...this.#arrived.keys()]) this.#release(hash);
  }

  #release(hash: RootHex): void {
    this.#arrived.get(hash)?.();
    this.#arrived.delete(hash);
  }
}
