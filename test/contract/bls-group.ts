import {expect} from "chai";
import {parseOperatorId, toHex} from "../../src/core/bytes.js";
import type {BlsGroup, PointGroup} from "../../src/core/threshold/bls.js";
import {findLiars, loadPartial} from "../../src/core/threshold/collect.js";
import {combinePartials} from "../../src/core/threshold/combine.js";
import {scaleShare} from "../../src/core/threshold/polynomial.js";
import {scalarBytes} from "../../src/core/threshold/scalar.js";
import {testKey, testScalar} from "../support/committees.js";
import {failure} from "../support/errors.js";

/** A group, and what a test needs of it besides core's operations. */
export interface GroupHarness {
  readonly bls: BlsGroup;
  /** 48 bytes. */
  publicKey(secret: Uint8Array): Uint8Array;
  /** 96 bytes, or 192 uncompressed. */
  sign(secret: Uint8Array, message: Uint8Array, compressed: boolean): Uint8Array;
  /** Encodings of points on the curve that are no signature or key. */
  readonly odd: {readonly signatures: readonly Uint8Array[]; readonly publicKeys: readonly Uint8Array[]};
  /** The signature plus a point of small order. */
  withSmallOrder(signature: Uint8Array): Uint8Array;
}

const MESSAGE = new Uint8Array(32).fill(3);
const OTHER = new Uint8Array(32).fill(4);

