/** How often something may happen: `burst` at once, then `perSecond` on average. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** What is left of a client's allowance, and when that was so (ms, monotonic). */
export interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** A client not seen before, or not for long, has its whole burst. */
export const fullBucket = ({burst}: RateLimit, now: number): Bucket => ({tokens: burst, at: now});

/**
 * Takes one token. `waitMs` is null when there was one, else how long until there will be. A refused attempt costs
 * nothing, so that a client that keeps asking is not shut out for longer than one that waits.
 */
export function take(bucket: Bucket, limit: RateLimit, now: number): {bucket: Bucket; waitMs: number | null} {
  const elapsed = Math.max(0, now - bucket.at);
  const tokens = Math.min(limit.burst, bucket.tokens + (elapsed * limit.perSecond) / 1000);
  if (tokens >= 1) return {bucket: {tokens: tokens - 1, at: now}, waitMs: null};
  return {bucket: {tokens, at: now}, waitMs: ((1 - tokens) * 1000) / limit.perSecond};
}
