import {bls12_381} from "@noble/curves/bls12-381.js";
import {expect} from "chai";
import fc from "fast-check";
import {blstGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {fromHex, type OperatorId, parseOperatorId, toHex} from "../../../src/core/bytes.js";
import {findLiars, isValidPartial, loadPartial} from "../../../src/core/threshold/collect.js";
import {combinePartials, combinePlainPartials, liftPartial, scalePartial} from "../../../src/core/threshold/combine.js";
import {scaleShare} from "../../../src/core/threshold/polynomial.js";
import {scalarBytes} from "../../../src/core/threshold/scalar.js";
import {publicKeyOf, testKey} from "../../support/committees.js";
import {failure} from "../../support/errors.js";
import {
  INFINITY_SIGNATURE,
  offSubgroupSignature,
  smallOrderSignature,
  withSmallOrder,
} from "../../support/odd-points.js";

const SIZES = [
  {n: 4, t: 3},
  {n: 7, t: 5},
  {n: 10, t: 7},
  {n: 13, t: 9},
  {n: 7, t: 3},
] as const;
const MESSAGE = new Uint8Array(32).fill(0xa5);

/** A committee's partials of one message, and everything to check them by. */
function setUp({n, t}: {n: number; t: number}, seed = n * 100 + t) {
  const {secret, shares} = testKey(seed, {n, t});
  const partials = shares.map((share) => loadSecretKey(scaleShare(share.secret, {n, t})).signUncompressed(MESSAGE));
  const context = {
    quorum: {n, t},
    message: MESSAGE,
    sharePublicKeys: shares.map((share) => loadSecretKey(share.secret).publicKey),
  };
  const groupKey = blstGroup.publicKeys.load(fromHex(publicKeyOf(secret)), "full");
  return {secret, shares, partials, context, groupKey};
}

const load = (bytes: Uint8Array) => blstGroup.signatures.load(bytes, "curve");
const loadAll = (ids: readonly number[], partials: readonly Uint8Array[]) =>
  new Map(ids.map((id) => [id, load(partials[id - 1]!)]));

/** What the coordinator does with t partials: either the verified signature or the names of the liars. */
function collect(set: ReturnType<typeof setUp>, ids: readonly number[], partials: readonly Uint8Array[]) {
  const loaded = ids.map((id) => [parseOperatorId(id), loadPartial(blstGroup, partials[id - 1]!)] as const);
  const malformed = loaded.filter(([, partial]) => partial === null).map(([id]) => id);
  if (malformed.length > 0) return {liars: malformed};
  const received = new Map(loaded.map(([id, partial]) => [id, partial!]));
  const points = new Map([...received].map(([id, {point}]) => [id as number, point]));
  const {signature} = combinePartials(blstGroup, set.context.quorum, points);
  if (blstGroup.verify(MESSAGE, set.groupKey, signature)) {
    return {signature: toHex(blstGroup.signatures.bytes(signature))};
  }
  return {liars: findLiars(blstGroup, set.context, received)};
}

describe("combinePartials", () => {
  for (const size of SIZES) {
    it(`gives the whole key's signature for any ${size.t} of ${size.n}`, () => {
      const {secret, partials, groupKey} = setUp(size);
      const expected = toHex(loadSecretKey(scalarBytes(secret)).sign(MESSAGE));
      const ids = Array.from({length: size.n}, (_, i) => i + 1);
      fc.assert(
        fc.property(fc.shuffledSubarray(ids, {minLength: size.t, maxLength: size.t}), (signers) => {
          const combined = combinePartials(blstGroup, size, loadAll(signers, partials));
          expect(toHex(blstGroup.signatures.bytes(combined.signature))).to.equal(expected);
          expect(combined.signers).to.deep.equal([...signers].sort((a, b) => a - b));
        }),
        {numRuns: 30},
      );
      expect(blstGroup.verify(MESSAGE, groupKey, combinePartials(blstGroup, size, loadAll(ids, partials)).signature)).to
        .be.true;
    });
  }

  it("gives bytes equal to an independent implementation's signature", () => {
    const {secret, partials} = setUp({n: 7, t: 5});
    const {longSignatures: oracle} = bls12_381;
    const domain = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    const expected = oracle.sign(oracle.hash(MESSAGE, domain), scalarBytes(secret)).toBytes(true);
    const {signature} = combinePartials(blstGroup, {n: 7, t: 5}, loadAll([2, 3, 5, 6, 7], partials));
    expect(toHex(blstGroup.signatures.bytes(signature))).to.equal(toHex(expected));
  });

  it("takes the cheapest set when there are more than t", () => {
    const {partials} = setUp({n: 4, t: 3});
    expect(combinePartials(blstGroup, {n: 4, t: 3}, loadAll([1, 2, 3, 4], partials)).signers).to.deep.equal([1, 3, 4]);
  });

  it("refuses fewer than t", () => {
    const {partials} = setUp({n: 4, t: 3});
    failure("THRESHOLD_SIGNER_SET", () => combinePartials(blstGroup, {n: 4, t: 3}, loadAll([1, 2], partials)));
  });
});

describe("combinePlainPartials", () => {
  it("gives the whole key's signature from unscaled shares", () => {
    const {secret, shares} = setUp({n: 4, t: 3});
    const expected = toHex(loadSecretKey(scalarBytes(secret)).sign(MESSAGE));
    const plain = shares.map((share) => loadSecretKey(share.secret).signUncompressed(MESSAGE));
    for (const ids of [
      [1, 2, 3],
      [1, 2, 4],
      [1, 3, 4],
      [4, 3, 2],
    ]) {
      const {signature} = combinePlainPartials(blstGroup, loadAll(ids, plain));
      expect(toHex(blstGroup.signatures.bytes(signature))).to.equal(expected);
    }
    failure("THRESHOLD_SIGNER_SET", () => combinePlainPartials(blstGroup, new Map()));
  });
});

describe("liftPartial", () => {
  it("makes a scaled partial the plain one", () => {
    for (const size of SIZES) {
      const {shares, partials} = setUp(size);
      const plain = toHex(loadSecretKey(shares[1]!.secret).sign(MESSAGE));
      expect(toHex(blstGroup.signatures.bytes(liftPartial(blstGroup, size, load(partials[1]!))))).to.equal(plain);
    }
  });
});

describe("scalePartial", () => {
  it("makes a plain partial what the scaled share signs, for committees of any size", () => {
    for (const size of [...SIZES, {n: 3, t: 2}, {n: 1, t: 1}, {n: 5, t: 3}]) {
      const {shares, partials} = setUp(size);
      for (const [i, share] of shares.entries()) {
        const plain = load(loadSecretKey(share.secret).sign(MESSAGE));
        const scaled = blstGroup.signatures.bytes(scalePartial(blstGroup, size, plain));
        expect(toHex(scaled)).to.equal(toHex(blstGroup.signatures.bytes(load(partials[i]!))));
      }
    }
  });
});

describe("finding out who sent a bad partial", () => {
  const size = {n: 4, t: 3};
  const set = setUp(size);
  const expected = toHex(loadSecretKey(scalarBytes(set.secret)).sign(MESSAGE));
  const other = setUp(size, 99).partials;
  const flipped = (bytes: Uint8Array, at: number) => Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ 1 : byte));
  const lies: {[name: string]: (honest: Uint8Array, id: number) => Uint8Array} = {
    "of another key": (_, id) => other[id - 1]!,
    "of another message": (_, id) => {
      const share = set.shares[id - 1]!.secret;
      return loadSecretKey(scaleShare(share, size)).signUncompressed(new Uint8Array(32));
    },
    "made with the unscaled share": (_, id) => loadSecretKey(set.shares[id - 1]!.secret).signUncompressed(MESSAGE),
    "of its neighbour": (_, id) => set.partials[id % 4]!,
    negated: (honest) => {
      const negated = blstGroup.signatures.negate(load(honest));
      // Through the compressed form, which loads as well.
      return blstGroup.signatures.bytes(negated);
    },
    "at infinity": () => INFINITY_SIGNATURE,
    "outside the subgroup": (_, id) => offSubgroupSignature(id),
    "of small order": () => smallOrderSignature(),
    "with a point of small order added": (honest) => withSmallOrder(honest),
    "with a bit flipped": (honest) => flipped(honest, 100),
    "with a flag bit set": (honest) => Uint8Array.from(honest, (byte, i) => (i === 0 ? byte | 0x20 : byte)),
    "one byte short": (honest) => honest.slice(0, 191),
    "one byte long": (honest) => Uint8Array.from([...honest, 0]),
    empty: () => new Uint8Array(0),
    "of zeros": () => new Uint8Array(192),
    "with coordinates beyond the field": () => Uint8Array.from({length: 192}, (_, i) => (i % 48 === 0 ? 0x1f : 0xff)),
  };

  it("returns the signature when nobody lies", () => {
    expect(collect(set, [1, 2, 3], set.partials)).to.deep.equal({signature: expected});
  });

  for (const [name, lie] of Object.entries(lies)) {
    it(`names the sender of a partial ${name}, wherever it stands`, () => {
      for (const liar of [1, 2, 3, 4]) {
        const partials = set.partials.map((honest, i) => (i + 1 === liar ? lie(honest, liar) : honest));
        const signers = [liar, (liar % 4) + 1, ((liar + 1) % 4) + 1].sort();
        const result = collect(set, signers, partials);
        // Whatever happens, no wrong signature; and here none at all, so the liar is named, and nobody else.
        expect(result).to.deep.equal({liars: [liar]});
        expect(isValidPartial(blstGroup, set.context, parseOperatorId(liar), partials[liar - 1]!)).to.be.false;
      }
    });
  }

  it("names both of two operators that swapped their partials", () => {
    const [a, b, c, d] = set.partials as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    expect(collect(set, [1, 2, 3], [b, a, c, d])).to.deep.equal({liars: [1, 2]});
  });

  it("lets lies that cancel each other out pass, since the signature is right", () => {
    // 9·σ1 - 9·σ2 + 3·σ3: adding one point to both of the first two leaves the combination right.
    const extra = load(other[0]!);
    const shifted = [0, 1].map((i) => blstGroup.signatures.sum([load(set.partials[i]!), extra]));
    const points = new Map([...shifted, load(set.partials[2]!)].map((point, i) => [i + 1, point]));
    const {signature} = combinePartials(blstGroup, size, points);
    expect(toHex(blstGroup.signatures.bytes(signature))).to.equal(expected);
    const bytes = blstGroup.signatures.bytes(shifted[0]!);
    expect(isValidPartial(blstGroup, set.context, 1 as OperatorId, bytes)).to.be.false;
  });

  it("checks a partial at 13 of 9 as well", () => {
    const large = setUp({n: 13, t: 9});
    const partials = large.partials.map((honest, i) => (i === 6 || i === 8 ? large.partials[0]! : honest));
    expect(collect(large, [1, 2, 3, 4, 5, 6, 7, 8, 9], partials)).to.deep.equal({liars: [7, 9]});
  });
});
