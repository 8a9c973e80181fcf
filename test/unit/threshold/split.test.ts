import {bls12_381} from "@noble/curves/bls12-381.js";
import {expect} from "chai";
import fc from "fast-check";
import {loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {codeOf} from "../../../src/core/errors.js";
import {delta} from "../../../src/core/threshold/lagrange.js";
import {scaleShare, splitSecret} from "../../../src/core/threshold/polynomial.js";
import {CURVE_ORDER, invert, scalarBytes, toScalar} from "../../../src/core/threshold/scalar.js";
import {testScalar} from "../../support/committees.js";
import {failure} from "../../support/errors.js";

const {Fr} = bls12_381.fields;
const SIZES = [
  {n: 4, t: 3},
  {n: 7, t: 5},
  {n: 10, t: 7},
  {n: 13, t: 9},
  {n: 7, t: 3},
] as const;
const scalar = fc.bigInt({min: 1n, max: CURVE_ORDER - 1n});
const sized = fc
  .constantFrom(...SIZES)
  .chain((size) =>
    fc.record({size: fc.constant(size), polynomial: fc.array(scalar, {minLength: size.t, maxLength: size.t})}),
  )
  // fast-check likes numbers at the edges, of which some make weak shares; those are refused, as a test below says.
  .filter(({size, polynomial: [secret, ...coefficients]}) => !isWeak(secret!, size, coefficients));

function isWeak(secret: bigint, size: {n: number; t: number}, coefficients: readonly bigint[]): boolean {
  try {
    splitSecret(secret, size, coefficients);
    return false;
  } catch (error) {
    if (codeOf(error) !== "THRESHOLD_WEAK_SHARES") throw error;
    return true;
  }
}

describe("scalar", () => {
  it("inverts as the oracle's field does", () => {
    fc.assert(
      fc.property(scalar, (value) => {
        expect(invert(value)).to.equal(Fr.inv(value));
      }),
      {numRuns: 50},
    );
  });

  it("round-trips through 32 bytes", () => {
    fc.assert(
      fc.property(scalar, (value) => {
        expect(toScalar(scalarBytes(value), "x")).to.equal(value);
      }),
      {numRuns: 50},
    );
  });

  it("refuses zero, the curve order, negative numbers and other lengths, and never shows the value", () => {
    for (const bad of [0n, -1n, CURVE_ORDER, CURVE_ORDER + 5n, new Uint8Array(31).fill(1), new Uint8Array(32)]) {
      const error = failure("THRESHOLD_SCALAR_RANGE", () => toScalar(bad, "secret"));
      expect(Object.keys(error.data)).to.have.members(["field", "reason"]);
    }
    const secret = new Uint8Array(32).fill(0xff);
    const error = failure("THRESHOLD_SCALAR_RANGE", () => toScalar(secret, "secret"));
    expect(JSON.stringify(error)).not.to.contain("ffff");
  });
});

describe("splitSecret", () => {
  it("evaluates the polynomial as the oracle's field does", () => {
    fc.assert(
      fc.property(sized, ({size, polynomial: [secret, ...coefficients]}) => {
        for (const {index, secret: share} of splitSecret(secret!, size, coefficients)) {
          const powers = [secret!, ...coefficients].map((c, k) => Fr.mul(c, Fr.pow(BigInt(index), BigInt(k))));
          expect(toScalar(share, "share")).to.equal(powers.reduce((a, b) => Fr.add(a, b), 0n));
        }
      }),
      {numRuns: 25},
    );
  });

  it("gives shares of which any t interpolate to the secret and t-1 do not", () => {
    fc.assert(
      fc.property(sized, fc.infiniteStream(fc.nat()), ({size, polynomial: [secret, ...coefficients]}, random) => {
        const shares = splitSecret(secret!, size, coefficients);
        const some = shares
          .map((share) => ({share, order: random.next().value as number}))
          .sort((a, b) => a.order - b.order)
          .slice(0, size.t)
          .map(({share}) => [BigInt(share.index), toScalar(share.secret, "share")] as const);
        expect(interpolateAtZero(some)).to.equal(secret);
        expect(interpolateAtZero(some.slice(1))).not.to.equal(secret);
      }),
      {numRuns: 25},
    );
  });

  it("takes the secret as bytes too", () => {
    const secret = testScalar(5);
    const size = {n: 4, t: 3};
    expect(splitSecret(scalarBytes(secret), size, [1n, 2n])).to.deep.equal(splitSecret(secret, size, [1n, 2n]));
  });

  it("refuses a wrong number of coefficients, zero coefficients and ones out of range", () => {
    const size = {n: 4, t: 3};
    failure("THRESHOLD_COEFFICIENTS", () => splitSecret(1n, size, [1n]));
    failure("THRESHOLD_COEFFICIENTS", () => splitSecret(1n, size, [1n, 2n, 3n]));
    failure("THRESHOLD_SCALAR_RANGE", () => splitSecret(1n, size, [0n, 2n]));
    failure("THRESHOLD_SCALAR_RANGE", () => splitSecret(1n, size, [1n, 0n]));
    failure("THRESHOLD_SCALAR_RANGE", () => splitSecret(1n, size, [1n, CURVE_ORDER]));
    failure("THRESHOLD_SCALAR_RANGE", () => splitSecret(0n, size, [1n, 1n]));
  });

  it("refuses coefficients that make a share zero, two shares equal, or a share the secret", () => {
    const size = {n: 4, t: 3};
    // f(x) = (x-2)(x+1) = x² - x - 2 has a zero at 2.
    failure("THRESHOLD_WEAK_SHARES", () => splitSecret(CURVE_ORDER - 2n, size, [CURVE_ORDER - 1n, 1n]));
    // f(x) = x² - 5x + 7: f(1) = f(4).
    failure("THRESHOLD_WEAK_SHARES", () => splitSecret(7n, size, [CURVE_ORDER - 5n, 1n]));
    // f(x) = x² - 3x + 9: f(3) = f(0).
    failure("THRESHOLD_WEAK_SHARES", () => splitSecret(9n, size, [CURVE_ORDER - 3n, 1n]));
  });

  it("gives everybody the secret itself with the unsafe threshold of 1", () => {
    const shares = splitSecret(42n, {n: 4, t: 1}, []);
    expect(shares.map(({secret}) => toScalar(secret, "share"))).to.deep.equal([42n, 42n, 42n, 42n]);
  });
});

describe("scaleShare", () => {
  it("times delta is the share again", () => {
    for (const size of SIZES) {
      const share = testScalar(size.n);
      const scaled = toScalar(scaleShare(share, size), "scaled");
      expect(Fr.mul(scaled, delta(size))).to.equal(share);
    }
  });

  it("makes a key whose partials do not verify as plain ones", () => {
    const share = scalarBytes(testScalar(1));
    const scaled = scaleShare(share, {n: 4, t: 3});
    expect(loadSecretKey(scaled).publicKey).not.to.equal(loadSecretKey(share).publicKey);
  });

  it("refuses what is no share", () => {
    failure("THRESHOLD_SCALAR_RANGE", () => scaleShare(new Uint8Array(32), {n: 4, t: 3}));
  });
});

function interpolateAtZero(points: readonly (readonly [bigint, bigint])[]): bigint {
  return points.reduce((sum, [x, y]) => {
    const others = points.filter(([other]) => other !== x);
    const lambda = others.reduce((product, [other]) => Fr.mul(product, Fr.div(other, Fr.sub(other, x))), 1n);
    return Fr.add(sum, Fr.mul(lambda, y));
  }, 0n);
}
