import {expect} from "chai";
import {waitForCompany} from "../../../src/core/company.js";

const busy = {waiting: 3, unanswered: 40, urgent: false, sinceLastMs: 1};

describe("a message that waits for company", () => {
  it("does so while many others are unanswered, the longer the more they are, for 8 ms after the last one at most", () => {
    expect(waitForCompany(busy)).to.equal(4);
    expect(waitForCompany({...busy, unanswered: 16})).to.equal(1);
    expect(waitForCompany({...busy, unanswered: 4096})).to.equal(7);
    expect(waitForCompany({...busy, sinceLastMs: 5})).to.equal(0);
    expect(waitForCompany({...busy, sinceLastMs: 400})).to.equal(0);
  });

  it("never does when few others are unanswered, when enough wait, or when one of them is urgent", () => {
    expect(waitForCompany({...busy, unanswered: 7})).to.equal(0);
    expect(waitForCompany({...busy, waiting: 16})).to.equal(0);
    expect(waitForCompany({...busy, urgent: true})).to.equal(0);
  });
});
