import type {LifeId} from "../bytes.js";

/** One run of a keeper on a store that is over. */
export interface EndedLife {
  readonly life: LifeId;
  /** The store's sequence when the next life began. */
  readonly last: bigint;
}

/**
 * What a store knows of its own past: enough to tell whether something that was seen of this operator happened here.
 * A copy of a store shares its past up to the copy and has a life of its own from the next start on.
 */
export interface Past {
  /** Raised by every commit that writes records and by every start; never falls. */
  readonly sequence: bigint;
  /** The life that writes now, or wrote last; null before the first. */
  readonly life: LifeId | null;
  /** Those before it, oldest first. */
  readonly lives: readonly EndedLife[];
  /** The `last` of the newest life that is not remembered any more; 0 while none was dropped. */
  readonly dropped: bigint;
  /** Unix milliseconds: whatever any life signed until then lies at or below the floor all records were raised to. */
  readonly flooredAt: number | null;
}

export const NO_PAST: Past = {sequence: 0n, life: null, lives: [], dropped: 0n, flooredAt: null};

/** A start a day for most of a year, in 12 KiB. Of an older life only the sequence is compared. */
export const MAX_LIVES = 256;

/** The past of a store on which a new life begins. */
export function beginLife(past: Past, life: LifeId): Past {
  const {sequence} = past;
  const all = past.life === null ? past.lives : [...past.lives, {life: past.life, last: sequence}];
  const forgotten = all.slice(0, Math.max(0, all.length - MAX_LIVES));
  return {
    ...past,
    sequence: sequence + 1n,
    life,
    lives: all.slice(-MAX_LIVES),
    dropped: forgotten.at(-1)?.last ?? past.dropped,
  };
}

/** `next` itself. Lowering a sequence would be the amnesia it is there to find. */
export function requireRising(before: Past, next: Past): Past {
  if (next.sequence < before.sequence) throw new Error(`the sequence fell from ${before.sequence} to ${next.sequence}`);
  return next;
}
