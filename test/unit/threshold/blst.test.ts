import {bls12_381} from "@noble/curves/bls12-381.js";
import {expect} from "chai";
import {blstGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {fromHex, toHex} from "../../../src/core/bytes.js";
import {scalarBytes} from "../../../src/core/threshold/scalar.js";
import {testScalar} from "../../support/committees.js";
import {failure} from "../../support/errors.js";
import {
  INFINITY_PUBLIC_KEY,
  INFINITY_SIGNATURE,
  offSubgroupPublicKey,
  offSubgroupSignature,
  smallOrderPublicKey,
  smallOrderSignature,
} from "../../support/odd-points.js";

const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;
const MESSAGE = new Uint8Array(32).fill(3);

describe("the binding over blst", () => {
  it("negates as the oracle does, in both groups", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const scalar = testScalar(seed);
      const [key, signature] = [G1.BASE.multiply(scalar), G2.BASE.multiply(scalar)];
      const negatedKey = blstGroup.publicKeys.negate(blstGroup.publicKeys.load(key.toBytes(false), "full"));
      expect(toHex(blstGroup.publicKeys.bytes(negatedKey))).to.equal(toHex(key.negate().toBytes(true)));
      const negated = blstGroup.signatures.negate(blstGroup.signatures.load(signature.toBytes(true), "full"));
      expect(toHex(blstGroup.signatures.bytes(negated))).to.equal(toHex(signature.negate().toBytes(true)));
    }
  });

  it("sums a point with its opposite to infinity, and infinity with a point to that point", () => {
    const {signatures} = blstGroup;
    const point = signatures.load(G2.BASE.toBytes(false), "full");
    const infinity = signatures.sum([point, signatures.negate(point)]);
    expect(toHex(signatures.bytes(infinity))).to.match(/^0xc00+$/);
    expect(toHex(signatures.bytes(signatures.negate(infinity)))).to.match(/^0xc00+$/);
    expect(toHex(signatures.bytes(signatures.sum([infinity, point])))).to.equal(toHex(G2.BASE.toBytes(true)));
  });

  it("refuses with the full check what the curve check lets pass: infinity, other subgroups, small order", () => {
    for (const bytes of [INFINITY_SIGNATURE, offSubgroupSignature(1), smallOrderSignature()]) {
      blstGroup.signatures.load(bytes, "curve");
      failure("THRESHOLD_BAD_POINT", () => blstGroup.signatures.load(bytes, "full"));
    }
    for (const bytes of [INFINITY_PUBLIC_KEY, offSubgroupPublicKey(1)]) {
      blstGroup.publicKeys.load(bytes, "curve");
      failure("THRESHOLD_BAD_POINT", () => blstGroup.publicKeys.load(bytes, "full"));
    }
    // (0, 2), of order 3, is refused by blst whatever is asked.
    failure("THRESHOLD_BAD_POINT", () => blstGroup.publicKeys.load(smallOrderPublicKey(), "curve"));
    failure("THRESHOLD_BAD_POINT", () => blstGroup.publicKeys.load(smallOrderPublicKey(), "full"));
  });

  it("refuses bytes that are no point with either check", () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(96), new Uint8Array(192).fill(0xff), new Uint8Array(7)]) {
      failure("THRESHOLD_BAD_POINT", () => blstGroup.signatures.load(bytes, "curve"));
      failure("THRESHOLD_BAD_POINT", () => blstGroup.publicKeys.load(bytes, "curve"));
    }
  });

  it("does not verify a signature at infinity or outside the subgroup", () => {
    const key = blstGroup.publicKeys.load(fromHex(loadSecretKey(scalarBytes(5n)).publicKey), "full");
    for (const bytes of [INFINITY_SIGNATURE, offSubgroupSignature(2), smallOrderSignature()]) {
      expect(blstGroup.verify(MESSAGE, key, blstGroup.signatures.load(bytes, "curve"))).to.be.false;
    }
  });

  it("loads a secret key that signs in both encodings and shows nothing of itself", () => {
    const secret = scalarBytes(testScalar(9));
    const key = loadSecretKey(secret);
    const point = blstGroup.signatures.load(key.signUncompressed(MESSAGE), "full");
    expect(toHex(blstGroup.signatures.bytes(point))).to.equal(toHex(key.sign(MESSAGE)));
    expect(JSON.stringify(key)).not.to.contain(toHex(secret).slice(2));
    failure("THRESHOLD_SCALAR_RANGE", () => loadSecretKey(new Uint8Array(32)));
    failure("THRESHOLD_SCALAR_RANGE", () => loadSecretKey(new Uint8Array(32).fill(0xff)));
    failure("THRESHOLD_SCALAR_RANGE", () => loadSecretKey(new Uint8Array(31).fill(1)));
  });
});
