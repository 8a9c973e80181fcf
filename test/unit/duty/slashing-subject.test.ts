import {expect} from "chai";
import {SIGN_TYPES} from "../../../src/core/duty/sign-request.js";
import {slashingSubject} from "../../../src/core/duty/slashing-subject.js";
import {bytes, zeroRequest} from "./fixtures.js";

describe("slashingSubject", () => {
  it("is a block's slot", () => {
    const message = {...zeroRequest("BLOCK_V2").message, slot: 7n};
    expect(slashingSubject({...zeroRequest("BLOCK_V2"), message} as never)).to.deep.equal({kind: "block", slot: 7n});
  });

  it("is an attestation's source and target", () => {
    const root = bytes(32);
    const message = {slot: 64n, index: 0n, beaconBlockRoot: root, source: {epoch: 6n, root}, target: {epoch: 8n, root}};
    expect(slashingSubject({...zeroRequest("ATTESTATION"), message})).to.deep.equal({
      kind: "attestation",
      source: 6n,
      target: 8n,
    });
  });

  it("is null for everything else", () => {
    for (const type of SIGN_TYPES) {
      if (type === "BLOCK_V2" || type === "ATTESTATION") continue;
      expect(slashingSubject(zeroRequest(type)), type).to.equal(null);
    }
  });
});
