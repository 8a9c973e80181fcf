import type {Clock} from "../../ports/clock.js";

/** A clock moved by hand: the in-memory twin of the system clock. */
export class ManualClock implements Clock {
  #now: number;
  #monotonic = 0;
  #next = 0;
  readonly #timers = new Map<number, {at: number; callback: () => void}>();

  constructor(nowMs = 0) {
    this.#now = nowMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(ms: number, callback: () => void): () => void {
    const id = this.#next++;
    this.#timers.set(id, {at: this.#monotonic + ms, callback});
    return () => void this.#timers.delete(id);
  }

  /** Moves both clocks forward and fires what is due, in order of due time, then of creation. */
  advance(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const due = [...this.#timers]
        .filter(([, timer]) => timer.at <= end)
        .sort(([i, a], [j, b]) => a.at - b.at || i - j)[0];
      if (due === undefined) break;
      const [id, {at, callback}] = due;
      this.#timers.delete(id);
      this.#now += at - this.#monotonic;
      this.#monotonic = at;
      callback();
    }
    this.#now += end - this.#monotonic;
    this.#monotonic = end;
  }

  /** Timers that have not fired or been cancelled. */
  pending(): number {
    return this.#timers.size;
  }
}
