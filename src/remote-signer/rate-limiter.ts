import {type Bucket, fullBucket, type RateLimit, take} from "../core/token-bucket.js";
import type {Clock} from "../ports/clock.js";
import {MAX_RATE_LIMITED_CLIENTS} from "./bounds.js";

/** One limit, held for every client by itself: a client that asks too often slows nobody else down. */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #clock: Pick<Clock, "monotonic">;
  /** The client that was heard of longest ago comes first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor({clock}: {clock: Pick<Clock, "monotonic">}, limit: RateLimit) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Null when the client may go on, else the milliseconds after which it may ask again. */
  check(client: string): number | null {
    const now = this.#clock.monotonic();
    const known = this.#buckets.get(client);
    const {bucket, waitMs} = take(known ?? fullBucket(this.#limit, now), this.#limit, now);
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    // Whoever is forgotten starts anew with a whole burst: memory is bounded, and nobody is shut out by it.
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_RATE_LIMITED_CLIENTS && oldest !== undefined) this.#buckets.delete(oldest);
    return waitMs;
  }
}
