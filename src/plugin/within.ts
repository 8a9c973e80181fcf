import {PleiadesError, type ReasonCode} from "../core/errors.js";
import type {Clock} from "../ports/clock.js";

/**
 * The result of `work`, or a rejection with `late` when it has not settled after `ms`. A late result or rejection is
 * dropped; a synchronous throw rejects.
 */
export function within<T>(
  clock: Pick<Clock, "after">,
  ms: number,
  late: {code: ReasonCode} & {readonly [key: string]: unknown},
  work: () => Promise<T> | T,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new PleiadesError({...late, reason: "timeout", afterMs: ms})));
    // Promise.resolve().then would start the work a turn later; a plugin's start should begin when it is called.
    new Promise<T>((done) => done(work())).then(resolve, reject).finally(cancel);
  });
}
