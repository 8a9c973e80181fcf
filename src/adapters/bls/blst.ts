import blst from "@chainsafe/blst";
import {type PubkeyHex, pubkeyHex} from "../../core/bytes.js";
import type {DkgGroup} from "../../core/dkg/group.js";
import {PleiadesError} from "../../core/errors.js";
import type {BlsGroup, PointGroup, PublicKeyPoint, SignaturePoint} from "../../core/threshold/bls.js";
import {scalarBytes, toScalar} from "../../core/threshold/scalar.js";
import type {SignatureBatches} from "../../ports/signature-batches.js";

/** The base field's modulus p, 48 bytes big-endian. */
const FIELD_MODULUS = Buffer.from(
  "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
  "hex",
);
const FIELD_BYTES = 48;
/** Set in the first byte of an encoded point at infinity. */
const INFINITY_FLAG = 0x40;

/** What blst's two point classes share. */
interface Point {
  toBytes(compress?: boolean): Uint8Array;
}

// The only place that casts between blst's classes and core's opaque points.
const publicKeys = pointGroup<blst.PublicKey>({
  load: (bytes, full) => blst.PublicKey.fromBytes(bytes, full),
  sum: (points) => blst.aggregatePublicKeys(points, false),
}) as unknown as PointGroup<PublicKeyPoint>;
const signatures = pointGroup<blst.Signature>({
  load: (bytes, full) => blst.Signature.fromBytes(bytes, full, true),
  sum: (points) => blst.aggregateSignatures(points, false),
}) as unknown as PointGroup<SignaturePoint>;

/** core's group operations over the native library blst. */
export const blstGroup: BlsGroup & SignatureBatches = {
  publicKeys,
  signatures,
  verify: (message, key, signature) => blst.verify(message, publicKeyOf(key), signatureOf(signature), false, true),
  verifyAll: (claims) =>
    blst.verifyMultipleAggregateSignatures(
      claims.map(({message, key, signature}) => ({msg: message, pk: publicKeyOf(key), sig: signatureOf(signature)})),
      false,
      true,
    ),
  async verifySame(claims) {
    const [first] = claims;
    if (first === undefined) return true;
    // It loads the signatures itself, with subgroup and infinity check, and throws for what does not pass.
    const sets = claims.map(({key, signature}) => ({
      pk: publicKeyOf(key),
      sig: signatureOf(signature).toBytes(false),
    }));
    try {
      const {pk, sig} = await blst.asyncAggregateWithRandomness(sets);
      return blst.verify(first.message, pk, sig, false, false);
    } catch {
      return false;
    }
  },
};

const publicKeyOf = (key: PublicKeyPoint): blst.PublicKey => key as unknown as blst.PublicKey;
const signatureOf = (signature: SignaturePoint): blst.Signature => signature as unknown as blst.Signature;

/** 192 bytes, uncompressed: the form in which partials are handed around inside. */
export const uncompressedSignature = (point: SignaturePoint): Uint8Array => signatureOf(point).toBytes(false);

/** What ceremonies need besides. Scalars are checked before the library sees them, so its messages cannot quote one. */
export const blstDkgGroup: DkgGroup & SignatureBatches = {
  ...blstGroup,
  base: (secret) =>
    blst.SecretKey.fromBytes(scalarBytes(toScalar(secret, "coefficient"))).toPublicKey() as unknown as PublicKeyPoint,
  sign: (secret, message) =>
    blst.SecretKey.fromBytes(scalarBytes(toScalar(secret, "coefficient")))
      .sign(message)
      .toBytes(),
  verifyAggregate: (claims, signature) =>
    blst.aggregateVerify(
      claims.map(({message}) => message),
      claims.map(({key}) => publicKeyOf(key)),
      signatureOf(signature),
      false,
      true,
    ),
};

function pointGroup<P extends Point>({
  load,
  sum,
}: {
  load: (bytes: Uint8Array, full: boolean) => P;
  sum: (points: P[]) => P;
}): PointGroup<P> {
  const loadOrThrow = (bytes: Uint8Array, full: boolean): P => {
    try {
      return load(bytes, full);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown";
      throw new PleiadesError({code: "THRESHOLD_BAD_POINT", length: bytes.length, reason}, {cause: error});
    }
  };
  return {
    load: (bytes, check) => loadOrThrow(bytes, check === "full"),
    sum: (points) => sum(points as P[]),
    negate: (point) => loadOrThrow(negateUncompressed(point.toBytes(false)), false),
    bytes: (point) => point.toBytes(true),
  };
}

/** −(x, y) = (x, p−y). The encoding is x ‖ y; in G2 each has two field elements, and each of y's is negated. */
function negateUncompressed(bytes: Uint8Array): Uint8Array {
  if ((bytes[0]! & INFINITY_FLAG) !== 0) return bytes;
  const negated = Uint8Array.from(bytes);
  for (let start = bytes.length / 2; start < bytes.length; start += FIELD_BYTES) negateField(negated, start);
  return negated;
}

/** p−y in place, by long subtraction; 0 stays 0. */
function negateField(bytes: Uint8Array, start: number): void {
  let any = 0;
  for (let i = start; i < start + FIELD_BYTES; i++) any |= bytes[i]!;
  if (any === 0) return;
  let borrow = 0;
  for (let i = FIELD_BYTES - 1; i >= 0; i--) {
    const difference = FIELD_MODULUS[i]! - bytes[start + i]! - borrow;
    bytes[start + i] = difference & 0xff;
    borrow = difference < 0 ? 1 : 0;
  }
}

/** A secret key inside blst. It has no way out again and prints as nothing. */
export interface BlsSecretKey {
  readonly publicKey: PubkeyHex;
  /** 192 bytes, uncompressed: what travels between operators, as it loads 50 times faster than the compressed form. */
  signUncompressed(message: Uint8Array): Uint8Array;
  /** 96 bytes, compressed: what everybody else expects. */
  sign(message: Uint8Array): Uint8Array;
}

/**
 * @param secret 32 bytes big-endian, 1…r−1
 * @throws THRESHOLD_SCALAR_RANGE
 */
export function loadSecretKey(secret: Uint8Array): BlsSecretKey {
  let key: blst.SecretKey;
  try {
    key = blst.SecretKey.fromBytes(secret);
  } catch {
    // No cause: the library's message might one day quote the bytes.
    throw new PleiadesError({code: "THRESHOLD_SCALAR_RANGE", field: "secret key"});
  }
  return {
    publicKey: pubkeyHex(key.toPublicKey().toBytes()),
    signUncompressed: (message) => key.sign(message).toBytes(false),
    sign: (message) => key.sign(message).toBytes(),
  };
}
