import type {PubkeyHex} from "../../core/bytes.js";
import type {Committee} from "../../core/committee/committee.js";
import type {Network} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import {type Tenure, UNBOUNDED} from "../../core/handover/tenure.js";
import {raise} from "../../core/slashing/decide.js";
import type {SlashingRecord} from "../../core/slashing/record.js";
import type {WithdrawalRecord} from "../../core/slashing/withdrawal.js";
import {inThisThread} from "../../keeper/aside-jobs.js";
import type {CeremonyTable, CeremonyWriter} from "../../keeper/dkg/table.js";
import {KeeperVault, type VaultModules} from "../../keeper/dkg/vault.js";
import type {StoredShare} from "../../keeper/share-store.js";
import type {ShareName} from "../../keeper/tenure-book.js";
import type {CeremonyVault} from "../../ports/ceremony-vault.js";

interface Content {
  readonly values: ReadonlyMap<string, Buffer>;
  /** By key and committee. */
  readonly shares: ReadonlyMap<string, StoredShare>;
  readonly tenures: ReadonlyMap<string, Tenure>;
  readonly records: ReadonlyMap<PubkeyHex, SlashingRecord>;
  readonly withdrawals: ReadonlyMap<PubkeyHex, WithdrawalRecord>;
}

const nameOf = ({key, committeeHash}: ShareName): string => `${key}|${committeeHash}`;

/** Ceremonies in memory: what was written is there for the next vault on the same table, as after a crash. */
export class MemoryCeremonies implements CeremonyTable {
  #content: Content = {
    values: new Map(),
    shares: new Map(),
    tenures: new Map(),
    records: new Map(),
    withdrawals: new Map(),
  };

  get(name: string): Buffer | null {
    return this.#content.values.get(name) ?? null;
  }
  names(prefix: string): readonly string[] {
    return [...this.#content.values.keys()].filter((name) => name.startsWith(prefix)).sort();
  }
  sharesOf(key: PubkeyHex): readonly StoredShare[] {
    return [...this.#content.shares.values()].filter(({groupPublicKey}) => groupPublicKey === key);
  }
  tenureOf(share: ShareName): Tenure {
    return this.#content.tenures.get(nameOf(share)) ?? UNBOUNDED;
  }
  recordOf(key: PubkeyHex): SlashingRecord | null {
    return this.#content.records.get(key) ?? null;
  }
  withdrawalOf(key: PubkeyHex): WithdrawalRecord | null {
    return this.#content.withdrawals.get(key) ?? null;
  }

  async transaction<R>(body: (write: CeremonyWriter) => R): Promise<R> {
    const {values, shares, tenures, records, withdrawals} = this.#content;
    const next = {
      values: new Map(values),
      shares: new Map(shares),
      tenures: new Map(tenures),
      records: new Map(records),
      withdrawals: new Map(withdrawals),
    };
    const result = body({
      put: (name, value) => void next.values.set(name, Buffer.from(value)),
      remove: (name) => void next.values.delete(name),
      recordWithdrawal(key, record) {
        const held = next.withdrawals.get(key);
        if (held !== undefined && (held.credentials !== record.credentials || held.changeTo !== record.changeTo)) {
          throw new PleiadesError({code: "KEEPER_OTHER_CREDENTIALS", key});
        }
        next.withdrawals.set(key, record);
      },
      setTenure: (share, tenure) => void next.tenures.set(nameOf(share), tenure),
      raiseRecord: (key, record) => void next.records.set(key, raise(next.records.get(key) ?? record, record)),
      addShares(added, beside) {
        for (const {share, record} of added) {
          const {groupPublicKey: key, committeeHash} = share;
          const of = [...next.shares.values()].filter(({groupPublicKey}) => groupPublicKey === key);
          const held = of.find((one) => one.committeeHash !== committeeHash);
          if (beside === "only" && held !== undefined) {
            throw new PleiadesError({code: "KEEPER_SECOND_SHARE", key, held: held.index, given: share.index});
          }
          const before = next.records.get(key);
          next.shares.set(nameOf({key, committeeHash}), share);
          next.records.set(key, before === undefined ? record : raise(before, record));
        }
      },
    });
    this.#content = next;
    return result;
  }
}

/** The in-memory twin of the keeper's vault: nothing is encrypted, nothing survives this process. */
export const memoryVault = (
  {
    table = new MemoryCeremonies(),
    adopt = async () => {},
    ...modules
  }: Partial<Pick<VaultModules, "newSeed">> & {
    readonly table?: MemoryCeremonies;
    readonly clock: VaultModules["clock"];
    readonly adopt?: (committee: Committee) => Promise<void>;
  },
  {network}: {network: Network},
): CeremonyVault => new KeeperVault({...modules, table, adopt, aside: inThisThread, flooredAt: () => null}, {network});
