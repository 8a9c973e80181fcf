import {systemClock} from "../../src/adapters/clock/system.js";
import {LmdbEnvironment} from "../../src/adapters/slashing-store/lmdb-environment.js";
import {inThisThread} from "../../src/keeper/aside-jobs.js";
import {StoredCeremonies} from "../../src/keeper/dkg/table.js";
import {KeeperVault} from "../../src/keeper/dkg/vault.js";
import {ShareStore} from "../../src/keeper/share-store.js";
import {TenureBook} from "../../src/keeper/tenure-book.js";
import {WithdrawalGuard} from "../../src/keeper/withdrawal-guard.js";
import {testNetwork} from "./keeper.js";

/** A keeper's vault over its real store, in this process. */
export async function storedVault(folder: string, newSeed?: () => Uint8Array) {
  const environment = await LmdbEnvironment.open(folder);
  const shares = await ShareStore.open({environment}, "correct horse", {n: 2 ** 10, r: 8, p: 1});
  const withdrawals = new WithdrawalGuard({environment, forgotten: () => false});
  const tenures = new TenureBook({environment}, {slotsPerEpoch: 32});
  const table = new StoredCeremonies({environment, shares, withdrawals, tenures});
  const modules = {table, aside: inThisThread, clock: systemClock, flooredAt: () => null, adopt: async () => {}};
  const vault = new KeeperVault(newSeed === undefined ? modules : {...modules, newSeed}, {network: testNetwork()});
  return {environment, shares, table, vault};
}
