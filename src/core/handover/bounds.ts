import {currentEpoch, type Network} from "../duty/network.js";
import {PleiadesError} from "../errors.js";

/** A duty of the next epoch may be under way already. */
const MIN_AHEAD = 2n;
/** Six weeks of mainnet. New records begin at the handover epoch, so a slip of the pen must not stop a validator for years. */
const MAX_AHEAD = 10_000n;

/** When an epoch is over, in unix milliseconds; null without a clock. */
export function epochEndMs({clock, preset}: Pick<Network, "clock" | "preset">, epoch: bigint): number | null {
  if (clock === null) return null;
  return (clock.genesisTime + Number(epoch + 1n) * preset.slotsPerEpoch * clock.secondsPerSlot) * 1_000;
}

/** What must hold when a handover begins, by this node's own clock and network. @throws DKG_HANDOVER_EPOCH */
export function checkHandoverEpoch(
  {handoverEpoch, deadline}: {readonly handoverEpoch: bigint; readonly deadline: number},
  network: Pick<Network, "clock" | "preset">,
  nowMs: number,
): void {
  const now = currentEpoch(network, nowMs);
  if (now === null) throw new PleiadesError({code: "DKG_HANDOVER_EPOCH", reason: "no clock"});
  const [lowest, highest] = [now + MIN_AHEAD, now + MAX_AHEAD];
  if (handoverEpoch < lowest || handoverEpoch > highest) {
    const data = {epoch: String(handoverEpoch), lowest: String(lowest), highest: String(highest)};
    throw new PleiadesError({code: "DKG_HANDOVER_EPOCH", ...data});
  }
  if (deadline * 1_000 >= epochEndMs(network, handoverEpoch)!) {
    throw new PleiadesError({code: "DKG_HANDOVER_EPOCH", epoch: String(handoverEpoch), deadline});
  }
}
