import {type PubkeyHex, parsePubkeyHex, parseRootHex, type RootHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import {type Past, requireRising} from "../../core/slashing/past.js";
import type {SlashingRecord} from "../../core/slashing/record.js";
import type {Decision, SlashingStore} from "../../ports/slashing-store.js";
import type {LmdbEnvironment} from "./lmdb-environment.js";
import {decodePast, encodePast, PAST} from "./past-codec.js";
import {decodeRecord, encodeRecord} from "./record-codec.js";

const CHAIN = "genesis_validators_root";

/** The slashing store over LMDB. Several processes may have the same store open: each decides inside the write lock. */
export class LmdbSlashingStore implements SlashingStore {
  readonly #environment: LmdbEnvironment;

  constructor({environment}: {environment: LmdbEnvironment}) {
    this.#environment = environment;
  }

  transact<R>(key: PubkeyHex, decide: (record: SlashingRecord | undefined) => Decision<R>): Promise<R> {
    const {records} = this.#environment;
    return this.#environment.transaction(() => {
      const stored = records.get(key);
      const {write, result} = decide(stored === undefined ? undefined : decodeRecord(key, stored));
      if (write !== "keep") {
        // The sequence first: a record without it would be one that nobody could miss.
        this.#environment.raiseSequence();
        this.#environment.put(records, key, encodeRecord(key, write));
      }
      return result;
    });
  }

  transactAll<R>(
    decide: (records: ReadonlyMap<PubkeyHex, SlashingRecord>) => {
      writes: ReadonlyMap<PubkeyHex, SlashingRecord>;
      result: R;
    },
  ): Promise<R> {
    return this.#environment.transaction(() => {
      const {writes, result} = decide(this.#all());
      this.#environment.allOrNothing(() => this.#write(writes));
      return result;
    });
  }

  transactPast<R>(
    decide: (
      past: Past,
      records: ReadonlyMap<PubkeyHex, SlashingRecord>,
    ) => {past: Past | "keep"; writes: ReadonlyMap<PubkeyHex, SlashingRecord>; result: R},
  ): Promise<R> {
    return this.#environment.transaction(() => {
      const before = this.#past();
      const {past, writes, result} = decide(before, this.#all());
      this.#environment.allOrNothing(() => {
        if (past !== "keep") {
          this.#environment.raiseSequence(requireRising(before, past).sequence);
          this.#environment.put(this.#environment.meta, PAST, encodePast(past));
        }
        this.#write(writes);
      });
      return result;
    });
  }

  sequence(): bigint {
    return this.#environment.sequence;
  }

  /** Inside a transaction, so that nothing is seen that is not durable yet. */
  readAll(): Promise<ReadonlyMap<PubkeyHex, SlashingRecord>> {
    return this.#environment.transaction(() => this.#all());
  }

  genesisValidatorsRoot(): RootHex | null {
    const stored = this.#environment.meta.get(CHAIN);
    return stored === undefined ? null : parseRootHex(Buffer.from(stored).toString("utf8"), CHAIN);
  }

  pinGenesisValidatorsRoot(root: RootHex): Promise<void> {
    return this.#environment.transaction(() => {
      const pinned = this.genesisValidatorsRoot();
      if (pinned !== null && pinned !== root)
        throw new PleiadesError({code: "SLASHING_WRONG_CHAIN", pinned, given: root});
      if (pinned === null) this.#environment.put(this.#environment.meta, CHAIN, Buffer.from(root));
    });
  }

  close(): Promise<void> {
    return this.#environment.close();
  }

  #write(writes: ReadonlyMap<PubkeyHex, SlashingRecord>): void {
    if (writes.size === 0) return;
    this.#environment.raiseSequence();
    for (const [key, record] of writes) {
      this.#environment.put(this.#environment.records, key, encodeRecord(key, record));
    }
  }

  #past(): Past {
    return decodePast(this.#environment.meta.get(PAST), this.#environment.readSequence());
  }

  #all(): ReadonlyMap<PubkeyHex, SlashingRecord> {
    const found = new Map<PubkeyHex, SlashingRecord>();
    for (const {key: raw, value} of this.#environment.records.getRange({})) {
      const key = parsePubkeyHex(raw);
      found.set(key, decodeRecord(key, value));
    }
    return found;
  }
}
