import {randomBytes} from "node:crypto";
import type {LmdbEnvironment} from "../adapters/slashing-store/lmdb-environment.js";
import {decodeRecord, encodeRecord, openValue, sealValue} from "../adapters/slashing-store/record-codec.js";
import {
  type PubkeyHex,
  parsePubkeyHex,
  parseRootHex,
  parseShareIndex,
  type RootHex,
  type ShareIndex,
} from "../core/bytes.js";
import {isJsonObject} from "../core/duty/strict-object.js";
import {PleiadesError} from "../core/errors.js";
import {raise} from "../core/slashing/decide.js";
import type {SlashingRecord} from "../core/slashing/record.js";
import {deriveKey, KDF, type KdfParams, KEY_BYTES, SALT_BYTES, seal, unseal} from "./seal.js";
import {Secret} from "./secret.js";

/** One share as stored: unscaled. */
export interface StoredShare {
  readonly groupPublicKey: PubkeyHex;
  readonly index: ShareIndex;
  readonly committeeHash: RootHex;
  readonly secret: Secret;
}

const STORE_KEY = "store_key";
/** Of a key whose share came back without the past: which withdrawal credentials it signed is not known here. */
export const restoredMark = (key: PubkeyHex): string => `restored:${key}`;
const bundleMark = (bundleId: string): string => `bundle:${bundleId}`;
/** 0x and 96 digits: behind it, for a second share of a key, the committee it belongs to. */
const KEY_CHARACTERS = 98;
const BEHIND = "|\x7f";
const contextOf = ({groupPublicKey, index, committeeHash}: Omit<StoredShare, "secret">): string =>
  `pleiades share v1\n${groupPublicKey}\n${index}\n${committeeHash}`;

/**
 * Shares at rest, in the same environment as the records so that a share and its record come in one commit. Each is
 * sealed with the store's random key, which is sealed with the password's.
 */
export class ShareStore {
  readonly #environment: LmdbEnvironment;
  readonly #storeKey: Secret;

  /** False before the first use. */
  static isThere({environment}: {environment: LmdbEnvironment}): boolean {
    return environment.meta.get(STORE_KEY) !== undefined;
  }

  /**
   * Creates the store's key on first use.
   * @param kdf for a new store; an old one says its own
   * @throws KEEPER_WRONG_PASSWORD · SLASHING_STORE_CORRUPT
   */
  static async open(
    {environment}: {environment: LmdbEnvironment},
    password: string,
    kdf: KdfParams = KDF,
  ): Promise<ShareStore> {
    const stored = environment.meta.get(STORE_KEY);
    if (stored === undefined) {
      const salt = randomBytes(SALT_BYTES);
      const storeKey = randomBytes(KEY_BYTES);
      const sealed = seal(await deriveKey(password, salt, kdf), storeKey, STORE_KEY);
      const body = JSON.stringify({...kdf, salt: salt.toString("hex"), sealed: sealed.toString("hex")});
      await environment.transaction(() =>
        environment.put(environment.meta, STORE_KEY, sealValue(STORE_KEY, Buffer.from(body))),
      );
      return new ShareStore(environment, new Secret(storeKey));
    }
    const {n, r, p, salt, sealed} = JSON.parse(openValue(STORE_KEY, stored).toString("utf8")) as {
      n: number;
      r: number;
      p: number;
      salt: string;
      sealed: string;
    };
    const key = await deriveKey(password, Buffer.from(salt, "hex"), {n, r, p});
    const storeKey = unseal(key, Buffer.from(sealed, "hex"), STORE_KEY);
    if (storeKey === null) throw new PleiadesError({code: "KEEPER_WRONG_PASSWORD", what: "share store"});
    return new ShareStore(environment, new Secret(storeKey));
  }

  private constructor(environment: LmdbEnvironment, storeKey: Secret) {
    this.#environment = environment;
    this.#storeKey = storeKey;
  }

  /** Whether this bundle was added before. */
  has(bundleId: string): boolean {
    return this.#environment.meta.get(bundleMark(bundleId)) !== undefined;
  }

  /** Every stored share. @throws SLASHING_STORE_CORRUPT */
  all(): StoredShare[] {
    return this.sealed().map((open) => open());
  }

  /** Every stored share, still sealed: opening 10,000 at once would keep a running keeper from signing for a while. */
  sealed(): (() => StoredShare)[] {
    return [...this.#environment.shares.getRange({})].map(
      ({key, value}) =>
        () =>
          this.#open(parsePubkeyHex(key.slice(0, KEY_CHARACTERS)), value),
    );
  }

