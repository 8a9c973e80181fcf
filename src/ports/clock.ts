/** Wall and monotonic time, and waiting. Twin: a clock moved by hand. */
export interface Clock {
  /** Unix milliseconds; may jump. For slots and epochs. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. For durations and deadlines. */
  monotonic(): number;
  /** Calls back once after `ms` unless cancelled; the returned function cancels and may be called twice. */
  after(ms: number, callback: () => void): () => void;
}
