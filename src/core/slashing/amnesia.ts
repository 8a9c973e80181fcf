import type {LifeId, PubkeyHex} from "../bytes.js";
import {raise} from "./decide.js";
import {beginLife, type Past} from "./past.js";
import type {SlashingRecord} from "./record.js";
import type {Sighting} from "./sighting.js";

/**
 * What a sighting means to the keeper that it is about. `known`: it happened here, or lies at or below the floor.
 * `forgot`: it did not happen here, so this store is an older copy of another, or new. `second copy`: likewise, and the
 * other one went on after this one had started.
 */
export type Verdict = "known" | "forgot" | "second copy";

/**
 * How much later than this life's start another life must have spoken to count as alive. A dead one may have had a clock
 * ahead of this one's: ten seconds are twenty times the skew that signers warn of. Waiting costs nothing, because within
 * this time the other's sighting already sends this store to the floor, above which nothing is signed for an epoch.
 */
export const SECOND_COPY_TOLERANCE_MS = 10_000;

export interface LivingSelf {
  readonly life: LifeId;
  /** When this process began its first life (unix milliseconds). */
  readonly startedAt: number;
}

/**
 * Judges an authentic sighting of this operator by what its store remembers of itself. A life that the store has been
 * through is compared with how far it came *here*; so a store that was rolled back is found out even after it has
 * written more than was lost, and a clock that was set back makes no second copy out of an earlier life.
 */
export function judgeSighting(past: Past, self: LivingSelf, {life, sequence, issuedAt}: Sighting): Verdict {
  // A machine restored together with its memory is the same life with a lower sequence.
  if (life === self.life) return sequence <= past.sequence ? "known" : "forgot";
  const ended = past.lives.find((one) => one.life === life);
  if (ended !== undefined && sequence <= ended.last) return "known";
  // Another keeper that has this very store open writes into the same records.
  if (life === past.life && sequence <= past.sequence) return "known";
  if (past.flooredAt !== null && issuedAt <= past.flooredAt) return "known";
  if (issuedAt > self.startedAt + SECOND_COPY_TOLERANCE_MS) return "second copy";
  if (ended === undefined && sequence <= past.dropped) return "known";
  return "forgot";
}

/**
 * All records raised to the floor, for a store that learnt that it forgot. A new life begins with it: what this one says
 * from here on differs from what any copy of it says.
 * @param floor null when there is no clock to compute one from; the records then stay, and nothing may be signed
 * @param seen what was seen that did not happen here
 */
export function raiseToFloor(
  past: Past,
  records: ReadonlyMap<PubkeyHex, SlashingRecord>,
  {floor, flooredAt, seen, life}: {floor: SlashingRecord | null; flooredAt: number; seen: bigint; life: LifeId},
): {past: Past; writes: ReadonlyMap<PubkeyHex, SlashingRecord>} {
  const writes = new Map<PubkeyHex, SlashingRecord>();
  if (floor !== null) for (const [key, record] of records) writes.set(key, raise(record, floor));
  const next = beginLife(past, life);
  return {
    past: {
      ...next,
      sequence: seen >= next.sequence ? seen + 1n : next.sequence,
      flooredAt: floor === null ? past.flooredAt : Math.max(flooredAt, past.flooredAt ?? 0),
    },
    writes,
  };
}
