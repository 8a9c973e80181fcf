import {parseShareIndex, type ShareIndex} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {delta} from "./lagrange.js";
import {CURVE_ORDER, invert, mod, scalarBytes, toScalar} from "./scalar.js";

export interface Share {
  /** The x-coordinate, 1…n. Index 0 would be the secret itself, f(0). */
  readonly index: ShareIndex;
  /** f(index), 32 bytes big-endian, unscaled. */
  readonly secret: Uint8Array;
}

/**
 * Shamir shares of a secret: f(1)…f(n) for f(x) = secret + a₁x + … + a₍ₜ₋₁₎xᵗ⁻¹ modulo the curve order.
 *
 * @param coefficients a₁…a₍ₜ₋₁₎, each uniformly random in 1…r−1. They are an input because core has no randomness;
 *   whoever draws them must forget them. Zero is refused: a random zero has a chance of 2⁻²⁵⁵, so it means a broken
 *   generator, and a zero at the end would let fewer than t operators sign.
 * @throws THRESHOLD_SCALAR_RANGE · THRESHOLD_COEFFICIENTS · THRESHOLD_WEAK_SHARES (draw other coefficients)
 */
export function splitSecret(
  secret: bigint | Uint8Array,
  {n, t}: {n: number; t: number},
  coefficients: readonly bigint[],
): Share[] {
  if (coefficients.length !== t - 1) {
    throw new PleiadesError({code: "THRESHOLD_COEFFICIENTS", expected: t - 1, got: coefficients.length});
  }
  const polynomial = [toScalar(secret, "secret"), ...coefficients.map((c, i) => toScalar(c, `coefficient ${i + 1}`))];
  const values = Array.from({length: n}, (_, i) => evaluate(polynomial, BigInt(i + 1)));
  // With t = 1 every share is the secret; that is what an unsafe threshold of 1 means.
  const weak = values.includes(0n) || (t > 1 && new Set([polynomial[0], ...values]).size !== n + 1);
  if (weak) throw new PleiadesError({code: "THRESHOLD_WEAK_SHARES"});
  return values.map((value, i) => ({index: parseShareIndex(i + 1), secret: scalarBytes(value)}));
}

/** Horner's rule. */
function evaluate(polynomial: readonly bigint[], x: bigint): bigint {
  return polynomial.reduceRight((sum, coefficient) => (sum * x + coefficient) % CURVE_ORDER, 0n);
}

/**
 * The share an operator signs with: share·Δ⁻¹ mod r, so that whole-number coefficients combine the partial signatures.
 * Scaled once when the share is loaded; what is stored and backed up is the unscaled share.
 * Partials made with it do not verify against the share public key until they are lifted by Δ.
 * @returns 32 bytes, big-endian
 * @throws THRESHOLD_SCALAR_RANGE
 */
export function scaleShare(share: bigint | Uint8Array, {n, t}: {n: number; t: number}): Uint8Array {
  return scalarBytes(mod(toScalar(share, "share") * invert(delta({n, t}))));
}
