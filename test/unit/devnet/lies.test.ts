import {expect} from "chai";
import {Liar, negated} from "../../../devnet/src/lies.js";
import {blstGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {findLiars, isValidPartial, loadPartial} from "../../../src/core/threshold/collect.js";
import {scaleShare} from "../../../src/core/threshold/polynomial.js";
import {testCommittee, testKey} from "../../support/committees.js";

const quorum = {n: 4, t: 3};
const key = testKey(1, quorum);
const {sharePublicKeys} = testCommittee([key], quorum).validators[0]!;
const message = (n: number) => new Uint8Array(32).fill(n);
const partialOf = (id: number, n: number): Uint8Array =>
  loadSecretKey(scaleShare(key.shares[id - 1]!.secret, quorum)).signUncompressed(message(n));
const context = (n: number) => ({quorum, message: message(n), sharePublicKeys});

describe("the devnet's liars", () => {
  it("tell what is a signature by its shape and group, and is not the share's", () => {
    const honest = partialOf(2, 1);
    const lie = negated(honest);
    expect(isValidPartial(blstGroup, context(1), 2 as never, honest)).to.equal(true);
    expect(() => blstGroup.signatures.load(lie, "full")).not.to.throw();
    expect(isValidPartial(blstGroup, context(1), 2 as never, lie)).to.equal(false);
    expect(negated(lie)).to.deep.equal(Buffer.from(honest));
  });

  it("tell another message's partial signature, and something wrong while there is none", () => {
    const liar = new Liar("other");
    expect(liar.distort("a", partialOf(2, 1))).to.deep.equal(negated(partialOf(2, 1)));
    expect(liar.distort("a", partialOf(2, 2))).to.deep.equal(partialOf(2, 1));
    expect(liar.distort("a", partialOf(2, 2)), "a repeat").to.deep.equal(negated(partialOf(2, 2)));
    expect(liar.distort("b", partialOf(2, 3)), "another key").to.deep.equal(negated(partialOf(2, 3)));
  });

  it("tell bytes that are no point", () => {
    const lie = new Liar("garbage").distort("a", partialOf(2, 1));
    expect(lie).to.have.length(192);
    expect(loadPartial(blstGroup, lie)).to.equal(null);
  });

  it("are found out, whichever lie they tell, and nobody else is", () => {
    const liar = new Liar("all");
    for (let n = 1; n <= 6; n++) {
      const sent = [partialOf(1, n), liar.distort("a", partialOf(2, n)), partialOf(3, n)];
      const loaded = sent.map((bytes) => loadPartial(blstGroup, bytes));
      if (loaded[1] === null) continue; // Named at once: no point at all.
      const received = new Map(loaded.map((partial, i) => [(i + 1) as never, partial!]));
      expect(findLiars(blstGroup, context(n), received)).to.deep.equal([2]);
    }
  });
});
