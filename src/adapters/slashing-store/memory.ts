import type {PubkeyHex, RootHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {SlashingRecord} from "../../core/slashing/record.js";
import type {Decision, SlashingStore} from "../../ports/slashing-store.js";

/** The in-memory twin: commits in order, one turn later, or when a test releases them. */
export class MemorySlashingStore implements SlashingStore {
  readonly #records = new Map<PubkeyHex, SlashingRecord>();
  #chain: RootHex | null = null;
  #failure: PleiadesError | null = null;
  #hold: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

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
      if (write !== "keep") this.#records.set(key, write);
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
      for (const [key, record] of writes) this.#records.set(key, record);
      return result;
    });
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

  async #commit<R>(body: () => R): Promise<R> {
    if (this.#failure !== null) throw this.#failure;
    const value = body();
    await this.#hold;
    if (this.#failure !== null) throw this.#failure;
    return value;
  }
}