  /**
   * Adds the shares of one bundle and their first records in one durable commit: all or nothing. A record that exists is
   * only raised.
   * @throws KEEPER_SECOND_SHARE · SLASHING_STORE_FAILED
   */
  add(bundleId: string, shares: readonly {share: StoredShare; record: SlashingRecord}[]): Promise<void> {
    return this.#environment.transaction(() => {
      for (const {share} of shares) this.#refuseSecond(share);
      this.#environment.allOrNothing(() => {
        this.write(shares, "only");
        this.#environment.put(this.#environment.meta, bundleMark(bundleId), Buffer.from("added"));
      });
    });
  }

  /**
   * Takes back shares that were lost, from a backup or rebuilt by others, in one durable commit: all or nothing. A share
   * that is held stays as it is, and so does its record; a record that is there without its share is only raised.
   * @param floor the first record of each; nothing lower is ever right, for nobody knows what they signed
   * @param older committee hashes of older generations: a share that carries one stays beside, for its own time
   * @returns the keys whose shares were taken @throws KEEPER_SECOND_SHARE · SLASHING_STORE_FAILED
   */
  restore(
    shares: readonly StoredShare[],
    floor: SlashingRecord,
    older: ReadonlySet<RootHex> = new Set(),
  ): Promise<readonly PubkeyHex[]> {
    return this.#environment.transaction(() => {
      const missing = shares.filter((share) => {
        const held = this.of(share.groupPublicKey).filter(({committeeHash}) => !older.has(committeeHash));
        if (held.length === 0) return true;
        this.#refuseSecond(share, held);
        return false;
      });
      if (missing.length === 0) return [];
      this.#environment.allOrNothing(() => {
        this.write(
          missing.map((share) => ({share, record: floor})),
          "others",
        );
        for (const {groupPublicKey: key} of missing) {
          this.#environment.put(this.#environment.meta, restoredMark(key), Buffer.from("restored"));
        }
      });
      return missing.map(({groupPublicKey}) => groupPublicKey);
    });
  }

  /**
   * Inside a transaction and in allOrNothing: shares and their first records.
   * @param beside `others`: of another generation, whose tenures are written in the same commit
   * @throws KEEPER_SECOND_SHARE
   */
  write(shares: readonly {share: StoredShare; record: SlashingRecord}[], beside: "only" | "others"): void {
    const {records} = this.#environment;
    if (beside === "only") for (const {share} of shares) this.#refuseSecond(share);
    this.#environment.raiseSequence();
    for (const {share, record} of shares) {
      const key = share.groupPublicKey;
      const stored = records.get(key);
      const raised = stored === undefined ? record : raise(decodeRecord(key, stored), record);
      this.#environment.put(records, key, encodeRecord(key, raised));
      this.#environment.put(this.#environment.shares, this.#placeFor(share), this.#seal(share));
    }
  }

  /** The shares of a key: more than one while it is handed over. @throws SLASHING_STORE_CORRUPT */
  of(key: PubkeyHex): StoredShare[] {
    return this.#named(key).map(({share}) => share);
  }

  /** Whether a share of another committee of this key is held. */
  holdsOther({groupPublicKey, committeeHash}: Pick<StoredShare, "groupPublicKey" | "committeeHash">): boolean {
    return this.of(groupPublicKey).some((share) => share.committeeHash !== committeeHash);
  }

  /** Inside a transaction. LMDB does not overwrite: until its page is used again the sealed value may stay in the file. */
  remove(key: PubkeyHex, committeeHash: RootHex): boolean {
    const found = this.#named(key).find(({share}) => share.committeeHash === committeeHash);
    if (found === undefined) return false;
    this.#environment.shares.removeSync(found.name);
    return true;
  }

  #named(key: PubkeyHex): {name: string; share: StoredShare}[] {
    const range = this.#environment.shares.getRange({start: key, end: `${key}${BEHIND}`});
    return [...range].map(({key: name, value}) => ({name, share: this.#open(key, value)}));
  }

  /** Where it stands already; else the key's own place, or one beside what stands there. */
  #placeFor({groupPublicKey, committeeHash}: StoredShare): string {
    const held = this.#named(groupPublicKey);
    const same = held.find(({share}) => share.committeeHash === committeeHash);
    if (same !== undefined) return same.name;
    const free = !held.some(({name}) => name === groupPublicKey);
    return free ? groupPublicKey : `${groupPublicKey}|${committeeHash}`;
  }

  /** With the store's key, for what else has to be kept secret beside the shares. */
  seal(plain: Uint8Array, context: string): Buffer {
    return seal(this.#storeKey.reveal(), plain, context);
  }

  /** Null when it was not sealed so. */
  unseal(sealed: Uint8Array, context: string): Buffer | null {
    return unseal(this.#storeKey.reveal(), sealed, context);
  }

  #refuseSecond(share: StoredShare, held: readonly StoredShare[] = this.of(share.groupPublicKey)): void {
    const {groupPublicKey: key, index, committeeHash} = share;
    const other = held.find((held) => held.index !== index || held.committeeHash !== committeeHash);
    if (other !== undefined)
      throw new PleiadesError({code: "KEEPER_SECOND_SHARE", key, held: other.index, given: index});
  }

  #seal(share: StoredShare): Buffer {
    const {groupPublicKey, index, committeeHash, secret} = share;
    const sealed = seal(this.#storeKey.reveal(), secret.reveal(), contextOf(share));
    return sealValue(
      groupPublicKey,
      Buffer.from(JSON.stringify({index, committeeHash, sealed: sealed.toString("hex")})),
    );
  }

  #open(groupPublicKey: PubkeyHex, value: Uint8Array): StoredShare {
    const corrupt = (): PleiadesError => new PleiadesError({code: "SLASHING_STORE_CORRUPT", key: groupPublicKey});
    const json: unknown = JSON.parse(openValue(groupPublicKey, value).toString("utf8"));
    if (!isJsonObject(json) || typeof json.sealed !== "string") throw corrupt();
    const share = {
      groupPublicKey,
      index: parseShareIndex(json.index),
      committeeHash: parseRootHex(json.committeeHash),
    };
    const secret = unseal(this.#storeKey.reveal(), Buffer.from(json.sealed, "hex"), contextOf(share));
    if (secret === null) throw corrupt();
    return {...share, secret: new Secret(secret)};
  }
}
