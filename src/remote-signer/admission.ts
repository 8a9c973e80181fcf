import {PRIORITY, type Priority} from "../core/duty/sign-request.js";
import {PleiadesError} from "../core/errors.js";

interface Waiting {
  readonly start: () => void;
  readonly refuse: (error: unknown) => void;
}

/**
 * Bounds how many requests are in the committee at once. The others wait, the most urgent first and within one urgency
 * the oldest first. A full queue refuses the newcomer, unless something less urgent waits: then that is refused.
 */
export class Admission {
  readonly #maxConcurrent: number;
  readonly #maxQueued: number;
  #running = 0;
  #queued = 0;
  /** One queue per priority, most urgent first; sets keep order and let an aborted request leave at once. */
  readonly #queues: readonly Set<Waiting>[] = Object.values(PRIORITY).map(() => new Set());

  constructor({maxConcurrent, maxQueued}: {maxConcurrent: number; maxQueued: number}) {
    this.#maxConcurrent = maxConcurrent;
    this.#maxQueued = maxQueued;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queued;
  }

  /**
   * Runs the task when there is a place for it and settles as it does. The place is kept until the task settles, so the
   * bound holds even for a task that ignores its signal.
   * @throws HTTP_OVERLOADED when there is no room to wait, the signal's reason when it aborts while waiting.
   */
  async run<T>(priority: Priority, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#running >= this.#maxConcurrent) await this.#wait(priority, signal);
    else this.#running++;
    try {
      return await task();
    } finally {
      this.#next();
    }
  }

  #wait(priority: Priority, signal: AbortSignal): Promise<void> {
    if (this.#queued >= this.#maxQueued) this.#makeRoom(priority);
    return new Promise((resolve, reject) => {
      const queue = this.#queues[priority]!;
      const leave = () => {
        queue.delete(waiting);
        this.#queued--;
        signal.removeEventListener("abort", onAbort);
      };
      const waiting: Waiting = {
        start: () => {
          leave();
          resolve();
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      const onAbort = () => waiting.refuse(signal.reason);
      signal.addEventListener("abort", onAbort, {once: true});
      queue.add(waiting);
      this.#queued++;
    });
  }

  #makeRoom(newcomer: Priority): void {
    for (let priority = this.#queues.length - 1; priority > newcomer; priority--) {
      // The oldest has the least time left, so it is the least likely to be of use.
      const [victim] = this.#queues[priority]!;
      if (victim === undefined) continue;
      victim.refuse(overloaded(this.#queued));
      return;
    }
    throw overloaded(this.#queued);
  }

  /** Hands the place that became free to the next in line. */
  #next(): void {
    for (const queue of this.#queues) {
      const [waiting] = queue;
      if (waiting === undefined) continue;
      waiting.start();
      return;
    }
    this.#running--;
  }
}

const overloaded = (waiting: number) => new PleiadesError({code: "HTTP_OVERLOADED", waiting});
