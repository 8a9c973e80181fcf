/** Participants that may lie, of n: the most for which two quorums still share an honest one. */
export const tolerated = (n: number): number => Math.floor((n - 1) / 3);

/**
 * How many must say the same: two sets of so many share f+1 participants, and n−f honest ones suffice for one. For n = 3f+1
 * this is 2f+1.
 */
export const quorumOf = (n: number): number => Math.ceil((n + tolerated(n) + 1) / 2);

/** From 1; everybody leads in turn, whoever begins being different from instance to instance. */
export const leaderOf = (round: number, {n, offset}: {n: number; offset: number}): number =>
  ((round - 1 + offset) % n) + 1;

/** Doubles with each round until the network is surely quicker; then stays, so that one good leader is soon reached again. */
export const roundTimeoutMs = (round: number, {baseMs, maxMs}: {baseMs: number; maxMs: number}): number =>
  Math.min(maxMs, baseMs * 2 ** Math.min(round - 1, 16));
