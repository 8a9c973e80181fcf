import {type Histogram, quantile, since} from "./prometheus.js";
import type {SignerNow} from "./signer.js";

const WINDOW_MS = 30_000; // about two epochs: long enough to be steady, short enough to show a fault begin and end

export interface Rates {
  readonly signaturesPerSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Share of the group signatures, 0…1, that an operator took part in; null without any. */
  readonly participation: ReadonlyMap<number, number | null>;
  /** Median time to answer with a partial signature, per operator. */
  readonly answerMs: ReadonlyMap<number, number | null>;
}

/** Turns counters that only grow into what happened lately. */
export class History {
  readonly #readings: {atMs: number; now: SignerNow}[] = [];

  add(atMs: number, now: SignerNow): void {
    if (this.#readings.at(-1)?.now === now) return;
    this.#readings.push({atMs, now});
    while (this.#readings.length > 2 && this.#readings[1]!.atMs <= atMs - WINDOW_MS) this.#readings.shift();
  }

  rates(): Rates {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)];
    if (first === undefined || last === undefined || first === last) {
      return {signaturesPerSecond: 0, p50Ms: null, p99Ms: null, participation: new Map(), answerMs: new Map()};
    }
    const signed = last.now.signed - first.now.signed;
    return {
      signaturesPerSecond: (1000 * signed) / (last.atMs - first.atMs),
      ...percentiles(since(last.now.durations, first.now.durations)),
      participation: new Map(
        last.now.operators.map(({id, participations}) => {
          const before = first.now.operators.find((one) => one.id === id)?.participations ?? 0;
          return [id, signed === 0 ? null : Math.min(1, (participations - before) / signed)];
        }),
      ),
      answerMs: new Map(
        last.now.operators.map(({id, answers}) => {
          const before = first.now.operators.find((one) => one.id === id)?.answers ?? new Map();
          return [id, percentiles(since(answers, before)).p50Ms];
        }),
      ),
    };
  }
}

export function percentiles(durations: Histogram): {p50Ms: number | null; p99Ms: number | null} {
  const inMs = (q: number): number | null => {
    const seconds = quantile(durations, q);
    return seconds === null ? null : 1000 * seconds;
  };
  return {p50Ms: inMs(0.5), p99Ms: inMs(0.99)};
}
