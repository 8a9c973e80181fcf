import {createHash} from "node:crypto";
import {blstGroup, loadSecretKey} from "../../src/adapters/bls/blst.js";
import {type PubkeyHex, pubkeyHex} from "../../src/core/bytes.js";
import type {DkgGroup} from "../../src/core/dkg/group.js";
import {PleiadesError} from "../../src/core/errors.js";
import type {BlsGroup, PointGroup, PublicKeyPoint, SignaturePoint} from "../../src/core/threshold/bls.js";
import {scaleShare} from "../../src/core/threshold/polynomial.js";
import {CURVE_ORDER, mod, toScalar} from "../../src/core/threshold/scalar.js";
import {type LoadedShare, loadShare, publicKeyOf} from "../../src/keeper/partial-signer.js";
import {Secret} from "../../src/keeper/secret.js";
import type {SignatureBatches, SignatureClaim} from "../../src/ports/signature-batches.js";
import {INFINITY_SIGNATURE, offSubgroupSignature} from "../support/odd-points.js";

/**
 * A point is its own discrete logarithm, and the order-13 part that points outside the subgroup have: everything about
 * thresholds is true of it and nothing is secret, which makes it a thousand times quicker than the curve.
 */
interface Point {
  readonly log: bigint;
  /** 0 in the subgroup. */
  readonly torsion: number;
}

const TORSION = 13;
const COMPRESSED = 0x80;
const INFINITY = 0x40;
const isInfinity = ({log, torsion}: Point): boolean => log === 0n && torsion === 0;

/** Flags, torsion, zeros, logarithm: as long as the curve's encodings, with the flags where those have them. */
function encode(point: Point, length: number, flags: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  bytes[0] = flags | (isInfinity(point) ? INFINITY : 0);
  bytes[1] = point.torsion;
  bytes.write(point.log.toString(16).padStart(64, "0"), length - 32, "hex");
  return bytes;
}

function decode(bytes: Uint8Array, compressedLength: number, full: boolean): Point {
  const bad = (reason: string): PleiadesError =>
    new PleiadesError({code: "THRESHOLD_BAD_POINT", length: bytes.length, reason});
  const compressed = bytes.length === compressedLength;
  if (!compressed && bytes.length !== 2 * compressedLength) throw bad("length");
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const point = {log: BigInt(`0x${buffer.toString("hex", bytes.length - 32)}`), torsion: bytes[1]!};
  if (point.log >= CURVE_ORDER || point.torsion >= TORSION) throw bad("not on the curve");
  if (!buffer.equals(encode(point, bytes.length, compressed ? COMPRESSED : 0))) throw bad("encoding");
  if (full && (isInfinity(point) || point.torsion !== 0)) throw bad("not in the subgroup");
  return point;
}

const pointGroup = (compressedLength: number): PointGroup<Point> => ({
  load: (bytes, check) => decode(bytes, compressedLength, check === "full"),
  sum: (points) => ({
    log: mod(points.reduce((sum, {log}) => sum + log, 0n)),
    torsion: points.reduce((sum, {torsion}) => sum + torsion, 0) % TORSION,
  }),
  negate: ({log, torsion}) => ({log: mod(-log), torsion: (TORSION - torsion) % TORSION}),
  bytes: (point) => encode(point, compressedLength, COMPRESSED),
});

let lastHashed = {message: Buffer.alloc(0), log: 1n};

/** The logarithm that a message is hashed to: known here, unknown on the curve. */
function hashToLog(message: Uint8Array): bigint {
  // A whole committee signs and verifies one message before it comes to the next.
  if (lastHashed.message.equals(message)) return lastHashed.log;
  const log = BigInt(`0x${createHash("sha256").update(message).digest("hex")}`) % CURVE_ORDER || 1n;
  lastHashed = {message: Buffer.from(message), log};
  return log;
}

/** Batches verified one by one: on the real curve other threads would do it, in an order of their own. */
export const oneByOne = (bls: BlsGroup): BlsGroup & SignatureBatches => {
  const verifyAll = (claims: readonly SignatureClaim[]): boolean =>
    claims.every(({message, key, signature}) => bls.verify(message, key, signature));
  return {...bls, verifyAll, verifySame: async (claims) => verifyAll(claims)};
};

