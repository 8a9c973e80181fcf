import {MemoryShares, memoryRepair} from "../../../src/adapters/keeper/memory-repair.js";
import {testNetwork} from "../../support/keeper.js";
import {type RepairUnderTest, shareRepairContract} from "./contract.js";

shareRepairContract("in memory", async (all, operator) => {
  const table = new MemoryShares(operator === 1 ? [] : all.sharesOf(operator));
  const open = (): RepairUnderTest => ({
    repair: memoryRepair({table, clock: {now: () => all.now}}, {network: testNetwork(), committees: [all.committee]}),
    held: async () => table.shares.size,
    crash: async () => open(),
    close: async () => {},
  });
  return open();
});
