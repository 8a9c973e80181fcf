import {readFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {namedNetwork, networkFromSpec, parseSpecText, type SpecText} from "../../../src/app/networks.js";
import {PRESETS, type Preset} from "../../../src/core/duty/preset.js";
import {sharedDir} from "../../support/shared.js";

describe("the consensus specs' own configurations", () => {
  let dir = "";

  before(function () {
    const shared = sharedDir();
    if (shared === null) return this.skip();
    dir = join(shared, "vectors/consensus-specs-config");
  });

  const read = (path: string): SpecText => parseSpecText(readFileSync(join(dir, path), "utf8"));

  it("give the mainnet that is known by name", async () => {
    const mainnet = await namedNetwork("mainnet");
    const {genesisTime} = mainnet.clock!;
    const {genesisValidatorsRoot} = mainnet;
    expect(networkFromSpec(read("configs/mainnet.yaml"), {genesisTime, genesisValidatorsRoot})).to.deep.equal(mainnet);
  });

  it("give a minimal network with phase0 alone, since its forks have no epoch", () => {
    const network = networkFromSpec(read("configs/minimal.yaml"), {genesisTime: 0, genesisValidatorsRoot: null});
    expect(network.preset).to.equal(PRESETS.minimal);
    expect(network.forks).to.deep.equal([{name: "phase0", version: "0x00000001", epoch: 0n}]);
    expect(network.clock).to.deep.equal({genesisTime: 0, secondsPerSlot: 6});
  });

  it("have the preset constants we use", () => {
    for (const preset of Object.values(PRESETS)) {
      const phase0 = read(`presets/${preset.name}/phase0.yaml`);
      const altair = read(`presets/${preset.name}/altair.yaml`);
      const expected: Preset = {
        name: preset.name,
        slotsPerEpoch: Number(phase0.SLOTS_PER_EPOCH),
        maxCommitteesPerSlot: Number(phase0.MAX_COMMITTEES_PER_SLOT),
        maxValidatorsPerCommittee: Number(phase0.MAX_VALIDATORS_PER_COMMITTEE),
        syncSubcommitteeSize: Number(altair.SYNC_COMMITTEE_SIZE) / 4,
      };
      expect(preset).to.deep.equal(expected);
      const limits = ["PROPOSER_SLASHINGS", "ATTESTER_SLASHINGS", "ATTESTATIONS", "DEPOSITS", "VOLUNTARY_EXITS"];
      expect(limits.map((limit) => phase0[`MAX_${limit}`])).to.deep.equal(["16", "2", "128", "16", "16"]);
    }
  });
});
