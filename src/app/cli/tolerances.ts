import {thresholdOf, tolerances} from "../../core/committee/quorum.js";

/** What n and t promise, in words; printed by init, split and every start. */
export function tolerancesLine({n, t}: {n: number; t: number}): string {
  const {absent, liars} = tolerances({n, t});
  return `${t} of ${n} operators sign: ${absent} may be absent, and safety survives ${liars} ${liars === 1 ? "liar" : "liars"}`;
}

/** The committees there are, one line each. */
export const promiseTable = (): string[] => [4, 7, 10, 13].map((n) => tolerancesLine({n, t: thresholdOf(n)}));
