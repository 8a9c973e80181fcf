import type {PubkeyHex, RootHex} from "../../core/bytes.js";
import type {Committee} from "../../core/committee/committee.js";
import {verifyPluginSignature} from "../../core/dkg/node-signature.js";
import type {Network} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import {raise} from "../../core/slashing/decide.js";
import type {SlashingRecord} from "../../core/slashing/record.js";
import {inThisThread} from "../../keeper/aside-jobs.js";
import {KeeperRepair, type RepairTable} from "../../keeper/repair/repair.js";
import type {StoredShare} from "../../keeper/share-store.js";
import type {Clock} from "../../ports/clock.js";
import type {ShareRepair} from "../../ports/share-repair.js";

/** Shares and their records in memory. */
export class MemoryShares implements RepairTable {
  readonly shares = new Map<PubkeyHex, StoredShare>();
  readonly records = new Map<PubkeyHex, SlashingRecord>();

  constructor(shares: readonly StoredShare[] = []) {
    for (const share of shares) this.shares.set(share.groupPublicKey, share);
  }

  of(key: PubkeyHex): readonly StoredShare[] {
    const share = this.shares.get(key);
    return share === undefined ? [] : [share];
  }

  async restore(
    shares: readonly StoredShare[],
    floor: SlashingRecord,
    older: ReadonlySet<RootHex>,
  ): Promise<readonly PubkeyHex[]> {
    const missing = shares.filter(({groupPublicKey: key, committeeHash, index}) => {
      const held = this.shares.get(key);
      if (held === undefined || older.has(held.committeeHash)) return true;
      if (held.committeeHash === committeeHash && held.index === index) return false;
      throw new PleiadesError({code: "KEEPER_SECOND_SHARE", key, held: held.index, given: index});
    });
    for (const share of missing) {
      const key = share.groupPublicKey;
      const record = this.records.get(key);
      this.shares.set(key, share);
      this.records.set(key, record === undefined ? floor : raise(record, floor));
    }
    return missing.map(({groupPublicKey}) => groupPublicKey);
  }
}

/** The in-memory twin of the keeper's repair: nothing is encrypted, nothing survives this process. */
export const memoryRepair = (
  {table = new MemoryShares(), clock}: {table?: MemoryShares; clock: Pick<Clock, "now">},
  {network, committees}: {network: Network; committees: readonly Committee[]},
): ShareRepair =>
  new KeeperRepair(
    {
      table,
      committees: () => committees,
      restored: async () => {},
      aside: inThisThread,
      clock,
      verify: verifyPluginSignature("share"),
    },
    {network},
  );
