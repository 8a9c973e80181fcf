import {type Draft, itemAt, itemsOf, with_} from "./draft.js";
import type {Item} from "./items.js";
import type {DkgState, Machine} from "./state.js";

/** Whether a ceremony is over only when the old operators have retired. */
export const hasHandover = ({ceremony}: Machine): boolean => ceremony.definition.kind === "reshare";

/** Whether this operator can still retire when it is late: the new committee may have been completed without it. */
export function mayRetireLate({ceremony, self}: Machine): boolean {
  const {dealer, recipient} = ceremony.participants[self - 1]!;
  const {kind, require} = ceremony.definition;
  return kind === "reshare" && dealer !== null && (recipient === null || require < ceremony.plan.recipients);
}

/** The first valid retirement of each old operator, by number. */
export function retirementsOf(state: DkgState): Item<"retire">[] {
  const valid = itemsOf(state, "retire").filter(({hash}) => state.retirements.get(hash) === true);
  return valid
    .filter(({author}, i) => valid.findIndex((one) => one.author === author) === i)
    .sort((a, b) => a.author - b.author);
}

/** After the end of a reshare, once its output is put to use: the old operators retire, then the new ones take over. */
export function handOver(draft: Draft): void {
  const {machine} = draft;
  const {ceremony, self} = machine;
  if (!hasHandover(machine) || draft.state.output === null || !draft.state.settled || draft.state.handedOver) return;
  judgeRetirements(draft);
  const {dealer, recipient} = ceremony.participants[self - 1]!;
  if (dealer !== null && itemAt(draft.state, "retire", self) === null) retire(draft);
  // Who was left without a share has nothing to sign with.
  const takes = recipient !== null && !draft.state.output.missing.includes(recipient);
  if (takes && !draft.state.tookOver) takeOver(draft);
  const retired = dealer === null || itemAt(draft.state, "retire", self) !== null;
  if (!retired || (takes && !draft.state.tookOver)) return;
  draft.set({handedOver: true});
  draft.emit({kind: "handed over"});
}

function judgeRetirements(draft: Draft): void {
  const {ceremony} = draft.machine;
  const {id, participants, definition} = ceremony;
  const {transcript} = draft.state.output!;
  for (const item of itemsOf(draft.state, "retire")) {
    if (draft.state.retirements.has(item.hash)) continue;
    const good = draft.work("retirement", {ceremony: {id, participants, definition}, transcript, item});
    draft.set({retirements: with_(draft.state.retirements, item.hash, good)});
  }
}

function retire(draft: Draft): void {
  if (draft.state.retiring) return;
  draft.set({retiring: true});
  draft.emit({kind: "vault", call: {call: "retire", transcript: draft.state.output!.transcript}});
}

/** Asks again with more: the keeper has a clock, and may have passed some over. */
function takeOver(draft: Draft): void {
  const retirements = retirementsOf(draft.state);
  if (retirements.length < draft.machine.ceremony.plan.dealerThreshold) return;
  if (retirements.length <= draft.state.takingOver) return;
  draft.set({takingOver: retirements.length});
  draft.emit({kind: "vault", call: {call: "take over", retirements}});
}
