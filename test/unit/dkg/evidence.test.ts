import {expect} from "chai";
import {type AnyItem, signItem} from "../../../src/core/dkg/items.js";
import {nodeOf, testCeremony} from "../../support/dkg.js";
import {doubleStatements} from "../../support/dkg-evidence.js";

describe("the judge of journals", () => {
  const test = testCeremony(4, {cheap: true});
  const abort = (author: number, reason: string): AnyItem =>
    signItem(test.ceremony, {author, kind: "abort", sequence: 0, body: {reason}}, nodeOf(test, author).sign) as AnyItem;

  it("convicts who said two things at one place, in whichever journals they are", () => {
    expect(doubleStatements([[abort(1, "a")], [abort(2, "b"), abort(1, "c")]])).to.deep.equal([
      "abort/1/0 was said twice",
    ]);
  });

  it("has nothing against what is said again, nor against several who say the same", () => {
    expect(doubleStatements([[abort(1, "a"), abort(2, "a")], [abort(1, "a")]])).to.deep.equal([]);
  });
});
