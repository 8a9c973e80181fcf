import {checkQuorum, thresholdOf} from "../../core/committee/quorum.js";

/**
 * The committee's size and threshold: n is 4, 7, 10 or 13 and t = 2f+1, unless the person says that they know what
 * another size or threshold gives up. @throws COMMITTEE_SIZE · COMMITTEE_THRESHOLD
 */
export function chooseThreshold({
  n,
  t = thresholdOf(n),
  unsafe = false,
}: {
  n: number;
  t?: number | undefined;
  unsafe?: boolean | undefined;
}): {n: number; t: number} {
  checkQuorum({n, t, unsafe});
  return {n, t};
}
