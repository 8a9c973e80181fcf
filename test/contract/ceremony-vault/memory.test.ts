import {systemClock} from "../../../src/adapters/clock/system.js";
import {MemoryCeremonies, memoryVault} from "../../../src/adapters/keeper/memory-vault.js";
import {denebNetwork} from "../../support/keeper.js";
import {ceremonyVaultContract} from "./contract.js";
import {handoverContract} from "./handover.js";

const open = async () => {
  const table = new MemoryCeremonies();
  const open = () => memoryVault({table, clock: systemClock}, {network: denebNetwork()});
  return {vault: open(), crash: async () => open(), close: async () => {}};
};

for (const contract of [ceremonyVaultContract, handoverContract]) contract("in memory", open);
