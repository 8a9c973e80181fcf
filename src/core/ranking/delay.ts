import type {Network} from "../duty/network.js";

/** Mainnet's slot, for a network whose clock is not known. */
const DEFAULT_SLOT_MS = 12_000;
/**
 * 500 ms of mainnet's slot. Two beacon nodes see a block within a few hundred milliseconds of each other, and clients vote
 * as soon as they have seen it, so the earlier-ranked signer's request is there by then if it is coming at all; and the
 * later one's vote, made four seconds into the slot at the latest, still has most of the way to eight seconds, where
 * aggregators collect it.
 */
const SLOT_FRACTION = 1 / 24;
/** Chains with slots of two or three seconds run on busy machines: less than this is lost in their timers. */
const MIN_MS = 200;
/** Later ones wait no longer: after three delays there would soon be no time left in which to sign. */
const LAST_RANK = 3;

/** Milliseconds between ranks where the configuration names none; the same for all nodes of a chain. */
export function defaultSignerDelayMs({clock}: Pick<Network, "clock">): number {
  const slotMs = clock === null ? DEFAULT_SLOT_MS : clock.secondsPerSlot * 1000;
  return Math.max(MIN_MS, Math.round(slotMs * SLOT_FRACTION));
}

/** How long an operator holds a request of this rank; 0 for the first. */
export const holdMs = (rank: number, signerDelayMs: number): number => Math.min(rank, LAST_RANK) * signerDelayMs;
