import {denebNetwork, KeeperFixture} from "../../support/keeper.js";
import {ceremonyVaultContract} from "./contract.js";
import {handoverContract} from "./handover.js";

const open = async () => {
  const fixture = new KeeperFixture({network: denebNetwork()});
  let keeper = await fixture.start();
  return {
    vault: keeper.vault,
    async crash() {
      process.kill((await keeper.status()).pid, "SIGKILL");
      await keeper.ended;
      keeper = await fixture.start();
      return keeper.vault;
    },
    close: () => fixture.close(),
  };
};

for (const contract of [ceremonyVaultContract, handoverContract])
  contract("in a keeper's process, killed by SIGKILL", open);
