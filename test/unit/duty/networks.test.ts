import {expect} from "chai";
import {NETWORK_NAMES, namedNetwork, networkFromSpec, parseSpecText} from "../../../src/app/networks.js";
import {networkToJson, parseNetwork} from "../../../src/core/duty/network.js";
import {expectCode, GENESIS_ROOT} from "./fixtures.js";

const FAR_FUTURE = (2n ** 64n - 1n).toString();
const SPEC = {
  PRESET_BASE: "minimal",
  CONFIG_NAME: "devnet-7",
  GENESIS_FORK_VERSION: "0x00000001",
  ALTAIR_FORK_VERSION: "0x01000001",
  ALTAIR_FORK_EPOCH: "0",
  BELLATRIX_FORK_VERSION: "0x02000001",
  BELLATRIX_FORK_EPOCH: "4",
  CAPELLA_FORK_VERSION: "0x03000001",
  CAPELLA_FORK_EPOCH: FAR_FUTURE,
  SECONDS_PER_SLOT: "6",
};
const OPTIONS = {genesisTime: 1000, genesisValidatorsRoot: GENESIS_ROOT};

describe("networkFromSpec", () => {
  it("takes the forks that have an epoch, the slot time and the preset", () => {
    expect(networkToJson(networkFromSpec(SPEC, OPTIONS))).to.deep.equal({
      name: "devnet-7",
      preset: "minimal",
      forks: [
        {name: "phase0", version: "0x00000001", epoch: "0"},
        {name: "altair", version: "0x01000001", epoch: "0"},
        {name: "bellatrix", version: "0x02000001", epoch: "4"},
      ],
      genesisValidatorsRoot: GENESIS_ROOT,
      clock: {genesisTime: 1000, secondsPerSlot: 6},
    });
  });

  it("leaves out what is not known", () => {
    const network = networkFromSpec(SPEC, {name: "mine", genesisTime: null, genesisValidatorsRoot: null});
    expect(network).to.include({name: "mine", genesisValidatorsRoot: null, clock: null});
  });

  it("prefers SLOT_DURATION_MS, the newer name", () => {
    const slots = (spec: {[key: string]: string}) => networkFromSpec({...SPEC, ...spec}, OPTIONS).clock?.secondsPerSlot;
    expect(slots({SLOT_DURATION_MS: "500"})).to.equal(0.5);
    const {SECONDS_PER_SLOT, ...rest} = SPEC;
    expect(SECONDS_PER_SLOT).to.equal("6");
    expect(networkFromSpec({...rest, SLOT_DURATION_MS: "4000"}, OPTIONS).clock?.secondsPerSlot).to.equal(4);
    expect(expectCode("NETWORK_INVALID", () => networkFromSpec(rest, OPTIONS)).data.field).to.equal(
      "spec.SECONDS_PER_SLOT",
    );
  });

  it("refuses specs it would misunderstand", () => {
    const without = (key: string) => Object.fromEntries(Object.entries(SPEC).filter(([name]) => name !== key));
    expectCode("NETWORK_INVALID", () => networkFromSpec(without("PRESET_BASE"), OPTIONS));
    expectCode("NETWORK_INVALID", () => networkFromSpec(without("GENESIS_FORK_VERSION"), OPTIONS));
    expectCode("NETWORK_INVALID", () => networkFromSpec(without("BELLATRIX_FORK_VERSION"), OPTIONS));
    expectCode("NETWORK_PRESET", () => networkFromSpec({...SPEC, PRESET_BASE: "gnosis"}, OPTIONS));
    expectCode("NETWORK_PRESET", () => networkFromSpec({...SPEC, SLOTS_PER_EPOCH: "32"}, OPTIONS));
    expectCode("NETWORK_PRESET", () => networkFromSpec({...SPEC, SYNC_COMMITTEE_SIZE: "512"}, OPTIONS));
    expectCode("NETWORK_FORKS", () => networkFromSpec(without("ALTAIR_FORK_EPOCH"), OPTIONS));
    expectCode("NETWORK_FORKS", () => networkFromSpec({...SPEC, ALTAIR_FORK_EPOCH: "5"}, OPTIONS));
    expectCode("CODEC_UINT64", () => networkFromSpec({...SPEC, ALTAIR_FORK_EPOCH: "soon"}, OPTIONS));
    // 0x01000001 as a YAML reader that knows numbers would hand it over.
    expectCode("NETWORK_INVALID", () => networkFromSpec({...SPEC, ALTAIR_FORK_VERSION: "16777217"}, OPTIONS));
    expectCode("CODEC_HEX", () => networkFromSpec({...SPEC, ALTAIR_FORK_VERSION: "0x1000001"}, OPTIONS));
  });

  it("refuses a scheduled fork it does not know, by name", () => {
    const spec = {...SPEC, VERKLE_FORK_VERSION: "0x09000001", VERKLE_FORK_EPOCH: "9"};
    expect(expectCode("NETWORK_FORKS", () => networkFromSpec(spec, OPTIONS)).message).to.include("verkle");
    networkFromSpec({...spec, VERKLE_FORK_EPOCH: FAR_FUTURE}, OPTIONS);
  });
});

describe("parseSpecText", () => {
  it("keeps YAML scalars as they are written", () => {
    const spec = parseSpecText(
      "PRESET_BASE: 'minimal' # comment\nGENESIS_FORK_VERSION: 0x00000001\nX: 18446744073709551615\nBLOB_SCHEDULE: []\n",
    );
    expect(spec).to.deep.equal({PRESET_BASE: "minimal", GENESIS_FORK_VERSION: "0x00000001", X: FAR_FUTURE});
  });

  it("takes a beacon node's answer, with and without its data member", () => {
    expect(parseSpecText(JSON.stringify({data: {...SPEC, BLOB_SCHEDULE: [{EPOCH: "1"}]}}))).to.deep.equal(SPEC);
    expect(parseSpecText(JSON.stringify(SPEC))).to.deep.equal(SPEC);
  });

  it("refuses what is not a mapping", () => {
    for (const text of ["", "a", "- a", "a: [", "a: 1\na: 2"]) expectCode("NETWORK_INVALID", () => parseSpecText(text));
  });
});

describe("namedNetwork", () => {
  it("knows the public networks of the mainnet preset", async () => {
    for (const name of NETWORK_NAMES) {
      const network = await namedNetwork(name);
      expect(network).to.deep.include({name, clock: {...network.clock!, secondsPerSlot: 12}});
      expect(network.preset.name).to.equal("mainnet");
      expect(network.forks!.length).to.be.at.least(7);
      expect(parseNetwork(networkToJson(network))).to.deep.equal(network);
    }
  });

  it("gives mainnet's genesis", async () => {
    const {forks, genesisValidatorsRoot, clock} = await namedNetwork("mainnet");
    expect(forks![0]).to.deep.equal({name: "phase0", version: "0x00000000", epoch: 0n});
    expect(forks!.find(({name}) => name === "deneb")).to.deep.equal({
      name: "deneb",
      version: "0x04000000",
      epoch: 269568n,
    });
    expect(genesisValidatorsRoot).to.equal("0x4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95");
    expect(clock).to.deep.equal({genesisTime: 1606824023, secondsPerSlot: 12});
  });

  it("lists the names when it does not know one", async () => {
    for (const name of ["gnosis", "mainet", "", "__proto__"]) {
      const error = await namedNetwork(name).then(
        () => expect.fail("found"),
        (error: unknown) => error,
      );
      expect(error).to.have.property("code", "NETWORK_UNKNOWN");
    }
  });
});
