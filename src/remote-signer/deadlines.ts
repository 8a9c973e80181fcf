import type {Network} from "../core/duty/network.js";
import type {SignType} from "../core/duty/sign-request.js";

/** Mainnet's slot, for a network whose clock is not known. */
const DEFAULT_SLOT_MS = 12_000;

/**
 * Development chains have slots of one or two seconds. A third of that is less than a slow operator takes, and a late
 * vote still counts, so a short slot must not turn an answer that is coming into a lost duty.
 */
const MIN_DEADLINE_MS = 1500;

/**
 * How long each duty may take, as a fraction of a slot. Lodestar waits for ever, and its later duties wait behind, so
 * an answer that has lost its use must be a fast 504.
 */
const SLOT_FRACTION: Readonly<Record<SignType, number>> = {
  // The beacon committee votes a third into the slot; a block after that is mostly voted against.
  BLOCK_V2: 1 / 3,
  // Comes before its block and shares its time; without it there is no block.
  RANDAO_REVEAL: 1 / 3,
  // Made at one third, collected by aggregators at two thirds.
  ATTESTATION: 1 / 3,
  SYNC_COMMITTEE_MESSAGE: 1 / 3,
  // Made at two thirds, worthless to the next proposer after the slot.
  AGGREGATE_AND_PROOF: 1 / 3,
  AGGREGATE_AND_PROOF_V2: 1 / 3,
  SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF: 1 / 3,
  // Asked one after another within a slot: a longer wait for one costs all the others.
  SYNC_COMMITTEE_SELECTION_PROOF: 1 / 3,
  // Asked an epoch ahead, and a failure costs every key of the client its attestations of that epoch: worth a slot.
  AGGREGATION_SLOT: 1,
  // No slot waits for these; a slot is long enough for any committee that answers at all.
  VOLUNTARY_EXIT: 1,
  DEPOSIT: 1,
  VALIDATOR_REGISTRATION: 1,
  BLS_TO_EXECUTION_CHANGE: 1,
  GENERIC: 1,
};

export type Deadlines = Readonly<Record<SignType, number>>;

/**
 * Milliseconds per duty type, from the arrival of the request: the defaults as fractions of the network's slot (never
 * below 1.5 s), replaced by what `configured` names.
 */
export function deadlinesFor(network: Pick<Network, "clock">, configured: Partial<Deadlines> = {}): Deadlines {
  const slotMs = network.clock === null ? DEFAULT_SLOT_MS : network.clock.secondsPerSlot * 1000;
  const entries = Object.entries(SLOT_FRACTION) as [SignType, number][];
  return Object.fromEntries(
    entries.map(([type, fraction]) => [
      type,
      configured[type] ?? Math.max(MIN_DEADLINE_MS, Math.round(slotMs * fraction)),
    ]),
  ) as Record<SignType, number>;
}
