const FIRST_MS = 250;
const LAST_MS = 1_000;

/**
 * Milliseconds to wait before attempt number `attempt` (0: the first, at once) to reach a peer. Doubles from 250 ms to 1 s:
 * while one operator is away the next failure costs duties, so one that is back must not wait, and a dial is cheap. `random` in [0, 1) spreads the signers of
 * an operator that restarts over half of the time. `lastMs` replaces the second where less is at stake.
 */
export function backoffMs(attempt: number, random: number, lastMs = LAST_MS): number {
  if (attempt === 0) return 0;
  const full = Math.min(lastMs, FIRST_MS * 2 ** (attempt - 1));
  return Math.max(FIRST_MS, full * (1 - random / 2));
}
