import {expect} from "chai";
import {toWire} from "../../../src/core/duty/request-codec.js";
import {SIGN_TYPES, type WireRequest} from "../../../src/core/duty/sign-request.js";
import {slashingSubject} from "../../../src/core/duty/slashing-subject.js";
import {claimOf, isRanked} from "../../../src/core/ranking/claim.js";
import {defaultSignerDelayMs, holdMs} from "../../../src/core/ranking/delay.js";
import {attestation, block} from "../../support/keeper.js";
import {NETWORK, zeroRequest} from "../duty/fixtures.js";

const signingRoot = `0x${"ab".repeat(32)}`;

describe("what a request claims to be about", () => {
  it("is one block per slot and one vote per target epoch, told apart by the root", () => {
    expect(claimOf({...block(3200), signingRoot})).to.deep.equal({duty: "BLOCK_V2 3200", root: signingRoot});
    expect(claimOf({...attestation(98, 99), signingRoot: signingRoot.toUpperCase()})).to.deep.equal({
      duty: "ATTESTATION 99",
      root: signingRoot,
    });
  });

  it("tells messages apart that come without a root", () => {
    expect(claimOf(block(3200))).to.deep.equal(claimOf(block(3200)));
    expect(claimOf(block(3200))!.root).not.to.equal(claimOf(block(3200, 9))!.root);
    expect(claimOf(attestation(98, 99))!.root).not.to.equal(claimOf(attestation(98, 99, {byte: 9}))!.root);
  });

  it("is nothing for exactly those messages that slashing protection has nothing to say about", () => {
    for (const type of SIGN_TYPES) {
      const request = zeroRequest(type);
      const ranked = slashingSubject(request) !== null;
      expect(isRanked(type), type).to.equal(ranked);
      expect(claimOf(toWire(request, NETWORK.preset)) !== null, type).to.equal(ranked);
    }
  });

  it("is nothing for what the keeper will refuse as malformed", () => {
    for (const wire of [
      {type: "BLOCK_V2"},
      {type: "BLOCK_V2", beacon_block: {version: "PHASE0", block: {slot: "1"}}},
      {type: "BLOCK_V2", beacon_block: {block_header: {slot: "0x1"}}},
      {type: "ATTESTATION", attestation: null},
      {type: "ATTESTATION", attestation: {target: {epoch: "-1"}}},
      {type: "ATTESTATION", attestation: {target: ["1"]}},
    ]) {
      expect(claimOf(wire as unknown as WireRequest), JSON.stringify(wire)).to.equal(null);
    }
  });
});

describe("the delay between ranks", () => {
  const chain = (secondsPerSlot: number) => ({clock: {genesisTime: 0, secondsPerSlot}});

  it("is half a second of mainnet's slot, and stays above what a busy machine's timers lose", () => {
    expect(defaultSignerDelayMs(chain(12))).to.equal(500);
    expect(defaultSignerDelayMs({clock: null})).to.equal(500);
    expect(defaultSignerDelayMs(chain(5))).to.equal(208);
    expect(defaultSignerDelayMs(chain(2))).to.equal(200);
  });

  it("grows by rank up to the fourth signer, and there is none for the first", () => {
    expect([0, 1, 2, 3, 4, 63].map((rank) => holdMs(rank, 500))).to.deep.equal([0, 500, 1000, 1500, 1500, 1500]);
  });
});
