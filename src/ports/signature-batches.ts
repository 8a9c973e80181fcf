import type {PublicKeyPoint, SignaturePoint} from "../core/threshold/bls.js";

/** One claim: that `signature` is `key`'s of `message`. */
export interface SignatureClaim {
  /** 32 bytes. */
  readonly message: Uint8Array;
  readonly key: PublicKeyPoint;
  readonly signature: SignaturePoint;
}

/**
 * Verification of many signatures at a fraction of the cost of one by one. Contract: true when BlsGroup.verify is true of
 * each claim, else false, which tells not of which. Each claim is multiplied by a random number of at least 64 bits, so
 * that errors cannot be made to cancel each other out.
 * @see https://ethresear.ch/t/fast-verification-of-multiple-bls-signatures/5407
 */
export interface SignatureBatches {
  verifyAll(claims: readonly SignatureClaim[]): boolean;
  /** For claims about one message: one pairing check for all of them, the rest on other threads. */
  verifySame(claims: readonly SignatureClaim[]): Promise<boolean>;
}
