import type {Priority} from "../core/duty/sign-request.js";
import type {NextTurn} from "../ports/next-turn.js";

const LEVELS = 4;

interface Job {
  /** Starts the work; a promise when it runs on another thread. */
  readonly run: () => Promise<void> | null;
}

/**
 * Signatures in order of urgency, with a turn of the event loop between them: a block that arrives while 313
 * attestations wait is signed after the one under way. Work on other threads is limited to `concurrency` at a time, so
 * that what waits still waits here, in order.
 */
export class SignQueue {
  readonly #levels: Job[][] = Array.from({length: LEVELS}, () => []);
  readonly #nextTurn: NextTurn;
  readonly #concurrency: number;
  #pumping = false;
  #inFlight = 0;
  #size = 0;

  constructor({nextTurn = setImmediate}: {nextTurn?: NextTurn | undefined}, {concurrency}: {concurrency: number}) {
    this.#nextTurn = nextTurn;
    this.#concurrency = concurrency;
  }

  /** Jobs that wait. */
  get size(): number {
    return this.#size;
  }

  /** Resolves with what `work` returns, when its turn has come. */
  add<R>(priority: Priority, work: () => R | Promise<R>): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const run = (): Promise<void> | null => {
        try {
          const result = work();
          if (result instanceof Promise) return result.then(resolve, reject);
          resolve(result);
        } catch (error) {
          reject(error);
        }
        return null;
      };
      this.#levels[priority]!.push({run});
      this.#size++;
      this.#kick();
    });
  }

  #kick(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    // Not at once: what arrives in the same turn is ordered first, and a transaction that asked ends before.
    this.#nextTurn(() => this.#pump());
  }

  #pump(): void {
    const job =
      this.#inFlight < this.#concurrency ? this.#levels.find((level) => level.length > 0)?.shift() : undefined;
    if (job === undefined) {
      this.#pumping = false;
      return;
    }
    this.#size--;
    const running = job.run();
    if (running !== null) {
      this.#inFlight++;
      void running.then(() => {
        this.#inFlight--;
        this.#kick();
      });
    }
    this.#nextTurn(() => this.#pump());
  }
}
