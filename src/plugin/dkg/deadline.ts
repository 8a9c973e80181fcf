import type {Definition} from "../../core/dkg/definition.js";
import {PleiadesError} from "../../core/errors.js";

/** Further ahead no deadline is meant, and a clock that thinks so is wrong. */
const MAX_AHEAD_MS = 31 * 24 * 60 * 60_000;

/** By this node's clock. @throws DKG_DEADLINE_PASSED · DKG_DEADLINE_FAR */
export function checkDeadline({deadline}: Pick<Definition, "deadline">, nowMs: number): void {
  const aheadMs = deadline * 1_000 - nowMs;
  const at = {deadline, now: Math.floor(nowMs / 1_000)};
  if (!(aheadMs > 0)) throw new PleiadesError({code: "DKG_DEADLINE_PASSED", ...at});
  if (aheadMs > MAX_AHEAD_MS) throw new PleiadesError({code: "DKG_DEADLINE_FAR", ...at});
}
