/**
 * How t operators rebuild the share of another one without anybody learning anything else. Helper i splits its term
 * λᵢ(x)·f(i) of f(x) = Σ λᵢ(x)·f(i) into t random summands, one for each helper; each helper adds up what it got; the sums
 * add up to f(x). Any t−1 of the helpers see only summands of the terms of the others, which are random.
 * @see Laing and Stinson, A Survey and Refinement of Repairable Threshold Schemes, section 2 (enrolment); FROST's
 *   repairable module of the Zcash Foundation; Herzberg et al., Proactive Secret Sharing, section 4 (share recovery)
 * Divergence: every summand is committed to in the exponent, so that a lie is found and its author named.
 */

import type {DkgGroup} from "../dkg/group.js";
import {deriveBytes} from "../dkg/sealing.js";
import {additionChain, linearCombination} from "../threshold/addition-chain.js";
import type {PublicKeyPoint} from "../threshold/bls.js";
import {CURVE_ORDER, invert, mod} from "../threshold/scalar.js";

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));
const abs = (value: bigint): bigint => (value < 0n ? -value : value);

/** λᵢ(x) of each helper as whole numbers over one common denominator, so that points are only ever multiplied by small ones. */
export interface Weights {
  readonly scale: bigint;
  readonly scaled: readonly bigint[];
}

/** @param helpers different indices, x not among them */
export function weightsAt(x: number, helpers: readonly number[]): Weights {
  const fractions = helpers.map((i) => {
    let [numerator, denominator] = [1n, 1n];
    for (const j of helpers) {
      if (j === i) continue;
      numerator *= BigInt(x - j);
      denominator *= BigInt(i - j);
    }
    const common = gcd(abs(numerator), abs(denominator)) * (denominator < 0n ? -1n : 1n);
    return {numerator: numerator / common, denominator: denominator / common};
  });
  const scale = fractions.reduce((all, {denominator}) => (all * denominator) / gcd(all, denominator), 1n);
  return {scale, scaled: fractions.map(({numerator, denominator}) => (scale / denominator) * numerator)};
}

/**
 * The summands of helper `place`'s term, one for each helper, whose sum is λ·share. All but its own follow from the seed.
 * @param seed 32 random bytes of this helper in this session @param validator which of the session's keys
 */
export function splitTerm(
  {seed, session}: {seed: Uint8Array; session: Uint8Array},
  {scale, scaled}: Weights,
  {place, validator, share}: {place: number; validator: number; share: bigint},
): readonly bigint[] {
  const term = mod(share * mod(scaled[place]!) * invert(scale));
  const summands = scaled.map((_, j) => (j === place ? 0n : random({seed, session}, validator, j)));
  summands[place] = mod(term - summands.reduce((sum, one) => sum + one, 0n));
  return summands;
}

/** 64 bytes are reduced, so that the bias is below 2⁻²⁵⁶. */
function random(from: {seed: Uint8Array; session: Uint8Array}, validator: number, to: number): bigint {
  const bytes = deriveBytes({secret: from.seed, salt: from.session}, 64, "repair summand v1", validator, to);
  return (BigInt(`0x${Buffer.from(bytes).toString("hex")}`) % (CURVE_ORDER - 1n)) + 1n;
}

/** Whether the commitments of helper `place` add up to its term: scale·Σⱼ Dᵢⱼ = scaledᵢ·Sᵢ. */
export function isTerm(
  group: Pick<DkgGroup, "publicKeys">,
  {scale, scaled}: Weights,
  {
    place,
    commitments,
    sharePublicKey,
  }: {place: number; commitments: readonly PublicKeyPoint[]; sharePublicKey: PublicKeyPoint},
): boolean {
  const {publicKeys} = group;
  const left = linearCombination(publicKeys, additionChain([scale]), [publicKeys.sum(commitments)]);
  const right = linearCombination(publicKeys, additionChain([scaled[place]!]), [sharePublicKey]);
  return Buffer.compare(publicKeys.bytes(left), publicKeys.bytes(right)) === 0;
}

/** Whether secret·G is the sum of these points. */
export function isSecretOf(group: DkgGroup, secret: bigint, points: readonly PublicKeyPoint[]): boolean {
  if (secret <= 0n || secret >= CURVE_ORDER) return false;
  const {publicKeys} = group;
  const [left, right] = [publicKeys.bytes(group.base(secret)), publicKeys.bytes(publicKeys.sum(points))];
  return Buffer.compare(left, right) === 0;
}

export const sumOf = (values: readonly bigint[]): bigint => mod(values.reduce((sum, value) => sum + value, 0n));
