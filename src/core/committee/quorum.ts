import {PleiadesError} from "../errors.js";

/**
 * n = 3f+1 operators, of whom f may be absent and f may lie; t = 2f+1 of them sign. Two sets of t share f+1 operators,
 * so at least one honest one, which never signs two conflicting messages.
 */
const THRESHOLDS: ReadonlyMap<number, number> = new Map([
  [4, 3],
  [7, 5],
  [10, 7],
  [13, 9],
]);

/** The committee sizes there are: 4, 7, 10, 13. */
export const COMMITTEE_SIZES: readonly number[] = [...THRESHOLDS.keys()];

/** t = 2f+1 for n = 3f+1. @throws COMMITTEE_SIZE for any other n */
export function thresholdOf(n: number): number {
  const t = THRESHOLDS.get(n);
  if (t === undefined) {
    throw new PleiadesError({code: "COMMITTEE_SIZE", operators: n, allowed: COMMITTEE_SIZES.join(", ")});
  }
  return t;
}

export interface Tolerances {
  /** n−t: operators that may be absent while duties are still signed. */
  readonly absent: number;
  /** 2t−n−1: lying operators that safety survives; below 0 not even an honest committee is safe from a bad coordinator. */
  readonly liars: number;
}

export function tolerances({n, t}: {n: number; t: number}): Tolerances {
  return {absent: n - t, liars: 2 * t - n - 1};
}

/**
 * Checks a committee's size and threshold and says what they tolerate.
 * @param unsafe allows another threshold than 2f+1, still within 1…n. Liveness or safety is lost by it: see the result.
 * @throws COMMITTEE_SIZE · COMMITTEE_THRESHOLD
 */
export function checkQuorum({n, t, unsafe}: {n: number; t: number; unsafe: boolean}): Tolerances {
  const standard = thresholdOf(n);
  const possible = Number.isInteger(t) && t >= 1 && t <= n;
  if (!possible || (t !== standard && !unsafe)) {
    throw new PleiadesError({
      code: "COMMITTEE_THRESHOLD",
      operators: n,
      threshold: t,
      expected: unsafe ? `1 to ${n}` : standard,
      ...(possible ? givesUp({n, t}) : {}),
    });
  }
  return tolerances({n, t});
}

/** For messages: what this threshold would tolerate, beside what the standard one does. */
function givesUp({n, t}: {n: number; t: number}): {[what: string]: string} {
  const [own, standard] = [tolerances({n, t}), tolerances({n, t: thresholdOf(n)})];
  return {
    absentTolerated: `${own.absent} instead of ${standard.absent}`,
    liarsTolerated: `${own.liars} instead of ${standard.liars}`,
  };
}
