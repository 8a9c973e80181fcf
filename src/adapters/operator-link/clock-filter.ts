/** One exchange of time with a peer. */
export interface Timing {
  readonly roundTripMs: number;
  /** The peer's clock minus this node's, at most half a round trip off. */
  readonly clockOffsetMs: number;
}

/** Forty seconds of pings: one slow round trip, on a machine that was busy, does not show. */
const SAMPLES = 8;

/**
 * The measurement with the shortest round trip among the last few: it is the least disturbed one.
 * @see RFC 5905 section 10, "Clock Filter Algorithm"
 */
export class ClockFilter {
  readonly #samples: Timing[] = [];

  add(timing: Timing): void {
    this.#samples.push(timing);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  /** Null before the first. */
  best(): Timing | null {
    let best: Timing | null = null;
    for (const sample of this.#samples) if (best === null || sample.roundTripMs <= best.roundTripMs) best = sample;
    return best;
  }
}
