import {MAX_OPERATORS} from "../bytes.js";
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
  if (t === undefined) throw wrongSize(n, COMMITTEE_SIZES.join(", "));
  return t;
}

/** Whether t is 2f+1 of n = 3f+1. */
export const isStandardQuorum = ({n, t}: {n: number; t: number}): boolean => THRESHOLDS.get(n) === t;

const wrongSize = (operators: number, allowed: string): PleiadesError =>
  new PleiadesError({code: "COMMITTEE_SIZE", operators, allowed});

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
 * @param unsafe allows any size from 1 to 13 and any threshold from 1 to n, as participants of the distributed profile
 *   may have them (2 of 3, say). Liveness or safety is lost by it: see the result.
 * @throws COMMITTEE_SIZE · COMMITTEE_THRESHOLD
 */
export function checkQuorum({n, t, unsafe}: {n: number; t: number; unsafe: boolean}): Tolerances {
  if (!unsafe) thresholdOf(n);
  else if (!Number.isInteger(n) || n < 1 || n > MAX_OPERATORS) throw wrongSize(n, `1 to ${MAX_OPERATORS}`);
  const possible = Number.isInteger(t) && t >= 1 && t <= n;
  if (!possible || !(unsafe || isStandardQuorum({n, t}))) {
    throw new PleiadesError({
      code: "COMMITTEE_THRESHOLD",
      operators: n,
      threshold: t,
      expected: unsafe ? `1 to ${n}` : thresholdOf(n),
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
