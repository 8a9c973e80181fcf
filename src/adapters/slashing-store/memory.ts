import type {PubkeyHex, RootHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import {NO_PAST, type Past, requireRising} from "../../core/slashing/past.js";
import type {SlashingRecord} from "../../core/slashing/record.js";
import type {Decision, SlashingStore} from "../../ports/slashing-store.js";

/** A copy of the disk at one moment: what was durable then. */
export interface StoreSnapshot {
  readonly records: ReadonlyMap<PubkeyHex, SlashingRecord>;
  readonly past: Past;
  readonly chain: RootHex | null;
}

/**
 * The in-memory twin: commits in order, one turn later, or when a test releases them. A disk that forgets is
 * `restore(snapshot())`; two disks that were one are two stores made of one snapshot.
 */
export class MemorySlashingStore implements SlashingStore {
  #records = new Map<PubkeyHex, SlashingRecord>();
  #past: Past = NO_PAST;
  /** Of the newest transaction that resolved. */
  #durable = 0n;
  #chain: RootHex | null = null;
  #failure: PleiadesError | null = null;
  #hold: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

  constructor(disk?: StoreSnapshot) {
    if (disk !== undefined) this.restore(disk);
  }

  /** What a copy of the disk made now would hold. */
  snapshot(): StoreSnapshot {
    return {records: new Map(this.#records), past: this.#past, chain: this.#chain};
  }

  /** Puts an old copy of the disk back in place, as while the keeper is off: the store opens again on what it holds. */
  restore({records, past, chain}: StoreSnapshot): void {
    this.#records = new Map(records);
    this.#past = past;
    this.#durable = past.sequence;
    this.#chain = chain;
    this.#failure = null;
    this.#release();
    this.#hold = Promise.resolve();
  }

  /** From now on decisions are made but no commit becomes durable until the returned function is called. */
  holdCommits(): () => void {
    this.#hold = new Promise((resolve) => {
      this.#release = resolve;
    });
    return () => this.#release();
  }

  /** The next commits fail, as on a full disk. */
  breakCommits(): void {
    this.#failure = new PleiadesError({code: "SLASHING_STORE_FAILED", reason: "broken by a test"});
    this.#release();
  }

  transact<R>(key: PubkeyHex, decide: (record: SlashingRecord | undefined) => Decision<R>): Promise<R> {
    return this.#commit(() => {
      const {write, result} = decide(this.#records.get(key));
      if (write !== "keep") this.#write(new Map([[key, write]]));
      return result;
    });
  }

  transactAll<R>(
    decide: (records: ReadonlyMap<PubkeyHex, SlashingRecord>) => {
      writes: ReadonlyMap<PubkeyHex, SlashingRecord>;
      result: R;
    },
  ): Promise<R> {
    return this.#commit(() => {
      const {writes, result} = decide(new Map(this.#records));
      this.#write(writes);
      return result;
    });
  }

  transactPast<R>(
    decide: (
      past: Past,
      records: ReadonlyMap<PubkeyHex, SlashingRecord>,
    ) => {past: Past | "keep"; writes: ReadonlyMap<PubkeyHex, SlashingRecord>; result: R},
  ): Promise<R> {
    return this.#commit(() => {
      const {past, writes, result} = decide(this.#past, new Map(this.#records));
      if (past !== "keep") this.#past = requireRising(this.#past, past);
      this.#write(writes);
      return result;
    });
  }

  sequence(): bigint {
    return this.#durable;
  }

  readAll(): Promise<ReadonlyMap<PubkeyHex, SlashingRecord>> {
    return this.#commit(() => new Map(this.#records));
  }

  genesisValidatorsRoot(): RootHex | null {
    return this.#chain;
  }

  pinGenesisValidatorsRoot(root: RootHex): Promise<void> {
    return this.#commit(() => {
      if (this.#chain !== null && this.#chain !== root) {
        throw new PleiadesError({code: "SLASHING_WRONG_CHAIN", pinned: this.#chain, given: root});
      }
      this.#chain = root;
    });
  }

  async close(): Promise<void> {
    this.#failure ??= new PleiadesError({code: "SLASHING_STORE_FAILED", reason: "closed"});
  }

  #write(writes: ReadonlyMap<PubkeyHex, SlashingRecord>): void {
    if (writes.size === 0) return;
    for (const [key, record] of writes) this.#records.set(key, record);
    this.#past = {...this.#past, sequence: this.#past.sequence + 1n};
  }

  async #commit<R>(body: () => R): Promise<R> {
    if (this.#failure !== null) throw this.#failure;
    const value = body();
    const {sequence} = this.#past;
    await this.#hold;
    if (this.#failure !== null) throw this.#failure;
    if (sequence > this.#durable) this.#durable = sequence;
    return value;
  }
}
