import type {LmdbEnvironment} from "../../adapters/slashing-store/lmdb-environment.js";
import {decodeRecord, encodeRecord, openValue, sealValue} from "../../adapters/slashing-store/record-codec.js";
import type {PubkeyHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {Tenure} from "../../core/handover/tenure.js";
import {raise} from "../../core/slashing/decide.js";
import type {SlashingRecord} from "../../core/slashing/record.js";
import type {WithdrawalRecord} from "../../core/slashing/withdrawal.js";
import type {ShareStore, StoredShare} from "../share-store.js";
import type {ShareName, TenureBook} from "../tenure-book.js";
import type {WithdrawalGuard} from "../withdrawal-guard.js";

/** What a transaction may write; all of it or nothing, durable when the transaction has resolved. */
export interface CeremonyWriter {
  put(name: string, value: Uint8Array): void;
  remove(name: string): void;
  /** @throws KEEPER_OTHER_CREDENTIALS */
  recordWithdrawal(key: PubkeyHex, record: WithdrawalRecord): void;
  /**
   * A record that exists is only raised.
   * @param beside `others`: shares of other generations of these keys may be there @throws KEEPER_SECOND_SHARE
   */
  addShares(shares: readonly {share: StoredShare; record: SlashingRecord}[], beside: "only" | "others"): void;
  setTenure(share: ShareName, tenure: Tenure): void;
  /** Of a key that has a record. */
  raiseRecord(key: PubkeyHex, record: SlashingRecord): void;
}

/** Where a vault keeps ceremonies, sealed with the store's key, beside shares and records. */
export interface CeremonyTable {
  /** @throws SLASHING_STORE_CORRUPT */
  get(name: string): Buffer | null;
  names(prefix: string): readonly string[];
  /** The shares that are held of a key now. @throws SLASHING_STORE_CORRUPT */
  sharesOf(key: PubkeyHex): readonly StoredShare[];
  tenureOf(share: ShareName): Tenure;
  recordOf(key: PubkeyHex): SlashingRecord | null;
  withdrawalOf(key: PubkeyHex): WithdrawalRecord | null;
  /** @throws SLASHING_STORE_FAILED, and what `body` throws, of which nothing is then written */
  transaction<R>(body: (write: CeremonyWriter) => R): Promise<R>;
}

const contextOf = (name: string): string => `pleiades ceremony v1\n${name}`;
/** Sorts behind every name that begins with the prefix: names are ASCII. */
const BEHIND = "\x7f";

/** In the keeper's own store. */
export class StoredCeremonies implements CeremonyTable {
  readonly #environment: LmdbEnvironment;
  readonly #shares: ShareStore;
  readonly #withdrawals: Pick<WithdrawalGuard, "record" | "of">;
  readonly #tenures: Pick<TenureBook, "of" | "write">;

  constructor(modules: {
    environment: LmdbEnvironment;
    shares: ShareStore;
    withdrawals: Pick<WithdrawalGuard, "record" | "of">;
    tenures: Pick<TenureBook, "of" | "write">;
  }) {
    this.#tenures = modules.tenures;
    this.#environment = modules.environment;
    this.#shares = modules.shares;
    this.#withdrawals = modules.withdrawals;
  }

  get(name: string): Buffer | null {
    const stored = this.#environment.ceremonies.get(name);
    if (stored === undefined) return null;
    const plain = this.#shares.unseal(openValue(name, stored), contextOf(name));
    if (plain === null) throw new PleiadesError({code: "SLASHING_STORE_CORRUPT", key: name});
    return plain;
  }

  names(prefix: string): readonly string[] {
    return [...this.#environment.ceremonies.getKeys({start: prefix, end: `${prefix}${BEHIND}`})];
  }

  sharesOf(key: PubkeyHex): readonly StoredShare[] {
    return this.#shares.of(key);
  }

  tenureOf(share: ShareName): Tenure {
    return this.#tenures.of(share);
  }

  recordOf(key: PubkeyHex): SlashingRecord | null {
    const stored = this.#environment.records.get(key);
    return stored === undefined ? null : decodeRecord(key, stored);
  }

  withdrawalOf(key: PubkeyHex): WithdrawalRecord | null {
    return this.#withdrawals.of(key);
  }

  transaction<R>(body: (write: CeremonyWriter) => R): Promise<R> {
    const {ceremonies} = this.#environment;
    const writer: CeremonyWriter = {
      put: (name, value) =>
        this.#environment.put(ceremonies, name, sealValue(name, this.#shares.seal(value, contextOf(name)))),
      remove: (name) => void ceremonies.removeSync(name),
      recordWithdrawal: (key, record) => this.#withdrawals.record(key, record),
      addShares: (shares, beside) => this.#shares.write(shares, beside),
      setTenure: (share, tenure) => this.#tenures.write(share, tenure),
      raiseRecord: (key, record) => {
        const raised = raise(this.recordOf(key) ?? record, record);
        this.#environment.put(this.#environment.records, key, encodeRecord(key, raised));
      },
    };
    return this.#environment.transaction(() => {
      let result: {value: R} | undefined;
      this.#environment.allOrNothing(() => {
        result = {value: body(writer)};
      });
      return result!.value;
    });
  }
}
