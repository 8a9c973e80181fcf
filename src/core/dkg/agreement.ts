import {type Draft, itemsOf} from "./draft.js";
import type {Item} from "./items.js";
import {candidate, evaluateValue, isValid} from "./verdicts.js";

/**
 * The agreement among the recipients, as a ceremony uses it: any machine that decides one value among n of whom f lie. What
 * it says becomes signed items, which are journaled first and reach everybody; they are put in again after a crash.
 */
export interface Agreement {
  /** @param self the recipient's number; null for one who only listens */
  create(self: number | null, n: number): AgreementState;
  step(state: AgreementState, input: AgreementInput): {state: AgreementState; effects: readonly AgreementEffect[]};
}

/** Opaque here. */
export type AgreementState = object;

export type AgreementInput = {
  /** Whether this node agrees to a value; false may become true. */
  readonly isValid: (value: Uint8Array) => boolean;
} & (
  | {readonly kind: "start"; readonly value: Uint8Array}
  /** One's own come from the journal. */
  | {readonly kind: "message"; readonly author: number; readonly sequence: number; readonly message: string}
  | {readonly kind: "timeout"; readonly round: number}
  /** What is known has changed: a value may have become valid, or a better one to propose. */
  | {readonly kind: "changed"; readonly value: Uint8Array | null}
);

export type AgreementEffect =
  | {readonly kind: "say"; readonly sequence: number; readonly message: string}
  | {readonly kind: "timer"; readonly round: number; readonly ms: number}
  | {readonly kind: "decided"; readonly value: Uint8Array};

/** Hears a message of the agreement; it is judged when the agreement goes on. */
export function hearAgreement(draft: Draft, {author, sequence, body}: Item<"agree">): void {
  run(draft, {kind: "message", author, sequence, message: body.message});
}

export const agreeRoundOver = (draft: Draft, round: number): void => run(draft, {kind: "timeout", round});

/** Starts the agreement once this node has something to propose, and tells it what has changed since. */
export function advanceAgreement(draft: Draft): void {
  const {machine} = draft;
  const {ceremony, timing, self} = machine;
  if (draft.state.decision !== null) return;
  const recipient = ceremony.participants[self - 1]!.recipient;
  if (recipient !== null && itemsOf(draft.state, "verdict").some(({author}) => author === self)) {
    draft.elapsed("settle", timing.settleMs);
    const value = candidate(machine, draft.state);
    const begun = draft.state.agreeing;
    if (value !== null && !begun) draft.set({agreeing: true});
    if (value !== null && !begun) run(draft, {kind: "start", value});
    else run(draft, {kind: "changed", value});
  }
  decide(draft);
}

type Told<T> = T extends unknown ? Omit<T, "isValid"> : never;

function run(draft: Draft, input: Told<AgreementInput>): void {
  const {machine} = draft;
  const {agreement, ceremony, self} = machine;
  const {recipient} = ceremony.participants[self - 1]!;
  const before = draft.state.agreement ?? agreement.create(recipient, ceremony.plan.recipients);
  const known = draft.state;
  const full = {...input, isValid: (value: Uint8Array) => isValid(machine, known, value)} as AgreementInput;
  const {state, effects} = agreement.step(before, full);
  draft.set({agreement: state});
  for (const effect of effects) {
    if (effect.kind === "say") draft.say("agree", effect.sequence, {message: effect.message});
    else if (effect.kind === "timer") draft.emit({kind: "round timer", round: effect.round, ms: effect.ms});
    else draft.set({decided: effect.value});
  }
}

/** What was decided may speak of verdicts and dealings that are not here yet. */
function decide(draft: Draft): void {
  const {machine, state} = draft;
  if (state.decided === null || state.decision !== null) return;
  const found = evaluateValue(machine, state, state.decided);
  if (found === null) return;
  const {refs, qualified, guilty} = found;
  draft.set({decision: {verdicts: refs, qualified, guilty}});
}