/** What every BlsGroup does. */
export function blsGroupContract({bls, publicKey, sign, odd, withSmallOrder}: GroupHarness): void {
  const secrets = [1, 2, 3].map((seed) => scalarBytes(testScalar(seed)));
  const [secret, second] = [secrets[0]!, secrets[1]!];
  const key = (of: Uint8Array) => bls.publicKeys.load(publicKey(of), "full");
  const signature = (of: Uint8Array, message = MESSAGE) => bls.signatures.load(sign(of, message, false), "full");

  it("loads both encodings and writes the compressed one, of 48 and 96 bytes", () => {
    expect(publicKey(secret).length).to.equal(48);
    expect(toHex(bls.publicKeys.bytes(key(secret)))).to.equal(toHex(publicKey(secret)));
    const [long, short] = [sign(secret, MESSAGE, false), sign(secret, MESSAGE, true)];
    expect([long.length, short.length]).to.deep.equal([192, 96]);
    for (const bytes of [long, short]) {
      expect(toHex(bls.signatures.bytes(bls.signatures.load(bytes, "full")))).to.equal(toHex(short));
      expect(toHex(bls.signatures.bytes(bls.signatures.load(bytes, "curve")))).to.equal(toHex(short));
    }
  });

  it("verifies a signature of this key and message only", () => {
    expect(bls.verify(MESSAGE, key(secret), signature(secret))).to.equal(true);
    expect(bls.verify(OTHER, key(secret), signature(secret))).to.equal(false);
    expect(bls.verify(MESSAGE, key(second), signature(secret))).to.equal(false);
    expect(bls.verify(MESSAGE, key(secret), signature(secret, OTHER))).to.equal(false);
    expect(bls.verify(MESSAGE, key(secret), bls.signatures.negate(signature(secret)))).to.equal(false);
  });

  it("verifies sums of signatures under sums of keys, repeated and opposite points included", () => {
    const keys = [secret, second, second].map(key);
    const signatures = [secret, second, second].map((of) => signature(of));
    expect(bls.verify(MESSAGE, bls.publicKeys.sum(keys), bls.signatures.sum(signatures))).to.equal(true);
    expect(bls.verify(MESSAGE, bls.publicKeys.sum(keys), bls.signatures.sum(signatures.slice(1)))).to.equal(false);
    const [oppositeKey, opposite] = [bls.publicKeys.negate(keys[1]!), bls.signatures.negate(signatures[1]!)];
    const key3 = bls.publicKeys.sum([...keys, oppositeKey]);
    expect(bls.verify(MESSAGE, key3, bls.signatures.sum([...signatures, opposite]))).to.equal(true);
  });

  it("sums opposites to infinity, which says so in its first byte, adds nothing and verifies nothing", () => {
    const atInfinity = <P>(group: PointGroup<P>, point: P): P => {
      const infinity = group.sum([point, group.negate(point)]);
      const bytes = group.bytes(infinity);
      expect(toHex(bytes)).to.match(/^0xc00+$/);
      expect(toHex(group.bytes(group.sum([infinity, point])))).to.equal(toHex(group.bytes(point)));
      expect(toHex(group.bytes(group.negate(infinity)))).to.equal(toHex(bytes));
      return infinity;
    };
    const infinity = atInfinity(bls.signatures, signature(secret));
    atInfinity(bls.publicKeys, key(secret));
    expect(bls.verify(MESSAGE, key(secret), infinity)).to.equal(false);
  });

  it("lets pass with the curve check, and refuses with the full one, what is no signature or key", () => {
    for (const bytes of odd.signatures) {
      const point = bls.signatures.load(bytes, "curve");
      failure("THRESHOLD_BAD_POINT", () => bls.signatures.load(bytes, "full"));
      expect(bls.verify(MESSAGE, key(secret), point)).to.equal(false);
    }
    for (const bytes of odd.publicKeys) {
      bls.publicKeys.load(bytes, "curve");
      failure("THRESHOLD_BAD_POINT", () => bls.publicKeys.load(bytes, "full"));
    }
  });

  it("does not verify a signature with a point of small order in it", () => {
    const spoiled = bls.signatures.load(withSmallOrder(sign(secret, MESSAGE, false)), "curve");
    expect(bls.verify(MESSAGE, key(secret), spoiled)).to.equal(false);
    const sum = bls.signatures.sum([spoiled, signature(second)]);
    expect(bls.verify(MESSAGE, bls.publicKeys.sum([key(secret), key(second)]), sum)).to.equal(false);
  });

  it("refuses bytes that are no point with either check", () => {
    const long = sign(secret, MESSAGE, false);
    const bad = [new Uint8Array(0), new Uint8Array(7), new Uint8Array(192).fill(0xff), long.subarray(1)];
    for (const check of ["curve", "full"] as const) {
      for (const bytes of bad) {
        failure("THRESHOLD_BAD_POINT", () => bls.signatures.load(bytes, check));
        failure("THRESHOLD_BAD_POINT", () => bls.publicKeys.load(bytes, check));
      }
    }
  });

  it("makes the whole key's signature of any t partials, and tells which partial is wrong", () => {
    const quorum = {n: 4, t: 3};
    const whole = testKey(7, quorum);
    const sharePublicKeys = whole.shares.map((share) => bls.publicKeys.load(publicKey(share.secret), "full"));
    const context = {
      quorum,
      message: MESSAGE,
      sharePublicKeys: sharePublicKeys.map((point) => toHex(bls.publicKeys.bytes(point)) as never),
    };
    const partial = (i: number, message = MESSAGE) =>
      sign(scaleShare(whole.shares[i - 1]!.secret, quorum), message, false);
    const expected = toHex(sign(scalarBytes(whole.secret), MESSAGE, true));
    for (const ids of [
      [1, 2, 3],
      [1, 2, 4],
      [1, 3, 4],
      [2, 3, 4],
      [1, 2, 3, 4],
    ]) {
      const points = new Map(ids.map((id) => [id, loadPartial(bls, partial(id))!.point]));
      expect(toHex(bls.signatures.bytes(combinePartials(bls, quorum, points).signature))).to.equal(expected);
    }
    const received = new Map(
      [1, 2, 3].map((id) => [parseOperatorId(id), {bytes: partial(id, id === 2 ? OTHER : MESSAGE)}]),
    );
    expect(findLiars(bls, context, received)).to.deep.equal([2]);
  });
}
