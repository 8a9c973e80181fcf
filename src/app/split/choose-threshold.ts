import {thresholdOf} from "../../core/committee/quorum.js";
import {PleiadesError} from "../../core/errors.js";

/**
 * The committee's size and threshold. n is 4, 7, 10 or 13 and t = 2f+1, unless the person says that they know what
 * another threshold gives up: below (n+1)/2 two disjoint sets could sign conflicting messages. @throws CLI_THRESHOLD
 */
export function chooseThreshold({n, t, unsafe = false}: {
  n: number;
  t?: number | undefined;
  unsafe?: boolean | undefined;
}): {n: number; t: number} {
  if (!unsafe) {
    if (![4, 7, 10, 13].includes(n)) throw new PleiadesError({code: "CLI_THRESHOLD", operators: n});
    const usual = thresholdOf(n);
    if (t !== undefined && t !== usual) {
      throw new PleiadesError({code: "CLI_THRESHOLD", operators: n, threshold: t, default: usual});
    }
    return {n, t: usual};
  }
  if (t === undefined) {
    throw new PleiadesError({code: "CLI_THRESHOLD", operators: n, reason: "--unsafe-threshold needs --threshold"});
  }
  if (t < 1 || t > n || n < 1 || n > 13) throw new PleiadesError({code: "CLI_THRESHOLD", operators: n, threshold: t});
  return {n, t};
}
