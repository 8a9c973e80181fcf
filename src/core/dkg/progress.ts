import {chunkStates, itemAt, itemsAt, verdictsOf} from "./draft.js";
import {hasHandover} from "./handover.js";
import type {DkgState, Failure, Machine, Step} from "./state.js";
import {equivocators, focusOf} from "./verdicts.js";

/** How far one participant is, as far as this node knows. */
export interface ParticipantProgress {
  readonly number: number;
  readonly announced: boolean;
  /** Null for who deals nothing. */
  readonly dealt: boolean | null;
  /** Chunks of its dealing that are here, and those that are checked. */
  readonly chunks: {readonly held: number; readonly of: number};
  /** Null for who receives nothing. */
  readonly verdict: boolean | null;
  readonly result: boolean | null;
  /** Reshare only: whether an old operator signs nothing after the handover any more. Null for who has not to retire. */
  readonly retired: boolean | null;
}

export interface Progress {
  readonly step: Step;
  readonly participants: readonly ParticipantProgress[];
  /** Validators whose keys are computed. */
  readonly keys: number;
}

export function progressOf(machine: Machine, state: DkgState): Progress {
  const participants = machine.ceremony.participants.map(({number, dealer, recipient}): ParticipantProgress => {
    const dealing = dealer === null ? null : focusOf(machine, state, dealer);
    const chunks = dealing === null ? [] : chunkStates(machine, state, dealing.hash);
    return {
      number,
      announced: itemAt(state, "announce", number) !== null,
      dealt: dealer === null ? null : dealing !== null,
      chunks: {held: chunks.filter((one) => one !== null).length, of: chunks.length},
      verdict: recipient === null ? null : verdictsOf(state, number).length > 0,
      result: recipient === null ? null : hasProved(state, number),
      retired: dealer === null || !hasHandover(machine) ? null : hasRetired(state, number),
    };
  });
  return {step: stepOf(machine, state), participants, keys: state.keys.length};
}

/** A result counts once it can be checked. */
function hasProved(state: DkgState, recipient: number): boolean {
  return itemsAt(state, "result", recipient).some(
    ({hash}) => state.results.get(hash) === true || state.outcomes === null,
  );
}

function hasRetired(state: DkgState, author: number): boolean {
  return itemsAt(state, "retire", author).some(({hash}) => state.retirements.get(hash) === true);
}

function stepOf(machine: Machine, state: DkgState): Step {
  const {self, ceremony} = machine;
  if (state.output !== null) return hasHandover(machine) && !state.handedOver ? "handover" : "done";
  if (state.decision !== null) return "result";
  const {dealer, recipient} = ceremony.participants[self - 1]!;
  if (recipient !== null && verdictsOf(state, self).length > 0) return "agree";
  const dealt = dealer !== null && itemAt(state, "deal", self) !== null;
  const others = dealer === null && [...state.items.values()].some(({kind}) => kind === "deal");
  return dealt || others ? (recipient === null ? "agree" : "verdict") : "announce";
}

/** Why it ended, and who had not done their part of the step it ended in. */
export function failureOf(machine: Machine, state: DkgState, reason: Failure["reason"]): Failure {
  const {step, participants} = progressOf(machine, state);
  const done: {readonly [S in Step]: (one: ParticipantProgress) => boolean | null} = {
    announce: ({announced}) => announced,
    deal: ({dealt}) => dealt,
    verdict: ({dealt, chunks}) => dealt === null || (dealt && chunks.held === chunks.of),
    agree: ({verdict}) => verdict,
    result: ({result}) => result,
    handover: ({retired}) => retired,
    done: () => true,
  };
  const aborts = [...state.items.values()].flatMap((item) => {
    if (item.kind !== "abort" || !("reason" in item.body)) return [];
    return [`${item.author}: ${item.body.reason}`];
  });
  return {
    reason,
    step,
    missing: participants.filter((one) => done[step](one) === false).map(({number}) => number),
    guilty: state.decision?.guilty ?? equivocators(machine, state),
    said: aborts,
  };
}
