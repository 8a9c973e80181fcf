import {step} from "./machine.js";
import type {DkgEffect, DkgInput, DkgState, Machine} from "./state.js";
import type {Work, WorkCall} from "./work.js";

/** A step, or the piece of work that it cannot be taken without. */
export type Stepped =
  | {readonly undone: null; readonly state: DkgState; readonly effects: readonly DkgEffect[]}
  | {readonly undone: WorkCall};

class Undone extends Error {
  readonly call: WorkCall;
  constructor(call: WorkCall) {
    super(call.job);
    this.call = call;
  }
}

/**
 * A step whose work is done elsewhere. When it needs a piece that is not in `done` it is given up, and nothing has happened;
 * taken again with that piece as well it comes as far as the next one. It is a pure function, so its k-th piece is the same
 * each time, and so is what it decides.
 * @param done results of the pieces so far, in their order
 */
export function stepWith(machine: Machine, state: DkgState, input: DkgInput, done: readonly unknown[]): Stepped {
  let next = 0;
  const work: Work = (job, argument) => {
    if (next === done.length) throw new Undone({job, argument} as WorkCall);
    return done[next++] as never;
  };
  try {
    return {undone: null, ...step({...machine, work}, state, input)};
  } catch (error) {
    if (error instanceof Undone) return {undone: error.call};
    throw error;
  }
}
