import {expect} from "chai";
import {bitlist, bits} from "../../../devnet/src/beacon-api.js";
import {type BlockContent, MissedDuties} from "../../../devnet/src/missed-duties.js";

const EPOCH = 4;
const empty: BlockContent = {attestations: [], syncBits: null};

/** One beacon committee of two validators per slot. */
function duties({fromSlot = EPOCH, syncFromSlot = EPOCH, slots = 4 * EPOCH} = {}): MissedDuties {
  const tracker = new MissedDuties({slotsPerEpoch: EPOCH, fromSlot, syncFromSlot});
  const all = Array.from({length: slots}, (_, slot) => ({slot, index: 0, validators: [2 * slot, 2 * slot + 1]}));
  tracker.addCommittees(all);
  return tracker;
}

const attesting = (slot: number, members: readonly boolean[] = [true, true]): BlockContent => ({
  attestations: [{slot, index: 0, bits: members}],
  syncBits: null,
});

describe("missed duties", () => {
  it("finds nothing missed when every slot has a block with all the votes of the slot before", () => {
    const tracker = duties();
    for (let slot = 0; slot < 16; slot++) tracker.addSlot(slot, slot === 0 ? empty : attesting(slot - 1));
    const {blocks, attestations, attestationsOpen} = tracker.report();
    expect(blocks).to.deep.equal({due: 12, missed: 0});
    expect(attestations).to.deep.equal({due: 22, missed: 0});
    expect(attestationsOpen).to.equal(2);
    expect(tracker.takeNews()).to.deep.equal([]);
  });

  it("counts an empty slot once, and not during the warm-up", () => {
    const tracker = duties();
    for (let slot = 0; slot < 8; slot++) tracker.addSlot(slot, slot === 2 || slot === 6 ? null : empty);
    expect(tracker.report().blocks).to.deep.equal({due: 4, missed: 1});
    expect(tracker.takeNews()).to.deep.equal(["slot 6: no block"]);
  });

  it("takes an attestation that comes late but while it can still be included", () => {
    const tracker = duties();
    for (let slot = 0; slot < 8; slot++) tracker.addSlot(slot, empty);
    expect(tracker.report().attestationsOpen).to.equal(8);
    tracker.addSlot(8, attesting(4));
    expect(tracker.report().attestations).to.deep.equal({due: 2, missed: 0});
  });

  it("counts each validator whose vote never came, after the last slot that could hold it", () => {
    const tracker = duties();
    for (let slot = 0; slot < 8; slot++) tracker.addSlot(slot, slot === 6 ? attesting(4, [true, false]) : empty);
    expect(tracker.report().attestations).to.deep.equal({due: 1, missed: 0});
    tracker.addSlot(8, empty);
    expect(tracker.report().attestations).to.deep.equal({due: 2, missed: 1});
    expect(tracker.takeNews()).to.deep.equal(["slot 4: no attestation of validator 9"]);
  });

  it("counts a vote that many blocks hold once", () => {
    const tracker = duties();
    for (let slot = 0; slot < 8; slot++) tracker.addSlot(slot, slot > 4 ? attesting(4) : empty);
    expect(tracker.report().attestations).to.deep.equal({due: 2, missed: 0});
  });

  it("counts empty seats of the sync committee for the slot before the block", () => {
    const tracker = duties({syncFromSlot: EPOCH + 1});
    const seats = (...syncBits: boolean[]): BlockContent => ({attestations: [], syncBits});
    for (let slot = 0; slot < 5; slot++) tracker.addSlot(slot, empty);
    tracker.addSlot(5, seats(false, false)); // of slot 4, before the count begins
    tracker.addSlot(6, seats(true, false));
    tracker.addSlot(7, null);
    expect(tracker.report().syncMessages).to.deep.equal({due: 2, missed: 1});
    expect(tracker.takeNews()).to.deep.equal(["slot 5: 1 sync messages", "slot 7: no block"]);
  });

  it("insists on slots in order", () => {
    expect(() => duties().addSlot(1, null)).to.throw("slot 0 comes next");
  });
});

describe("bits in beacon API answers", () => {
  it("reads a bitvector from its lowest bit", () => {
    expect(bits("0x0180")).to.deep.equal([true, ...Array(14).fill(false), true]);
  });

  it("reads a bitlist up to the bit that marks its length", () => {
    expect(bitlist("0x03")).to.deep.equal([true]);
    expect(bitlist("0x0d")).to.deep.equal([true, false, true]);
    expect(bitlist("0x01")).to.deep.equal([]);
    expect(bitlist("0x0001")).to.deep.equal(Array(8).fill(false));
  });
});
