import {messageEpoch} from "../duty/domain.js";
import type {Preset} from "../duty/preset.js";
import type {SignRequest, SignType} from "../duty/sign-request.js";

/**
 * What is asked once, or any time. An exit names the epoch from which it holds, which may be long past; that is no duty
 * of that epoch.
 */
const TIMELESS: ReadonlySet<SignType> = new Set<SignType>([
  "VOLUNTARY_EXIT",
  "DEPOSIT",
  "VALIDATOR_REGISTRATION",
  "BLS_TO_EXECUTION_CHANGE",
  "GENERIC",
]);

/** The epoch that decides which generation of shares signs a message; null for messages of no epoch. */
export const dutyEpoch = ({type, message}: SignRequest, preset: Preset): bigint | null =>
  TIMELESS.has(type) ? null : messageEpoch(type, message, preset);
