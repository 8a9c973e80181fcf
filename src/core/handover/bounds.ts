import {PleiadesError} from "../errors.js";

/** A duty of the next epoch may be under way already. */
const MIN_AHEAD = 2n;
/** Six weeks of mainnet. New records begin at the handover epoch, so a slip of the pen must not stop a validator for years. */
const MAX_AHEAD = 10_000n;

/**
 * What must hold of a handover epoch when its ceremony is defined, and when it begins.
 * @param epochs of this moment and of the ceremony's deadline @throws DKG_HANDOVER_EPOCH
 */
export function checkHandoverEpoch(
  handoverEpoch: bigint,
  {now, deadline}: {readonly now: bigint | null; readonly deadline: bigint | null},
): void {
  if (now === null || deadline === null) throw new PleiadesError({code: "DKG_HANDOVER_EPOCH", reason: "no clock"});
  const [lowest, highest] = [now + MIN_AHEAD, now + MAX_AHEAD];
  if (handoverEpoch < lowest || handoverEpoch > highest) {
    const data = {epoch: String(handoverEpoch), lowest: String(lowest), highest: String(highest)};
    throw new PleiadesError({code: "DKG_HANDOVER_EPOCH", ...data});
  }
  if (deadline > handoverEpoch) {
    const data = {epoch: String(handoverEpoch), deadline: String(deadline)};
    throw new PleiadesError({code: "DKG_HANDOVER_EPOCH", ...data});
  }
}

/** The soonest that is allowed. */
export function firstHandoverEpoch({now, deadline}: {readonly now: bigint; readonly deadline: bigint}): bigint {
  const least = now + MIN_AHEAD;
  return deadline + 1n > least ? deadline + 1n : least;
}
