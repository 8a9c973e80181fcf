import {writeFileSync} from "node:fs";
import {join} from "node:path";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {formatCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {KeeperFixture} from "../../support/keeper.js";
import {type RepairUnderTest, shareRepairContract} from "./contract.js";

shareRepairContract("in a keeper's process, killed by SIGKILL", async (all, operator) => {
  const fixture = new KeeperFixture({keys: 2});
  const committeeFile = join(fixture.folder, "real.json");
  writeFileSync(committeeFile, formatCommitteeFile(all.committee, blstGroup));
  const bundleFiles = operator === 1 ? [] : [await fixture.bundle("bundle.json", {operator})];
  const open = async (): Promise<RepairUnderTest> => {
    const keeper = await fixture.start({committeeFiles: [committeeFile], bundleFiles});
    return {
      repair: keeper.repair,
      held: async () => (await keeper.keys()).length,
      async crash() {
        process.kill((await keeper.status()).pid, "SIGKILL");
        await keeper.ended;
        return open();
      },
      close: () => fixture.close(),
    };
  };
  return open();
});
