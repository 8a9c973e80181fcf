/**
 * When messages wait for company. A message of its own costs each process on its way a system call, a wake-up and an
 * encryption, as much as a signature's hashing; several in one cost hardly more than one. A message that nobody else
 * is waiting beside never waits.
 */

/** With fewer unanswered requests than this the next answer is soon, and waiting would only add to its latency. */
const BUSY = 8;
/** So many share the costs well enough. */
const ENOUGH = 16;
/** Each request before it costs somebody a signature, half a millisecond or so: waiting a quarter of that is no loss. */
const WAIT_MS_EACH = 1 / 8;
const MAX_WAIT_MS = 8;

/** What waits to leave one process for another. */
export interface Departure {
  /** Messages that wait to leave. */
  readonly waiting: number;
  /** Requests not answered yet on this way, those that wait to leave among them. */
  readonly unanswered: number;
  /** Whether something is among them that nothing may hold up: a block. */
  readonly urgent: boolean;
  /** Milliseconds since the last message left. */
  readonly sinceLastMs: number;
}

/** Milliseconds to wait for company before what waits leaves; 0 is at once. */
export function waitForCompany({waiting, unanswered, urgent, sinceLastMs}: Departure): number {
  if (urgent || waiting >= ENOUGH || unanswered < BUSY) return 0;
  return Math.max(0, Math.min(MAX_WAIT_MS, WAIT_MS_EACH * unanswered) - sinceLastMs);
}
