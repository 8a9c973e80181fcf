import type {PubkeyHex, RootHex} from "../core/bytes.js";
import type {Past} from "../core/slashing/past.js";
import type {SlashingRecord} from "../core/slashing/record.js";

/** What a decision does with the record it was shown. `result` is handed back once the commit is durable. */
export interface Decision<R> {
  /** The record to write; `keep` leaves the stored one. */
  readonly write: SlashingRecord | "keep";
  readonly result: R;
}

/**
 * Durable records, one per group public key. Contract (test/contract/slashing-store): `transact` shows `decide` the
 * stored record (undefined: none, which callers must treat as a deny), runs it synchronously inside the store's write
 * queue, and resolves only after the commit that holds the record, written now or earlier, is durable; that is true of
 * `keep` too. Transactions waiting together share one commit. A failed commit rejects every transaction in it with
 * SLASHING_STORE_FAILED, and from then on the store refuses everything with that code.
 *
 * A store also knows its own past. The sequence counts the transactions that wrote records: it rises in the same commit
 * and never falls, so a store with a lower one than somebody saw before has forgotten something.
 */
export interface SlashingStore {
  transact<R>(key: PubkeyHex, decide: (record: SlashingRecord | undefined) => Decision<R>): Promise<R>;
  /** All or nothing over many keys; the result follows the same durability rule. */
  transactAll<R>(
    decide: (records: ReadonlyMap<PubkeyHex, SlashingRecord>) => {
      writes: ReadonlyMap<PubkeyHex, SlashingRecord>;
      result: R;
    },
  ): Promise<R>;
  /** Records and past together in one commit, all or nothing. The past's sequence may only rise. */
  transactPast<R>(
    decide: (
      past: Past,
      records: ReadonlyMap<PubkeyHex, SlashingRecord>,
    ) => {past: Past | "keep"; writes: ReadonlyMap<PubkeyHex, SlashingRecord>; result: R},
  ): Promise<R>;
  /** The highest sequence of a transaction that has resolved here, whether it wrote or kept: never below what was released. */
  sequence(): bigint;
  /** A snapshot of durable records. */
  readAll(): Promise<ReadonlyMap<PubkeyHex, SlashingRecord>>;
  /** The chain this store's records belong to; null before the first pin. */
  genesisValidatorsRoot(): RootHex | null;
  /** Pins the chain once; a different later value throws SLASHING_WRONG_CHAIN. Durable on resolve. */
  pinGenesisValidatorsRoot(root: RootHex): Promise<void>;
  close(): Promise<void>;
}
