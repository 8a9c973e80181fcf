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
