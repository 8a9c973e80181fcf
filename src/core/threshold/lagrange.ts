import {MAX_OPERATORS} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {type AdditionChain, additionChain} from "./addition-chain.js";
import {invert, mod} from "./scalar.js";

/** How to combine the scaled partials of one set of signers. */
export interface LagrangePlan {
  /** The signers' indices, ascending. */
  readonly ids: readonly number[];
  /** Δ·λᵢ for each of `ids`: small integers of either sign. */
  readonly coefficients: readonly bigint[];
  /** The sums that compute Σ coefficientᵢ·pointᵢ. */
  readonly chain: AdditionChain;
}

/** Every set of signers of the four standard committees (860) and of a few unsafe ones. */
const MAX_PLANS = 4096;
const plans = new Map<string, LagrangePlan>();
const deltas = new Map<string, bigint>();

/**
 * Δ: the least positive integer that makes Δ·λᵢ whole for every set of t of the n indices 1…n.
 * 3, 360, 90720 and 119750400 for 4/3, 7/5, 10/7 and 13/9.
 */
export function delta({n, t}: {n: number; t: number}): bigint {
  const key = `${n}/${t}`;
  let found = deltas.get(key);
  if (found === undefined) {
    if (!Number.isInteger(n) || !Number.isInteger(t) || t < 1 || t > n || n > MAX_OPERATORS) {
      throw new PleiadesError({code: "COMMITTEE_THRESHOLD", operators: n, threshold: t});
    }
    found = 1n;
    for (const ids of subsets(indices(n), t)) {
      for (const i of ids) {
        const {denominator} = lagrangeAtZero(i, ids);
        found = (found * denominator) / gcd(found, denominator);
      }
    }
    deltas.set(key, found);
  }
  return found;
}

/**
 * The plan for exactly t signers; cached per set.
 * @param ids t different indices out of 1…n, in any order; the plan's are ascending.
 * @throws THRESHOLD_SIGNER_SET
 */
export function lagrangePlan({n, t}: {n: number; t: number}, ids: readonly number[]): LagrangePlan {
  const sorted = [...ids].sort((a, b) => a - b);
  const key = `${n}/${t}:${sorted.join()}`;
  const known = plans.get(key);
  if (known !== undefined) return known;
  const valid = new Set(sorted).size === t && sorted.every((id) => Number.isInteger(id) && id >= 1 && id <= n);
  if (!valid || sorted.length !== t) throw new PleiadesError({code: "THRESHOLD_SIGNER_SET", signers: sorted.join()});
  const coefficients = integerCoefficients(delta({n, t}), sorted);
  const plan = {ids: sorted, coefficients, chain: additionChain(coefficients)};
  if (plans.size >= MAX_PLANS) plans.clear();
  plans.set(key, plan);
  return plan;
}

/**
 * Of the present indices (at least t, ascending), the t whose largest coefficient is smallest: the cheapest set to
 * combine.
 */
export function cheapestSigners({n, t}: {n: number; t: number}, present: readonly number[]): readonly number[] {
  if (present.length <= t) return present;
  const scale = delta({n, t});
  let best: {ids: readonly number[]; size: bigint} | undefined;
  for (const ids of subsets(present, t)) {
    const size = integerCoefficients(scale, ids).reduce((max, c) => (abs(c) > max ? abs(c) : max), 0n);
    if (best === undefined || size < best.size) best = {ids, size};
  }
  return best!.ids;
}

/**
 * λᵢ mod r for partials made with unscaled shares, which is how the draft distributed profile of the remote signing API
 * makes them. Numbers of 255 bits: combining takes some milliseconds, so Pleiades' own operators scale their shares.
 * @param ids different indices, exactly as many as the threshold
 */
export function plainCoefficients(ids: readonly number[]): bigint[] {
  return ids.map((i) => {
    const {numerator, denominator} = lagrangeAtZero(i, ids);
    // Whole coefficients stay small and signed; the others have no short form modulo r.
    return denominator === 1n ? numerator : mod(numerator * invert(denominator));
  });
}

function integerCoefficients(scale: bigint, ids: readonly number[]): bigint[] {
  return ids.map((i) => {
    const {numerator, denominator} = lagrangeAtZero(i, ids);
    return (scale / denominator) * numerator;
  });
}

/** λᵢ = Π j/(j−i) over the other indices j, in lowest terms with a positive denominator. */
function lagrangeAtZero(i: number, ids: readonly number[]): {numerator: bigint; denominator: bigint} {
  let numerator = 1n;
  let denominator = 1n;
  for (const j of ids) {
    if (j === i) continue;
    numerator *= BigInt(j);
    denominator *= BigInt(j - i);
  }
  const common = gcd(numerator, abs(denominator)) * (denominator < 0n ? -1n : 1n);
  return {numerator: numerator / common, denominator: denominator / common};
}

const indices = (n: number): number[] => Array.from({length: n}, (_, i) => i + 1);
const abs = (value: bigint): bigint => (value < 0n ? -value : value);

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

function* subsets(items: readonly number[], size: number): Generator<readonly number[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let first = 0; first <= items.length - size; first++) {
    for (const rest of subsets(items.slice(first + 1), size - 1)) yield [items[first]!, ...rest];
  }
}
