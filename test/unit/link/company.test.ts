import {expect} from "chai";
import {waitForCompany} from "../../../src/core/company.js";

const busy = {waiting: 3, unanswered: 40, urgent: false, sinceLastMs: 1};

describe("a message that waits for company", () => {
  it("does so while many others are unanswered, for 4 ms after the last one at most", () => {
    expect(waitForCompany(busy)).to.equal(3);
    expect(waitForCompany({...busy, sinceLastMs: 4})).to.equal(0);
    expect(waitForCompany({...busy, sinceLastMs: 400})).to.equal(0);
  });

  it("never does when few others are unanswered, when enough wait, or when one of them is urgent", () => {
    expect(waitForCompany({...busy, unanswered: 7})).to.equal(0);
    expect(waitForCompany({...busy, waiting: 16})).to.equal(0);
    expect(waitForCompany({...busy, urgent: true})).to.equal(0);
  });
});
