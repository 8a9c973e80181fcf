import type {Clock} from "../../src/ports/clock.js";
import type {Scheduler} from "./scheduler.js";

/** One run of one program. After its end nothing of it happens: its timers, turns, commits and messages die with it. */
export class Process {
  readonly name: string;
  readonly #scheduler: Scheduler;
  #alive = true;

  constructor(scheduler: Scheduler, name: string) {
    this.#scheduler = scheduler;
    this.name = name;
  }

  get alive(): boolean {
    return this.#alive;
  }

  after(ms: number, label: string, run: () => void): () => void {
    return this.#scheduler.after(ms, `${this.name} ${label}`, () => {
      if (this.#alive) run();
    });
  }

  kill(): void {
    this.#alive = false;
  }
}

/** Unix milliseconds at the start of a simulation. */
export const START_MS = 1_700_000_000_000;

/** A program's clock: its machine may be wrong about the time of day, never about durations. */
export class SimulatedClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #process: Process;
  readonly #skewMs: () => number;

  constructor({scheduler, process}: {scheduler: Scheduler; process: Process}, skewMs: () => number = () => 0) {
    this.#scheduler = scheduler;
    this.#process = process;
    this.#skewMs = skewMs;
  }

  now(): number {
    return START_MS + Math.floor(this.#scheduler.now) + this.#skewMs();
  }

  monotonic(): number {
    return this.#scheduler.now;
  }

  after(ms: number, callback: () => void): () => void {
    return this.#process.after(ms, "timer", callback);
  }
}
