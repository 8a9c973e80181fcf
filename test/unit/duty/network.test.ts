import {expect} from "chai";
import {
  currentEpoch,
  currentSlot,
  forkVersionAt,
  type Network,
  networkToJson,
  parseNetwork,
  startSlot,
} from "../../../src/core/duty/network.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {atSlot, expectCode, NETWORK, UNPINNED, version} from "./fixtures.js";

// biome-ignore lint/suspicious/noExplicitAny: tests reach into the JSON to break it.
const json = (network: Network = NETWORK): any => JSON.parse(JSON.stringify(networkToJson(network)));

describe("parseNetwork", () => {
  it("reads back what networkToJson writes, through JSON text", () => {
    for (const network of [NETWORK, UNPINNED, {...NETWORK, preset: PRESETS.mainnet}]) {
      expect(parseNetwork(json(network))).to.deep.equal(network);
    }
  });

  it("names the place of a mistake", () => {
    const mistakes: [string, "NETWORK_INVALID" | "CODEC_HEX" | "CODEC_UINT64", (network: Network) => unknown][] = [
      ["network", "NETWORK_INVALID", () => null],
      ["network.name", "NETWORK_INVALID", (n) => ({...json(n), name: ""})],
      ["network.clock", "NETWORK_INVALID", (n) => ({...json(n), clock: undefined})],
      ["network.fork", "NETWORK_INVALID", (n) => ({...json(n), fork: []})],
      ["network.genesisValidatorsRoot", "CODEC_HEX", (n) => ({...json(n), genesisValidatorsRoot: "0x"})],
      [
        "network.clock.genesisTime",
        "NETWORK_INVALID",
        (n) => ({...json(n), clock: {genesisTime: -1, secondsPerSlot: 6}}),
      ],
      [
        "network.clock.genesisTime",
        "NETWORK_INVALID",
        (n) => ({...json(n), clock: {genesisTime: "1", secondsPerSlot: 6}}),
      ],
      [
        "network.clock.secondsPerSlot",
        "NETWORK_INVALID",
        (n) => ({...json(n), clock: {genesisTime: 1, secondsPerSlot: 0}}),
      ],
      ["network.forks", "NETWORK_INVALID", (n) => ({...json(n), forks: {}})],
      ["network.forks[0].epoch", "CODEC_UINT64", (n) => ({...json(n), forks: [{...json(n).forks[0], epoch: "-1"}]})],
      ["network.forks[0].version", "CODEC_HEX", (n) => ({...json(n), forks: [{...json(n).forks[0], version: "0x1"}]})],
    ];
    for (const [field, code, broken] of mistakes) {
      expect(expectCode(code, () => parseNetwork(broken(NETWORK))).data.field).to.equal(field);
    }
  });

  it("refuses another preset", () => {
    for (const preset of ["gnosis", "", "__proto__", null]) {
      expectCode("NETWORK_PRESET", () => parseNetwork({...json(), preset}));
    }
  });

  it("refuses a schedule with a gap, out of order, without genesis, or of unknown forks", () => {
    const forks = json().forks;
    const [phase0, altair, bellatrix] = forks;
    const wrong = [
      [],
      [altair],
      [{...phase0, epoch: "1"}],
      [phase0, bellatrix],
      [phase0, altair, altair],
      [phase0, {...altair, epoch: "5"}, bellatrix],
      [phase0, {...altair, name: "verkle"}],
      [...forks, {...phase0, name: "gloas", epoch: "13"}, {...phase0, name: "heze", epoch: "14"}],
    ];
    for (const schedule of wrong) expectCode("NETWORK_FORKS", () => parseNetwork({...json(), forks: schedule}));
  });

  it("takes several forks at the same epoch, of which the last is in force", () => {
    const forks = json().forks.map((fork: object) => ({...fork, epoch: "0"}));
    expect(forkVersionAt(parseNetwork({...json(), forks}).forks!, 0n)).to.equal(version("fulu"));
  });
});

describe("forkVersionAt", () => {
  it("changes at a fork's first epoch", () => {
    const at = (epoch: bigint) => forkVersionAt(NETWORK.forks!, epoch);
    expect([0n, 1n, 2n, 3n, 4n, 5n].map(at)).to.deep.equal(
      (["phase0", "altair", "bellatrix", "capella", "capella", "deneb"] as const).map(version),
    );
    expect(at(2n ** 64n - 1n)).to.equal(version("fulu"));
  });
});

describe("the network's clock", () => {
  it("gives slot and epoch, both 0 before genesis", () => {
    expect(currentSlot(NETWORK, atSlot(17))).to.equal(17n);
    expect(currentSlot(NETWORK, atSlot(18) - 1)).to.equal(17n);
    expect(currentEpoch(NETWORK, atSlot(17))).to.equal(2n);
    for (const nowMs of [0, atSlot(0) - 1, atSlot(0)]) {
      expect(currentSlot(NETWORK, nowMs)).to.equal(0n);
      expect(currentEpoch(NETWORK, nowMs)).to.equal(0n);
    }
  });

  it("takes fractions of a second per slot", () => {
    const clock = {genesisTime: 100, secondsPerSlot: 0.5};
    expect(currentSlot({clock}, 102_499)).to.equal(4n);
    expect(currentSlot({clock}, 102_500)).to.equal(5n);
    expect(currentSlot({clock: {genesisTime: 0, secondsPerSlot: 1.001}}, 7 * 1001 - 1)).to.equal(6n);
  });

  it("is unknown without genesis time", () => {
    expect(currentSlot(UNPINNED, atSlot(17))).to.equal(null);
    expect(currentEpoch(UNPINNED, atSlot(17))).to.equal(null);
  });

  it("starts an epoch at its first slot", () => {
    expect(startSlot(PRESETS.minimal, 3n)).to.equal(24n);
    expect(startSlot(PRESETS.mainnet, 3n)).to.equal(96n);
  });
});