// The only place that casts between these points and core's opaque ones.
const transparentBls: BlsGroup = {
  publicKeys: pointGroup(48) as unknown as PointGroup<PublicKeyPoint>,
  signatures: pointGroup(96) as unknown as PointGroup<SignaturePoint>,
  verify(message, key, signature) {
    const [{log: secret, torsion: keyTorsion}, {log, torsion}] = [key, signature] as unknown as [Point, Point];
    return secret !== 0n && torsion === 0 && keyTorsion === 0 && log === (secret * hashToLog(message)) % CURVE_ORDER;
  },
};

/** A signature by a secret of this group, as bytes. */
function transparentSign(secret: bigint, message: Uint8Array, compressed: boolean): Uint8Array {
  const point = {log: (secret * hashToLog(message)) % CURVE_ORDER, torsion: 0};
  return encode(point, compressed ? 96 : 192, compressed ? COMPRESSED : 0);
}

/** 192 bytes: any logarithm and torsion, for those who send what nobody signed. */
export const transparentSignature = (log: bigint, torsion = 0): Uint8Array =>
  encode({log: mod(log), torsion: torsion % TORSION}, 192, 0);

const pointOf = (key: PublicKeyPoint | SignaturePoint): Point => key as unknown as Point;

/** What ceremonies need besides. */
export const transparentDkgGroup: DkgGroup = {
  ...oneByOne(transparentBls),
  base: (secret) => ({log: toScalar(secret, "secret"), torsion: 0}) as unknown as PublicKeyPoint,
  sign: (secret, message) => transparentSign(toScalar(secret, "secret"), message, true),
  verifyAggregate(claims, signature) {
    const log = mod(claims.reduce((sum, {message, key}) => sum + pointOf(key).log * hashToLog(message), 0n));
    return log !== 0n && log === pointOf(signature).log && pointOf(signature).torsion === 0;
  },
};

/** The secret of a key of this group: for tests alone, of course. */
export const logarithm = (key: PublicKeyPoint): bigint => pointOf(key).log;

/** What a simulation needs of a group besides core's operations. */
export interface SimulationGroup {
  readonly name: "transparent" | "blst";
  readonly bls: BlsGroup & SignatureBatches;
  publicKey(secret: Uint8Array): PubkeyHex;
  sign(secret: Uint8Array, message: Uint8Array, compressed: boolean): Uint8Array;
  /** A share ready to sign with. */
  load(secret: Uint8Array, quorum: {n: number; t: number}): LoadedShare;
  /** Encodings of points that no honest operator ever sends. */
  readonly stray: {outside(): Uint8Array; infinity(): Uint8Array};
}

export const TRANSPARENT: SimulationGroup = {
  name: "transparent",
  bls: oneByOne(transparentBls),
  publicKey: (secret) => pubkeyHex(encode({log: toScalar(secret, "secret"), torsion: 0}, 48, COMPRESSED)),
  sign: (secret, message, compressed) => transparentSign(toScalar(secret, "secret"), message, compressed),
  load(secret, quorum) {
    const scaled = scaleShare(secret, quorum);
    const scalar = toScalar(scaled, "share");
    const sign = (message: Uint8Array) => ({
      toBytes: (compressed: boolean) => transparentSign(scalar, message, compressed),
    });
    return {key: {sign}, scaled: new Secret(scaled)};
  },
  stray: {outside: () => transparentSignature(5n, 3), infinity: () => transparentSignature(0n)},
};

export const BLST: SimulationGroup = {
  name: "blst",
  bls: oneByOne(blstGroup),
  publicKey: publicKeyOf,
  sign(secret, message, compressed) {
    const key = loadSecretKey(secret);
    return compressed ? key.sign(message) : key.signUncompressed(message);
  },
  load: loadShare,
  stray: {outside: () => offSubgroupSignature(1), infinity: () => INFINITY_SIGNATURE},
};
