import {expect} from "chai";
import {SIGN_TYPES} from "../../../src/core/duty/sign-request.js";
import {deadlinesFor} from "../../../src/remote-signer/deadlines.js";

describe("deadlines", () => {
  const mainnet = {clock: {genesisTime: 0, secondsPerSlot: 12}};

  it("are a third of a slot for duties within a slot and a slot for the others", () => {
    const deadlines = deadlinesFor(mainnet);
    expect(deadlines.ATTESTATION).to.equal(4000);
    expect(deadlines.BLOCK_V2).to.equal(4000);
    expect(deadlines.SYNC_COMMITTEE_SELECTION_PROOF).to.equal(4000);
    expect(deadlines.AGGREGATION_SLOT).to.equal(12_000);
    expect(deadlines.VALIDATOR_REGISTRATION).to.equal(12_000);
  });

  it("exist for every type, whole and never below 1.5 s", () => {
    for (const secondsPerSlot of [1, 2, 5, 12]) {
      const deadlines = deadlinesFor({clock: {genesisTime: 0, secondsPerSlot}});
      for (const type of SIGN_TYPES) {
        expect(deadlines[type]).to.be.at.least(1500);
        expect(Number.isInteger(deadlines[type])).to.equal(true);
      }
    }
  });

  it("take mainnet's slot when the clock is not known", () => {
    expect(deadlinesFor({clock: null})).to.deep.equal(deadlinesFor(mainnet));
  });

  it("can be configured one by one", () => {
    const deadlines = deadlinesFor(mainnet, {ATTESTATION: 50});
    expect(deadlines.ATTESTATION).to.equal(50);
    expect(deadlines.BLOCK_V2).to.equal(4000);
  });
});
