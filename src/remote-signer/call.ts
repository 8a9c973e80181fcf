import {setMaxListeners} from "node:events";
import {PleiadesError} from "../core/errors.js";
import type {Clock} from "../ports/clock.js";
import {ABORT_GRACE_MS} from "./bounds.js";

/** Why a call ends before its answer. */
export type CutShort = "HTTP_DEADLINE" | "HTTP_CLIENT_GONE" | "HTTP_SHUTTING_DOWN";

/**
 * One client's request while it waits for somebody else: a signal that fires at the deadline, when the client goes or
 * when the signer closes, whichever is first. What runs for other clients too (a shared flight of the signing service)
 * sees only that this caller has left.
 */
export class Call {
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #cancelDeadline: () => void;
  readonly #onEnd: (call: Call) => void;

  constructor({clock}: {clock: Clock}, {timeoutMs, onEnd}: {timeoutMs: number; onEnd: (call: Call) => void}) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    // Every key of a batch listens, and whoever works for it: node would take more than ten for a leak.
    setMaxListeners(0, this.#abort.signal);
    this.#cancelDeadline = clock.after(Math.max(0, timeoutMs), () => this.cut("HTTP_DEADLINE"));
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Ends the wait; the first reason stays. */
  cut(code: CutShort): void {
    if (!this.signal.aborted) this.#abort.abort(new PleiadesError({code}));
  }

  /**
   * Settles as `work` does, or rejects with the signal's reason: a short grace after a deadline, in which the work may
   * still tell which operator was too slow, and at once when nobody waits for such a reason.
   */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let cancelGrace: () => void = () => {};
      const giveUp = () => reject(this.signal.reason);
      const onAbort = () => {
        if (codeOfAbort(this.signal) === "HTTP_DEADLINE") cancelGrace = this.#clock.after(ABORT_GRACE_MS, giveUp);
        else giveUp();
      };
      const settled = () => {
        cancelGrace();
        this.signal.removeEventListener("abort", onAbort);
      };
      if (this.signal.aborted) onAbort();
      else this.signal.addEventListener("abort", onAbort, {once: true});
      work.then(resolve, reject).finally(settled);
    });
  }

  /** Must be called once the answer is known: frees the timer. */
  end(): void {
    this.#cancelDeadline();
    this.#onEnd(this);
  }
}

const codeOfAbort = ({reason}: AbortSignal): string | null => (reason instanceof PleiadesError ? reason.code : null);

/** The calls that are waiting, so that a closing signer can wait for them and then end them. */
export class Calls {
  readonly #clock: Clock;
  readonly #open = new Set<Call>();

  constructor({clock}: {clock: Clock}) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  open(timeoutMs: number): Call {
    const call = new Call({clock: this.#clock}, {timeoutMs, onEnd: (ended) => this.#open.delete(ended)});
    this.#open.add(call);
    return call;
  }

  cutAll(code: CutShort): void {
    for (const call of this.#open) call.cut(code);
  }
}
