import {randomBytes} from "node:crypto";
import {join} from "node:path";
import {LmdbSlashingStore} from "../adapters/slashing-store/lmdb.js";
import {LmdbEnvironment, type OnCommit} from "../adapters/slashing-store/lmdb-environment.js";
import {parseLifeId} from "../core/bytes.js";
import {verifyPluginSignature} from "../core/dkg/node-signature.js";
import {currentEpoch} from "../core/duty/network.js";
import type {CeremonyVault} from "../ports/ceremony-vault.js";
import type {Clock} from "../ports/clock.js";
import type {KeeperFiles, KeeperReload} from "../ports/keeper.js";
import type {LogFields} from "../ports/logger.js";
import type {ShareRepair} from "../ports/share-repair.js";
import {AsideThread} from "./aside-thread.js";
import {openShareBundle} from "./bundle.js";
import {grantedPermits} from "./dkg/handover.js";
import {StoredCeremonies} from "./dkg/table.js";
import {activatedFiles, KeeperVault} from "./dkg/vault.js";
import {Holdings, readText} from "./holdings.js";
import {parseKeeperInit} from "./init.js";
import {SigningKeeper} from "./keeper.js";
import {KeeperLife, type LifeAlarm} from "./keeper-life.js";
import {SigningPool} from "./partial-signer.js";
import {readPassword} from "./password.js";
import {KeeperRepair} from "./repair/repair.js";
import {ShareStore} from "./share-store.js";
import {TenureBook} from "./tenure-book.js";
import {WithdrawalGuard} from "./withdrawal-guard.js";

export interface KeeperHooks {
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly log: (level: "debug" | "info" | "warn", message: string, fields: LogFields) => void;
  readonly onAlarm: (alarm: LifeAlarm) => void;
  readonly onCommit: OnCommit;
}

export interface StartedKeeper {
  readonly keeper: SigningKeeper;
  readonly life: KeeperLife;
  readonly vault: CeremonyVault;
  readonly repair: ShareRepair;
  readonly environment: LmdbEnvironment;
  reload(files: KeeperFiles): Promise<KeeperReload>;
  /** Now and then: removes shares whose time was over for good an epoch ago. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

/** Where a keeper keeps records and shares, below the operator's dataDir. */
export const storePath = (dataDir: string): string => join(dataDir, "keeper");

/**
 * Opens the store, adds new share bundles, loads the shares that belong to the committee files.
 * @throws the codes of parseKeeperInit, readPassword, LmdbEnvironment.open, ShareStore.open, parseCommitteeFile, addBundle;
 *   SLASHING_WRONG_CHAIN · KEEPER_NETWORK_MISMATCH · KEEPER_BUNDLE (unreadable file)
 */
export async function startSigningKeeper(raw: unknown, hooks: KeeperHooks): Promise<StartedKeeper> {
  const init = parseKeeperInit(raw);
  const password = readPassword(init.password);
  const aside = new AsideThread();
  const environment = await LmdbEnvironment.open(storePath(init.dataDir), hooks.onCommit);
  try {
    const store = new LmdbSlashingStore({environment});
    if (init.network.genesisValidatorsRoot !== null) {
      await store.pinGenesisValidatorsRoot(init.network.genesisValidatorsRoot);
    }
    // The first password that comes stays the store's, so it has to open the bundles before there is a store.
    if (!ShareStore.isThere({environment})) {
      for (const file of init.bundleFiles) await openShareBundle(readText(file), password);
    }
    const shares = await ShareStore.open({environment}, password);
    const holdings = new Holdings(
      {shares, store, aside, clock: hooks.clock, log: hooks.log},
      {network: init.network, startEmpty: init.startEmpty, password: () => readPassword(init.password)},
    );
    let life: KeeperLife | null = null;
    const flooredAt = (): number | null => life?.flooredAt ?? null;
    const withdrawals = new WithdrawalGuard({environment, forgotten: () => flooredAt() !== null});
    const tenures = new TenureBook({environment}, {slotsPerEpoch: init.network.preset.slotsPerEpoch});
    const table = new StoredCeremonies({environment, shares, withdrawals, tenures});
    let granted = grantedPermits(table);
    const sweep = async (): Promise<number> => {
      const over = tenures.over(currentEpoch(init.network, hooks.clock.now()));
      return environment.transaction(
        () => over.filter(({key, committeeHash}) => shares.remove(key, committeeHash)).length,
      );
    };
    await sweep();
    holdings.keep(activatedFiles(table));
    const {stored, loaded} = await holdings.open(init);
    // After the bundles: a share that came without its past is judged together with all others.
    life = await KeeperLife.begin(
      {store, clock: hooks.clock, newLife, onAlarm: hooks.onAlarm},
      {network: init.network, shares: stored},
    );
    const begun = life;
    const pool = init.signingThreads > 0 ? new SigningPool(init.signingThreads) : null;
    const keeper = new SigningKeeper(
      {
        clock: hooks.clock,
        store,
        withdrawals,
        tenures,
        granted: () => granted,
        halted: () => environment.failure ?? begun.stopped,
        pool,
        onDecision: init.logDecisions ? (fields) => hooks.log("debug", "keeper decided", fields) : null,
      },
      {network: init.network, policy: init.policy, shares: loaded, signingThreads: init.signingThreads},
    );
    holdings.attach({life, keeper});
    const vault = new KeeperVault(
      {
        table,
        aside,
        clock: hooks.clock,
        flooredAt,
        adopt: (committee) => {
          granted = grantedPermits(table);
          return holdings.adopt(committee);
        },
      },
      {network: init.network},
    );
    const repair = new KeeperRepair(
      {
        table: shares,
        committees: () => holdings.committees(),
        restored: () => holdings.again(),
        aside,
        clock: hooks.clock,
        verify: verifyPluginSignature("share"),
      },
      {network: init.network},
    );
    let sweptAt = currentEpoch(init.network, hooks.clock.now());
    return {
      keeper,
      life,
      vault,
      repair,
      environment,
      reload: (files) => holdings.reload(files),
      async tidy() {
        const now = currentEpoch(init.network, hooks.clock.now());
        if (now === sweptAt) return;
        sweptAt = now;
        const removed = await sweep();
        if (removed === 0) return;
        hooks.log("info", "removed shares whose time is over", {shares: removed});
        await holdings.again();
      },
      async close() {
        await aside.close();
        await pool?.close();
        await environment.close();
      },
    };
  } catch (error) {
    await aside.close();
    await environment.close();
    throw error;
  }
}

const newLife = () => parseLifeId(randomBytes(16).toString("hex"));
