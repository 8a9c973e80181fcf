import {expect} from "chai";
import {blstDkgGroup} from "../../../src/adapters/bls/blst.js";
import type {DkgGroup} from "../../../src/core/dkg/group.js";
import {isSecretOf, isTerm, splitTerm, sumOf, weightsAt} from "../../../src/core/repair/row.js";
import {CURVE_ORDER, invert, mod, toScalar} from "../../../src/core/threshold/scalar.js";
import {transparentDkgGroup} from "../../simulation/transparent-group.js";
import {testKey, testScalar} from "../../support/committees.js";

const SIZES = [
  {n: 4, t: 3},
  {n: 7, t: 5},
  {n: 10, t: 7},
  {n: 13, t: 9},
];
const session = new Uint8Array(32).fill(7);
const seedOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);

/** A lost index and t helpers, another choice for each round. */
function choice({n, t}: {n: number; t: number}, round: number): {x: number; helpers: number[]} {
  const x = (round % n) + 1;
  const others = Array.from({length: n}, (_, i) => i + 1).filter((i) => i !== x);
  const start = (round * 5) % others.length;
  const picked = [...others.slice(start), ...others.slice(0, start)].slice(0, t);
  return {x, helpers: picked.sort((a, b) => a - b)};
}

/** What each helper deals: summand [from][to]. */
function dealAll({n, t}: {n: number; t: number}, round: number) {
  const {shares} = testKey(round + 1, {n, t});
  const {x, helpers} = choice({n, t}, round);
  const weights = weightsAt(x, helpers);
  const shareOf = (id: number): bigint => toScalar(shares[id - 1]!.secret, "share");
  const rows = helpers.map((id, place) =>
    splitTerm({seed: seedOf(id), session}, weights, {place, validator: 0, share: shareOf(id)}),
  );
  return {x, helpers, weights, rows, shareOf};
}

describe("rebuilding a share from t others", () => {
  const groups: [string, DkgGroup, number][] = [
    ["the transparent group", transparentDkgGroup, 26],
    ["blst", blstDkgGroup, 3],
  ];
  for (const [name, group, rounds] of groups) {
    for (const size of SIZES) {
      it(`gives the point of the polynomial at the lost index, and each step checks: ${size.n}/${size.t}, ${name}`, () => {
        for (let round = 0; round < rounds; round++) {
          const {x, helpers, weights, rows, shareOf} = dealAll(size, round);
          const points = rows.map((row) => row.map((summand) => group.base(summand)));
          for (const [place, commitments] of points.entries()) {
            const at = (id: number) => ({place, commitments, sharePublicKey: group.base(shareOf(id))});
            expect(isTerm(group, weights, at(helpers[place]!))).to.equal(true);
            expect(isTerm(group, weights, at(x))).to.equal(false);
          }
          const sums = helpers.map((_, to) => sumOf(rows.map((row) => row[to]!)));
          for (const [to, sum] of sums.entries()) {
            const column = points.map((row) => row[to]!);
            expect(isSecretOf(group, sum, column)).to.equal(true);
            expect(isSecretOf(group, mod(sum + 1n), column)).to.equal(false);
          }
          expect(sumOf(sums)).to.equal(shareOf(x));
        }
      });
    }
  }

  it("multiplies points by small numbers only", () => {
    for (const size of SIZES) {
      for (let round = 0; round < size.n; round++) {
        const {x, helpers} = choice(size, round);
        const {scale, scaled} = weightsAt(x, helpers);
        for (const one of [scale, ...scaled]) expect(one < 2n ** 40n && one > -(2n ** 40n)).to.equal(true);
        // λᵢ(x) of the constant polynomial 1 add up to 1.
        expect(scaled.reduce((sum, one) => sum + one, 0n)).to.equal(scale);
      }
    }
  });

  /** Whatever the share is, the summands that leave its helper are the same for the same seed; they say nothing of it. */
  it("shows any t−1 helpers exactly the same, whatever the last one's share is", () => {
    for (const size of SIZES) {
      const {helpers, weights} = dealAll(size, size.n);
      for (const [place, id] of helpers.entries()) {
        const views = [1, 2, 3].map((n) => {
          const share = testScalar(n * 77);
          const row = splitTerm({seed: seedOf(id), session}, weights, {place, validator: 0, share});
          expect(mod(sumOf(row) * weights.scale)).to.equal(mod(share * weights.scaled[place]!));
          return row.filter((_, to) => to !== place).join();
        });
        expect(new Set(views).size).to.equal(1);
        expect(new Set(views[0]!.split(",")).size).to.equal(size.t - 1);
      }
    }
  });

  /** Two shares nobody else has can be moved against each other, without a difference to anybody who is not their helper. */
  it("shows the operator that lost its share, and t−2 helpers with it, nothing of the other two but their common part", () => {
    for (const size of SIZES) {
      const {helpers, weights, rows, shareOf} = dealAll(size, 1);
      const [a, b] = [0, 1];
      const shift = testScalar(4711);
      const moved = rows.map((row) => [...row]);
      moved[a]![b] = mod(moved[a]![b]! + shift);
      moved[b]![b] = mod(moved[b]![b]! - shift);
      const sums = (all: readonly (readonly bigint[])[]) => helpers.map((_, to) => sumOf(all.map((row) => row[to]!)));
      // Everything that the owner and the other t−2 helpers see: all sums, and what the others deal and get.
      expect(sums(moved)).to.deep.equal(sums(rows));
      for (const to of helpers.keys()) {
        for (const from of helpers.keys()) {
          if (from > b || to > b) expect(moved[from]![to]).to.equal(rows[from]![to]);
        }
      }
      // And yet the moved rows are those of two other shares.
      for (const place of [a, b]) {
        const share = mod(sumOf(moved[place]!) * mod(weights.scale) * invert(mod(weights.scaled[place]!)));
        expect(share).to.not.equal(shareOf(helpers[place]!));
        expect(share < CURVE_ORDER).to.equal(true);
      }
    }
  });

  it("is another splitting for each session, key and helper", () => {
    const {helpers, weights} = dealAll(SIZES[0]!, 0);
    const split = (seed: number, of: number, validator: number) =>
      splitTerm({seed: seedOf(seed), session: new Uint8Array(32).fill(of)}, weights, {place: 0, validator, share: 5n});
    const all = [split(1, 1, 0), split(2, 1, 0), split(1, 2, 0), split(1, 1, 1)].flat();
    expect(new Set(all).size).to.equal(4 * helpers.length);
  });
});
