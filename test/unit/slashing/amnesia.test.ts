import {expect} from "chai";
import {type LifeId, parseLifeId, parsePubkeyHex} from "../../../src/core/bytes.js";
import {judgeSighting, raiseToFloor, SECOND_COPY_TOLERANCE_MS} from "../../../src/core/slashing/amnesia.js";
import {EMPTY_RECORD, floorRecord} from "../../../src/core/slashing/decide.js";
import {beginLife, MAX_LIVES, NO_PAST, type Past} from "../../../src/core/slashing/past.js";
import type {Sighting} from "../../../src/core/slashing/sighting.js";

const KEY = parsePubkeyHex(`0x${"ab".repeat(48)}`);
const life = (n: number): LifeId => parseLifeId(n.toString(16).padStart(32, "0"));
const START = 1_000_000;
const SELF = {life: life(1), startedAt: START};
const seen = (n: number, sequence: bigint, issuedAt = START - 1): Sighting => ({
  key: KEY,
  life: life(n),
  sequence,
  issuedAt,
  mac: "00".repeat(32),
});
/** A store that went through lives 10, 11 … with ten writes each, then began life 1. */
function pastWith(lives: number): Past {
  let past = NO_PAST;
  for (let n = 0; n < lives; n++) {
    past = beginLife(past, life(10 + n));
    past = {...past, sequence: past.sequence + 9n};
  }
  return beginLife(past, SELF.life);
}

describe("what a sighting means", () => {
  it("knows every life as far as it came here, and no further", () => {
    const past = pastWith(2);
    expect(judgeSighting(past, SELF, seen(10, 10n))).to.equal("known");
    expect(judgeSighting(past, SELF, seen(10, 11n))).to.equal("forgot");
    expect(judgeSighting(past, SELF, seen(11, 20n))).to.equal("known");
    expect(judgeSighting(past, SELF, seen(11, 21n))).to.equal("forgot");
    expect(judgeSighting(past, SELF, seen(1, 21n))).to.equal("known");
    expect(judgeSighting(past, SELF, seen(1, 22n)), "restored with its memory").to.equal("forgot");
  });

  it("finds a rollback out also after more was written than was lost", () => {
    let past = pastWith(1);
    past = {...past, sequence: 500n};
    past = beginLife(past, life(2));
    expect(judgeSighting(past, {life: life(2), startedAt: START}, seen(10, 15n))).to.equal("forgot");
  });

  it("knows nothing on a new store", () => {
    const past = beginLife(NO_PAST, SELF.life);
    expect(judgeSighting(past, SELF, seen(10, 1n))).to.equal("forgot");
    expect(judgeSighting(past, SELF, seen(10, 0n)), "that life wrote nothing").to.equal("known");
  });

  it("takes a life that speaks after this one started for a second copy, with room for clocks", () => {
    const past = pastWith(1);
    const at = (ms: number) => judgeSighting(past, SELF, seen(99, 50n, START + ms));
    expect(at(SECOND_COPY_TOLERANCE_MS)).to.equal("forgot");
    expect(at(SECOND_COPY_TOLERANCE_MS + 1)).to.equal("second copy");
    expect(judgeSighting(past, SELF, seen(99, 1n, START + SECOND_COPY_TOLERANCE_MS + 1)), "however low").to.equal(
      "second copy",
    );
  });

  it("makes no second copy out of an earlier life of this store whose clock was ahead", () => {
    expect(judgeSighting(pastWith(1), SELF, seen(10, 10n, START + 3_600_000))).to.equal("known");
  });

  it("knows what lies below the floor, but not what was said after it", () => {
    const past = {...pastWith(1), flooredAt: START};
    expect(judgeSighting(past, SELF, seen(99, 700n, START))).to.equal("known");
    expect(judgeSighting(past, SELF, seen(99, 700n, START + 1))).to.equal("forgot");
  });

  it("compares sequences alone for lives too old to be remembered", () => {
    const past = pastWith(MAX_LIVES + 5);
    expect(past.lives.length).to.equal(MAX_LIVES);
    expect(past.dropped).to.equal(50n);
    expect(judgeSighting(past, SELF, seen(10, 10n))).to.equal("known");
    expect(judgeSighting(past, SELF, seen(10, 51n))).to.equal("forgot");
    expect(judgeSighting(past, SELF, seen(10 + 5, 60n)), "the oldest remembered").to.equal("known");
    expect(judgeSighting(past, SELF, seen(10 + 5, 61n))).to.equal("forgot");
  });
});

describe("a store raised to the floor", () => {
  const past = pastWith(1);
  const floor = floorRecord({epoch: 7n, slotsPerEpoch: 32});

  it("has a new life, a sequence above all that was seen, and the floor in every record", () => {
    const raised = raiseToFloor(past, new Map([[KEY, EMPTY_RECORD]]), {
      floor,
      flooredAt: START,
      seen: 900n,
      life: life(5),
    });
    expect(raised.past.sequence).to.equal(901n);
    expect(raised.past.life).to.equal(life(5));
    expect(raised.past.lives.at(-1)).to.deep.equal({life: life(1), last: past.sequence});
    expect(raised.past.flooredAt).to.equal(START);
    expect(raised.writes).to.deep.equal(new Map([[KEY, floor]]));
  });

  it("lowers nothing: neither record, sequence nor the time of an earlier floor", () => {
    const high = floorRecord({epoch: 70n, slotsPerEpoch: 32});
    const raised = raiseToFloor({...past, flooredAt: START + 9}, new Map([[KEY, {...high, disabled: true}]]), {
      floor,
      flooredAt: START,
      seen: 1n,
      life: life(5),
    });
    expect(raised.writes.get(KEY)).to.deep.equal({...high, disabled: true});
    expect(raised.past.sequence).to.equal(past.sequence + 1n);
    expect(raised.past.flooredAt).to.equal(START + 9);
  });

  it("writes no record when there is no clock to compute a floor from", () => {
    const raised = raiseToFloor(past, new Map([[KEY, EMPTY_RECORD]]), {
      floor: null,
      flooredAt: START,
      seen: 900n,
      life: life(5),
    });
    expect(raised.writes.size).to.equal(0);
    expect(raised.past.flooredAt).to.equal(null);
    expect(raised.past.sequence).to.equal(901n);
  });
});
