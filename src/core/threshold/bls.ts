/**
 * The few group operations the threshold code needs, as types only: the binding over a native library is an adapter
 * (adapters/bls). There is no scalar multiplication here on purpose: everything is done with sums and sign flips.
 */
declare const publicKeyPoint: unique symbol;
declare const signaturePoint: unique symbol;
/** A point of G1, opaque to core. */
export interface PublicKeyPoint {
  readonly [publicKeyPoint]: true;
}
/** A point of G2, opaque to core. */
export interface SignaturePoint {
  readonly [signaturePoint]: true;
}

/**
 * `full`: on the curve, in the subgroup of prime order and not infinity. `curve`: on the curve only; for points whose
 * combination is verified afterwards, and for keys that were checked in full when their committee file was parsed.
 */
export type PointCheck = "full" | "curve";

export interface PointGroup<P> {
  /** Takes the compressed or the uncompressed encoding. @throws THRESHOLD_BAD_POINT */
  load(bytes: Uint8Array, check: PointCheck): P;
  /** Sum of at least one point; repeated and opposite points are allowed. */
  sum(points: readonly P[]): P;
  negate(point: P): P;
  /** Compressed encoding: 48 bytes in G1, 96 in G2. */
  bytes(point: P): Uint8Array;
}

export interface BlsGroup {
  readonly publicKeys: PointGroup<PublicKeyPoint>;
  readonly signatures: PointGroup<SignaturePoint>;
  /**
   * Verification of BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_, with subgroup check of the signature; infinity is
   * false. The key must have been loaded with `full` at some time. @see draft-irtf-cfrg-bls-signature-05 section 2.7
   */
  verify(message: Uint8Array, key: PublicKeyPoint, signature: SignaturePoint): boolean;
}
