import type {ReasonCode} from "../../core/errors.js";
import {REASONS} from "../../core/reasons/index.js";

export type OutcomeClass = "refused" | "invalid" | "failed";

/** Codes that say somebody decided not to sign. */
const REFUSALS =
  /^(?:POLICY_|SLASHING_(?!STORE_)|PLUGIN_VETO|COMMITTEE_REFUSED$|OPERATOR_OUTRANKED$|KEEPER_OTHER_|KEEPER_CREDENTIALS_)/;

/**
 * Which of three kinds a code is, so that histograms need no label with a hundred values: `refused` is a decision,
 * `invalid` the caller's fault, `failed` everything that should have been signed.
 */
export function classOf(code: ReasonCode): OutcomeClass {
  if (REFUSALS.test(code)) return "refused";
  return REASONS[code].fault === "caller" ? "invalid" : "failed";
}
