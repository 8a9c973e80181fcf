import type {Standing} from "./operator-health.js";

/** Below this, a busy machine's timers and garbage collection would have the rest asked for nearly every request. */
const MIN_MS = 25;
/** Above this, waiting costs more than asking: Lodestar asks for some signatures one after another. */
const MAX_MS = 500;
/** For operators that have not answered yet. */
const UNKNOWN_MS = 250;

/**
 * How long to wait for the chosen operators before the rest is asked too: until the slowest of them should long have
 * answered, its smoothed latency and four deviations (as TCP decides to send again), between 25 and 500 ms.
 */
export function hedgeDelay(chosen: readonly Pick<Standing, "latencyMs" | "deviationMs">[]): number {
  const expected = chosen.map(({latencyMs, deviationMs}) =>
    latencyMs === null ? UNKNOWN_MS : latencyMs + 4 * deviationMs,
  );
  return Math.min(MAX_MS, Math.max(MIN_MS, ...expected));
}

/** Of all requests, how many may be hedged for long: enough for an operator that stalls now and then. */
const HEDGED_SHARE = 1 / 10;
/** At once: everything under way when an operator stops answering, as a client with many keys has it. */
const HEDGES_AT_ONCE = 128;

/**
 * Keeps hedging from making worse what it is to help against. When all cores are busy every answer is late, and a partial
 * more for each request makes all of them later; so hedges are a share of the requests. What is known to have failed is
 * replaced without counting, and nothing that may not wait asks for leave.
 */
export class HedgeBudget {
  #left = HEDGES_AT_ONCE;

  /** One more request. */
  earn(): void {
    this.#left = Math.min(HEDGES_AT_ONCE, this.#left + HEDGED_SHARE);
  }

  /** Whether one more may be hedged now. */
  spend(): boolean {
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
