import type {LmdbEnvironment} from "../adapters/slashing-store/lmdb-environment.js";
import {openValue, sealValue} from "../adapters/slashing-store/record-codec.js";
import {type PubkeyHex, parseAddressHex, parseRootHex} from "../core/bytes.js";
import {isJsonObject} from "../core/duty/strict-object.js";
import {PleiadesError, type ReasonCode} from "../core/errors.js";
import {decideWithdrawal, type WithdrawalRecord, type WithdrawalSubject} from "../core/slashing/withdrawal.js";
import {restoredMark} from "./share-store.js";

/** A context of its own, so that no record of another kind can stand in its place. */
const nameOf = (key: PubkeyHex): string => `withdrawal ${key}`;

export type WithdrawalAnswer<P> =
  | {readonly code: ReasonCode; readonly signed?: never}
  | {readonly code: null; readonly signed: P};

/** One withdrawal credential for each group key, for ever; in the same environment as the slashing records. */
export class WithdrawalGuard {
  readonly #environment: LmdbEnvironment;
  readonly #forgotten: () => boolean;

  /** @param forgotten whether this store was once found to be older than what this operator signed */
  constructor({environment, forgotten}: {environment: LmdbEnvironment; forgotten: () => boolean}) {
    this.#environment = environment;
    this.#forgotten = forgotten;
  }

  /** As the slashing guard: the signature is made while the record is written, and handed back when it is durable. */
  async decide<P>(
    key: PubkeyHex,
    subject: WithdrawalSubject,
    permitted: boolean,
    sign: () => Promise<P>,
  ): Promise<WithdrawalAnswer<P>> {
    const {code, signing} = await this.#environment.transaction(() => {
      const restored = this.#environment.meta.get(restoredMark(key)) !== undefined;
      const forgotten = restored || this.#forgotten();
      const decision = decideWithdrawal(this.#read(key), subject, {key, permitted, forgotten});
      if (decision.answer === "deny") return {code: decision.code, signing: null};
      if (decision.answer === "approve") this.#environment.allOrNothing(() => this.#write(key, decision.record));
      const signing = sign();
      // When the commit fails nobody waits for it any more.
      signing.catch(() => {});
      return {code: null, signing};
    });
    return code !== null ? {code} : {code, signed: (await signing) as P};
  }

  /**
   * Inside a transaction and in allOrNothing: the record of a key that a ceremony made.
   * @throws KEEPER_OTHER_CREDENTIALS when another one stands already
   */
  record(key: PubkeyHex, record: WithdrawalRecord): void {
    const held = this.#read(key);
    const same = held === null || (held.credentials === record.credentials && held.changeTo === record.changeTo);
    if (!same && held.by === "ceremony") throw new PleiadesError({code: "KEEPER_OTHER_CREDENTIALS", key});
    if (held !== null && held.credentials !== record.credentials) {
      throw new PleiadesError({code: "KEEPER_OTHER_CREDENTIALS", key});
    }
    if (held?.by !== "ceremony") this.#write(key, record);
  }

  /** What stands recorded; null: nothing. @throws SLASHING_STORE_CORRUPT */
  of(key: PubkeyHex): WithdrawalRecord | null {
    return this.#read(key);
  }

  #write(key: PubkeyHex, record: WithdrawalRecord): void {
    // The sequence too: a store that lost this record is then found to be an older one.
    this.#environment.raiseSequence();
    this.#environment.put(
      this.#environment.withdrawals,
      key,
      sealValue(nameOf(key), Buffer.from(JSON.stringify(record))),
    );
  }

  /** A damaged record is a failure, never a missing one. @throws SLASHING_STORE_CORRUPT */
  #read(key: PubkeyHex): WithdrawalRecord | null {
    const stored = this.#environment.withdrawals.get(key);
    if (stored === undefined) return null;
    const json: unknown = JSON.parse(openValue(nameOf(key), stored).toString("utf8"));
    if (!isJsonObject(json) || (json.by !== "ceremony" && json.by !== "permit")) {
      throw new PleiadesError({code: "SLASHING_STORE_CORRUPT", key: nameOf(key)});
    }
    return {
      credentials: parseRootHex(json.credentials),
      changeTo: json.changeTo === null ? null : parseAddressHex(json.changeTo),
      by: json.by,
    };
  }
}
