import type {Type} from "@chainsafe/ssz";
import {expect} from "chai";
import fc from "fast-check";
import {toHex} from "../../../src/core/bytes.js";
import * as ours from "../../../src/core/duty/containers.js";
import {FORK_NAMES} from "../../../src/core/duty/network.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {arbitraryValue} from "../../unit/duty/fixtures.js";

/** @lodestar packages have one preset per process; this is the one of this process. */
const PRESET = PRESETS[process.env.LODESTAR_PRESET === "minimal" ? "minimal" : "mainnet"];

/** Numbers beyond 2^53 are ours alone: both sides get the same serialised bytes with small numbers. */
function expectSameRoots(mine: Type<unknown>, theirs: Type<unknown>): void {
  fc.assert(
    fc.property(arbitraryValue(mine), (value) => {
      const json = JSON.stringify(mine.toJson(value), (_, item) =>
        typeof item === "string" && /^[0-9]{10,}$/.test(item) ? item.slice(0, 10) : item,
      );
      const small = mine.fromJson(JSON.parse(json));
      const same = theirs.fromJson(JSON.parse(json));
      expect(toHex(theirs.serialize(same))).to.equal(toHex(mine.serialize(small)));
      expect(toHex(theirs.hashTreeRoot(same))).to.equal(toHex(mine.hashTreeRoot(small)));
    }),
    {numRuns: 20},
  );
}

describe("our containers hash like @lodestar/types'", () => {
  let ssz: typeof import("@lodestar/types").ssz;

  before(async () => {
    ({ssz} = await import("@lodestar/types"));
  });

  const pairs: {[name: string]: () => [Type<unknown>, unknown]} = {
    AttestationData: () => [ours.AttestationData, ssz.phase0.AttestationData],
    BeaconBlockHeader: () => [ours.BeaconBlockHeader, ssz.phase0.BeaconBlockHeader],
    VoluntaryExit: () => [ours.VoluntaryExit, ssz.phase0.VoluntaryExit],
    DepositMessage: () => [ours.DepositMessage, ssz.phase0.DepositMessage],
    DepositData: () => [ours.DepositData, ssz.phase0.DepositData],
    ValidatorRegistration: () => [ours.ValidatorRegistration, ssz.bellatrix.ValidatorRegistrationV1],
    BLSToExecutionChange: () => [ours.BlsToExecutionChange, ssz.capella.BLSToExecutionChange],
    SyncAggregatorSelectionData: () => [ours.SyncAggregatorSelectionData, ssz.altair.SyncAggregatorSelectionData],
    ContributionAndProof: () => [ours.containersOf(PRESET).ContributionAndProof, ssz.altair.ContributionAndProof],
    ForkData: () => [ours.ForkData, ssz.phase0.ForkData],
    SigningData: () => [ours.SigningData, ssz.phase0.SigningData],
  };
  for (const [name, pair] of Object.entries(pairs)) {
    it(name, () => {
      const [mine, theirs] = pair();
      expectSameRoots(mine, theirs as Type<unknown>);
    });
  }

  for (const fork of FORK_NAMES) {
    it(`AggregateAndProof of ${fork}`, () => {
      expectSameRoots(
        ours.aggregateAndProofOf(PRESET, fork) as Type<unknown>,
        ssz[fork].AggregateAndProof as unknown as Type<unknown>,
      );
    });
  }

  it("a bare slot and epoch", () => {
    fc.assert(
      fc.property(fc.nat(), (n) => {
        const root = toHex(ssz.UintBn64.hashTreeRoot(BigInt(n)));
        expect(toHex(ours.AggregationSlot.hashTreeRoot({slot: BigInt(n)}))).to.equal(root);
        expect(toHex(ours.RandaoReveal.hashTreeRoot({epoch: BigInt(n)}))).to.equal(root);
      }),
      {numRuns: 20},
    );
  });
});
