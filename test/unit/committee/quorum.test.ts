import {expect} from "chai";
import {checkQuorum, thresholdOf, tolerances} from "../../../src/core/committee/quorum.js";
import {failure} from "../../support/errors.js";

describe("quorum", () => {
  it("knows 3 of 4, 5 of 7, 7 of 10 and 9 of 13, and what they tolerate", () => {
    expect([4, 7, 10, 13].map(thresholdOf)).to.deep.equal([3, 5, 7, 9]);
    expect([4, 7, 10, 13].map((n) => tolerances({n, t: thresholdOf(n)}))).to.deep.equal([
      {absent: 1, liars: 1},
      {absent: 2, liars: 2},
      {absent: 3, liars: 3},
      {absent: 4, liars: 4},
    ]);
  });

  it("refuses every other size unless unsafe is asked for, and sizes beyond 13 always", () => {
    for (const n of [0, 1, 3, 5, 6, 8, 14, 4.5, -4, Number.NaN]) {
      failure("COMMITTEE_SIZE", () => thresholdOf(n));
      failure("COMMITTEE_SIZE", () => checkQuorum({n, t: 3, unsafe: false}));
    }
    for (const n of [0, 14, 4.5, -4, Number.NaN]) {
      failure("COMMITTEE_SIZE", () => checkQuorum({n, t: 1, unsafe: true}));
    }
    expect(checkQuorum({n: 3, t: 2, unsafe: true})).to.deep.equal({absent: 1, liars: 0});
    expect(checkQuorum({n: 1, t: 1, unsafe: true})).to.deep.equal({absent: 0, liars: 0});
    failure("COMMITTEE_THRESHOLD", () => checkQuorum({n: 3, t: 4, unsafe: true}));
  });

  it("refuses another threshold and says what it would give up", () => {
    const error = failure("COMMITTEE_THRESHOLD", () => checkQuorum({n: 4, t: 2, unsafe: false}));
    expect(error.message)
      .to.contain("liarsTolerated: -1 instead of 1")
      .and.to.contain("absentTolerated: 2 instead of 1");
  });

  it("allows another threshold between 1 and n as the explicit unsafe choice", () => {
    expect(checkQuorum({n: 4, t: 4, unsafe: true})).to.deep.equal({absent: 0, liars: 3});
    expect(checkQuorum({n: 7, t: 1, unsafe: true})).to.deep.equal({absent: 6, liars: -6});
    expect(checkQuorum({n: 4, t: 3, unsafe: true})).to.deep.equal({absent: 1, liars: 1});
    for (const t of [0, 5, -1, 2.5, Number.NaN]) {
      failure("COMMITTEE_THRESHOLD", () => checkQuorum({n: 4, t, unsafe: true}));
    }
  });
});
