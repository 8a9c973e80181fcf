import {denebNetwork, KeeperFixture} from "../../support/keeper.js";
import {ceremonyVaultContract} from "./contract.js";

ceremonyVaultContract("in a keeper's process, killed by SIGKILL", async () => {
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
});
