import type {PointGroup} from "./bls.js";

/**
 * How to compute Σ cᵢ·Pᵢ for small integers cᵢ with sums only: all points share one pass over the bits (Straus), so
 * the doublings are paid once. A step sums `copies` of the result so far (a power of two: so many doublings) with
 * points; `terms` are 1-based point numbers, negative for the opposite point, repeated when they count several times.
 */
export interface AdditionChain {
  readonly steps: readonly {readonly copies: number; readonly terms: readonly number[]}[];
}

/**
 * One call into the native library costs about as much as this many additions inside it (its overhead and the
 * conversion to affine coordinates): measured 5.5 µs against 2 µs in G2.
 */
const CALL_COST = 2.75;
/** Bits one step may take; more would cost 32 copies and never pay. */
const MAX_STEP_BITS = 4;

/** @param coefficients at least one, none of them zero */
export function additionChain(coefficients: readonly bigint[]): AdditionChain {
  const columns = signedColumns(coefficients);
  // cheapest[end]: the cheapest way to have taken columns 0…end−1, most significant first.
  const cheapest: {cost: number; from: number}[] = [{cost: 0, from: 0}];
  for (let end = 1; end <= columns.length; end++) {
    let best = {cost: Number.POSITIVE_INFINITY, from: 0};
    for (let from = Math.max(0, end - MAX_STEP_BITS); from < end; from++) {
      const {copies, terms} = mergeColumns(columns, from, end);
      const cost = cheapest[from]!.cost + CALL_COST + copies + terms.length - 1;
      if (cost < best.cost) best = {cost, from};
    }
    cheapest.push(best);
  }
  const steps: {copies: number; terms: number[]}[] = [];
  for (let end = columns.length; end > 0; end = cheapest[end]!.from) {
    steps.unshift(mergeColumns(columns, cheapest[end]!.from, end));
  }
  return {steps};
}

/** Columns from…end−1 as one step: a term of the first of them counts 2^(end−1−from) times, of the last once. */
function mergeColumns(columns: readonly (readonly number[])[], from: number, end: number) {
  const terms: number[] = [];
  for (let column = from; column < end; column++) {
    for (let copy = 0; copy < 2 ** (end - 1 - column); copy++) terms.push(...columns[column]!);
  }
  return {copies: from === 0 ? 0 : 2 ** (end - from), terms};
}

/** The coefficients' non-adjacent forms (fewest non-zero digits of −1, 0, 1) side by side, most significant first. */
function signedColumns(coefficients: readonly bigint[]): number[][] {
  const columns: number[][] = [];
  coefficients.forEach((coefficient, index) => {
    let rest = coefficient;
    for (let bit = 0; rest !== 0n; bit++) {
      columns[bit] ??= [];
      if ((rest & 1n) === 1n) {
        const digit = (rest & 3n) === 3n ? -1n : 1n;
        columns[bit]!.push(digit === 1n ? index + 1 : -(index + 1));
        rest -= digit;
      }
      rest >>= 1n;
    }
  });
  return columns.reverse();
}

/** Σ cᵢ·Pᵢ. Public data only: how long it takes depends on the coefficients. */
export function linearCombination<P>(group: PointGroup<P>, {steps}: AdditionChain, points: readonly P[]): P {
  const negated: P[] = [];
  const term = (signed: number): P => {
    const index = Math.abs(signed) - 1;
    if (signed > 0) return points[index]!;
    negated[index] ??= group.negate(points[index]!);
    return negated[index];
  };
  let result: P | undefined;
  for (const {copies, terms} of steps) {
    const summands: P[] = [];
    for (let copy = 0; copy < copies; copy++) summands.push(result!);
    for (const signed of terms) summands.push(term(signed));
    result = summands.length === 1 ? summands[0]! : group.sum(summands);
  }
  return result!;
}
