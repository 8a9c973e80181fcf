import {mkdirSync, mkdtempSync, rmSync, statSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {memoryRepair} from "../../../src/adapters/keeper/memory-repair.js";
import {memoryVault} from "../../../src/adapters/keeper/memory-vault.js";
import {generateIdentity} from "../../../src/adapters/libp2p/identity.js";
import {OperatorHub} from "../../../src/adapters/libp2p/operator-hub.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {PluginOffers} from "../../../src/app/plugin-offers.js";
import {pluginMessage} from "../../../src/core/dkg/node-signature.js";
import {testNetwork} from "../../support/keeper.js";

describe("what an operator offers its plugins", () => {
  it("is a folder of its own for each, which nobody else can read, also when it was there", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "pleiades-offers-"));
    const identity = await generateIdentity();
    const logger = new MemoryLogger();
    const hub = await OperatorHub.create({identity, logger}, {listen: ["/ip4/127.0.0.1/tcp/0"]});
    const vault = memoryVault({clock: systemClock}, {network: testNetwork()});
    const repair = memoryRepair({clock: systemClock}, {network: testNetwork(), committees: []});
    const offers = new PluginOffers(
      {hub, clock: systemClock, logger, identity, vault, repair, committeesChanged: async () => ["one file"]},
      {dataDir},
    );
    try {
      mkdirSync(join(dataDir, "plugins/old"), {recursive: true, mode: 0o755});
      const [old, fresh] = [await offers.of("old"), await offers.of("fresh")];
      expect(old.dataDir).to.equal(join(dataDir, "plugins/old"));
      for (const folder of [old.dataDir, fresh.dataDir]) expect(statSync(folder ?? "").mode & 0o777).to.equal(0o700);
      expect(old.peers?.self).to.equal(identity.peerId);
      expect(old.peers).not.to.equal(fresh.peers);
      expect(await old.committeesChanged?.()).to.deep.equal(["one file"]);
      expect(await old.repair?.lost(identity.peerId)).to.deep.equal([]);
      expect(await old.vault?.status()).to.deep.equal([]);
      const message = new Uint8Array([1, 2, 3]);
      const [one, other] = [old.sign?.(message), fresh.sign?.(message)];
      expect(one).to.have.length(64);
      expect(one).not.to.deep.equal(other);
      expect(identity.sign(pluginMessage("old", message))).to.deep.equal(one);
    } finally {
      await offers.close();
      await hub.close();
      rmSync(dataDir, {recursive: true});
    }
  });
});
