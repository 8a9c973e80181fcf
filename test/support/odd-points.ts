import {bls12_381} from "@noble/curves/bls12-381.js";

/** Points on the curve that no honest signer or key ever makes, out of an independent implementation. */
const {Fp, Fp2} = bls12_381.fields;
const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;
type G1Point = InstanceType<typeof G1>;
type G2Point = InstanceType<typeof G2>;

/** Uncompressed, on the curve y² = x³ + 4(1+i), outside the subgroup. */
export function offSubgroupSignature(seed: number): Uint8Array {
  return encodeG2(g2(seed));
}

/** Uncompressed, of order 13, the smallest factor of G2's cofactor. */
export function smallOrderSignature(): Uint8Array {
  return encodeG2(smallOrderG2());
}

function smallOrderG2(): G2Point {
  const curve = G2.CURVE();
  for (let seed = 1; ; seed++) {
    // 13² divides the cofactor: what is left has order 1, 13 or 169.
    const point = multiply(g2(seed), (curve.n * curve.h) / 169n, G2.ZERO);
    const thirteenfold = multiply(point, 13n, G2.ZERO);
    if (!point.is0()) return thirteenfold.is0() ? point : thirteenfold;
  }
}

/** Uncompressed: the sum of a signature and a point of small order, which a check by pairing alone might let pass. */
export function withSmallOrder(signature: Uint8Array): Uint8Array {
  return encodeG2(G2.fromBytes(signature).add(smallOrderG2()));
}

/** Compressed, on the curve y² = x³ + 4, outside the subgroup. */
export function offSubgroupPublicKey(seed: number): Uint8Array {
  return encodeG1(g1(seed));
}

/** Compressed, of order 3, the smallest factor of G1's cofactor. */
export function smallOrderPublicKey(): Uint8Array {
  const curve = G1.CURVE();
  for (let seed = 1; ; seed++) {
    const point = multiply(g1(seed), (curve.n * curve.h) / 3n, G1.ZERO);
    if (!point.is0()) return encodeG1(point);
  }
}

export const INFINITY_SIGNATURE = Uint8Array.from({length: 192}, (_, i) => (i === 0 ? 0x40 : 0));
export const INFINITY_PUBLIC_KEY = Uint8Array.from({length: 48}, (_, i) => (i === 0 ? 0xc0 : 0));

/** Encodings by hand: the oracle refuses to write such points. x ‖ y with c1 before c0. */
function encodeG2(point: G2Point): Uint8Array {
  const {x, y} = point.toAffine();
  return new Uint8Array(Buffer.concat([x.c1, x.c0, y.c1, y.c0].map(fieldBytes)));
}

/** x with the flags for "compressed" and for the larger of the two y. */
function encodeG1(point: G1Point): Uint8Array {
  const {x, y} = point.toAffine();
  const bytes = new Uint8Array(fieldBytes(x));
  bytes[0] = bytes[0]! | 0x80 | (y > (Fp.ORDER - 1n) / 2n ? 0x20 : 0);
  return bytes;
}

const fieldBytes = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(96, "0"), "hex");

function g2(seed: number): G2Point {
  for (let c0 = BigInt(seed) * 1000n; ; c0++) {
    const x = Fp2.create({c0, c1: 1n});
    const y = root(Fp2, Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.create({c0: 4n, c1: 4n})));
    if (y !== null) return G2.fromAffine({x, y});
  }
}

function g1(seed: number): G1Point {
  for (let x = BigInt(seed) * 1000n; ; x++) {
    const y = root(Fp, Fp.add(Fp.mul(Fp.sqr(x), x), 4n));
    if (y !== null) return G1.fromAffine({x, y});
  }
}

function root<T>(field: {sqrt(value: T): T}, value: T): T | null {
  try {
    return field.sqrt(value);
  } catch {
    return null;
  }
}

function multiply<P extends {add(other: P): P; double(): P}>(point: P, scalar: bigint, zero: P): P {
  let result = zero;
  for (const bit of scalar.toString(2)) {
    result = result.double();
    if (bit === "1") result = result.add(point);
  }
  return result;
}
