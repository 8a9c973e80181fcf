import {bls12_381} from "@noble/curves/bls12-381.js";
import {expect} from "chai";
import fc from "fast-check";
import {additionChain, linearCombination} from "../../../src/core/threshold/addition-chain.js";
import type {PointGroup} from "../../../src/core/threshold/bls.js";
import {cheapestSigners, delta, lagrangePlan, plainCoefficients} from "../../../src/core/threshold/lagrange.js";
import {failure} from "../../support/errors.js";

const {Fr} = bls12_381.fields;

/** The integers under addition: what a chain computes can be read off. */
function integers(): {group: PointGroup<bigint>; sums: () => number} {
  let sums = 0;
  const none = (): never => {
    throw new Error("not used");
  };
  const sum = (points: readonly bigint[]): bigint => {
    sums++;
    return points.reduce((a, b) => a + b);
  };
  return {group: {load: none, bytes: none, negate: (point) => -point, sum}, sums: () => sums};
}

describe("additionChain", () => {
  it("computes the linear combination of any small coefficients", () => {
    const coefficient = fc.bigInt({min: -(2n ** 45n), max: 2n ** 45n}).filter((c) => c !== 0n);
    const terms = fc.array(fc.tuple(coefficient, fc.bigInt({min: -1000n, max: 1000n})), {minLength: 1, maxLength: 9});
    fc.assert(
      fc.property(terms, (pairs) => {
        const {group} = integers();
        const points = pairs.map(([, point]) => point);
        const result = linearCombination(group, additionChain(pairs.map(([c]) => c)), points);
        expect(result).to.equal(pairs.reduce((sum, [c, point]) => sum + c * point, 0n));
      }),
      {numRuns: 200},
    );
  });

  it("takes no sum at all for a coefficient of 1, and one for 2", () => {
    const {group, sums} = integers();
    expect(linearCombination(group, additionChain([1n]), [5n])).to.equal(5n);
    expect(sums()).to.equal(0);
    expect(linearCombination(group, additionChain([2n]), [5n])).to.equal(10n);
    expect(sums()).to.equal(1);
  });

  it("shares the doublings: no more calls than bits", () => {
    for (const [n, t, bits] of [
      [4, 3, 5],
      [7, 5, 16],
      [10, 7, 28],
      [13, 9, 43],
    ] as const) {
      const {group, sums} = integers();
      const ids = Array.from({length: t}, (_, i) => i + 1);
      linearCombination(group, lagrangePlan({n, t}, ids).chain, ids.map(BigInt));
      expect(sums()).to.be.at.most(bits);
    }
  });
});

describe("delta", () => {
  it("is 3, 360, 90720 and 119750400 for the four committees", () => {
    const sizes = [
      [4, 3],
      [7, 5],
      [10, 7],
      [13, 9],
    ] as const;
    expect(sizes.map(([n, t]) => delta({n, t}))).to.deep.equal([3n, 360n, 90720n, 119750400n]);
  });

  it("is 1 for a threshold of 1, where the only coefficient is 1", () => {
    expect(delta({n: 4, t: 1})).to.equal(1n);
    expect(lagrangePlan({n: 4, t: 1}, [3]).coefficients).to.deep.equal([1n]);
  });

  it("refuses sizes that do not exist", () => {
    for (const [n, t] of [
      [4, 0],
      [4, 5],
      [14, 9],
      [4, 2.5],
    ] as const) {
      failure("COMMITTEE_THRESHOLD", () => delta({n, t}));
    }
  });
});

describe("lagrangePlan", () => {
  it("has delta times the oracle's coefficients for every set of every size", () => {
    for (const [n, t] of [
      [4, 3],
      [7, 5],
      [10, 7],
      [13, 9],
      [7, 2],
    ] as const) {
      for (const ids of subsets(n, t)) {
        const {coefficients} = lagrangePlan({n, t}, ids);
        ids.forEach((id, at) => {
          const lambda = ids
            .filter((other) => other !== id)
            .reduce((product, other) => Fr.mul(product, Fr.div(BigInt(other), Fr.create(BigInt(other - id)))), 1n);
          expect(Fr.create(coefficients[at]!)).to.equal(Fr.mul(lambda, delta({n, t})));
        });
      }
    }
  });

  it("has whole coefficients of at most 5, 16, 28 and 43 bits", () => {
    const largest = ([n, t]: readonly [number, number]): number => {
      const all = subsets(n, t).flatMap((ids) => lagrangePlan({n, t}, ids).coefficients);
      return Math.max(...all.map((c) => (c < 0n ? -c : c).toString(2).length));
    };
    const sizes = [
      [4, 3],
      [7, 5],
      [10, 7],
      [13, 9],
    ] as const;
    expect(sizes.map(largest)).to.deep.equal([5, 16, 28, 43]);
  });

  it("is the same object for the same set in any order", () => {
    expect(lagrangePlan({n: 4, t: 3}, [4, 1, 2])).to.equal(lagrangePlan({n: 4, t: 3}, [1, 2, 4]));
  });

  it("refuses too few, too many, repeated and unknown signers", () => {
    for (const ids of [[1, 2], [1, 2, 3, 4], [1, 2, 2], [0, 1, 2], [1, 2, 5], [1, 2, 1.5], []]) {
      failure("THRESHOLD_SIGNER_SET", () => lagrangePlan({n: 4, t: 3}, ids));
    }
  });
});

describe("cheapestSigners", () => {
  it("picks the set with the smallest largest coefficient", () => {
    // 9, -9, 3 for {1,2,3}; 8, -6, 1 for {1,2,4}; 6, -3, 0.. for {1,3,4}: 6, -6, 3; {2,3,4}: 18, -24, 9.
    expect(cheapestSigners({n: 4, t: 3}, [1, 2, 3, 4])).to.deep.equal([1, 3, 4]);
    expect(cheapestSigners({n: 4, t: 3}, [1, 2, 3])).to.deep.equal([1, 2, 3]);
  });
});

describe("plainCoefficients", () => {
  it("interpolates at zero for any set", () => {
    for (const ids of [
      [1, 2],
      [1, 3],
      [2, 3],
      [2, 5, 11],
    ]) {
      const powers = plainCoefficients(ids).map((c, i) => Fr.mul(Fr.create(c), Fr.create(BigInt(ids[i]!) * 7n + 3n)));
      expect(powers.reduce((a, b) => Fr.add(a, b), 0n)).to.equal(3n);
    }
  });
});

function subsets(n: number, size: number): number[][] {
  const all = (from: number, left: number): number[][] =>
    left === 0
      ? [[]]
      : Array.from({length: n - from + 1}, (_, i) => from + i).flatMap((first) =>
          all(first + 1, left - 1).map((rest) => [first, ...rest]),
        );
  return all(1, size);
}
