import {PRIORITY, type Priority, priorityOf} from "../core/duty/sign-request.js";
import {isSignType} from "../core/duty/sign-types.js";
import type {Clock} from "../ports/clock.js";
import type {NextTurn} from "../ports/next-turn.js";

/**
 * Long enough that the 25 or so requests of one turn are read together and share a commit; short enough that a block
 * which arrives behind thousands of others is not kept waiting by them.
 */
const SLICE_MS = 2;

/**
 * Reading requests (parsing, roots, policy) in order of urgency, in slices with a turn of the event loop between them,
 * so that what arrives meanwhile takes its place in the order.
 */
export class Intake {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #nextTurn: NextTurn;
  readonly #levels: (() => void)[][] = [[], [], [], []];
  #running = false;

  constructor({clock, nextTurn = setImmediate}: {clock: Pick<Clock, "monotonic">; nextTurn?: NextTurn | undefined}) {
    this.#clock = clock;
    this.#nextTurn = nextTurn;
  }

  /** Resolves when it is this request's turn; what the caller then does before its next await is part of the slice. */
  turn(priority: Priority): Promise<void> {
    return new Promise((resolve) => {
      this.#levels[priority]!.push(resolve);
      if (this.#running) return;
      this.#running = true;
      // Not at once: what arrives in the same message is ordered first.
      queueMicrotask(() => void this.#slice());
    });
  }

  async #slice(): Promise<void> {
    const until = this.#clock.monotonic() + SLICE_MS;
    do {
      const resolve = this.#levels.find((level) => level.length > 0)?.shift();
      if (resolve === undefined) {
        this.#running = false;
        return;
      }
      resolve();
      // The one resolved reads its request in the microtasks that run here.
      await null;
    } while (this.#clock.monotonic() < until);
    this.#nextTurn(() => void this.#slice());
  }
}

/** How urgent a request says it is. Good enough for an order: it is the type that is parsed when its turn has come. */
export function urgencyOf(request: unknown): Priority {
  const type = typeof request === "object" && request !== null && "type" in request ? request.type : undefined;
  return isSignType(type) ? priorityOf(type) : PRIORITY.rest;
}
