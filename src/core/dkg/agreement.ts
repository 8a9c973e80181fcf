import {formatMessage, type MessageBounds, parseMessage} from "../consensus/codec.js";
import * as consensus from "../consensus/machine.js";
import {instanceOf, type Message} from "../consensus/messages.js";
import {isDecision} from "../consensus/proofs.js";
import {roundTimeoutMs} from "../consensus/quorum.js";
import {PleiadesError} from "../errors.js";
import {hexBytes} from "./digest.js";
import {type Draft, itemsOf} from "./draft.js";
import type {AnyItem, Item} from "./items.js";
import type {DkgState, Machine} from "./state.js";
import {candidate, evaluateValue, isValid} from "./verdicts.js";

/** Verdicts of 13 recipients, 34 bytes each, as 0x hex. */
const MAX_VALUE_CHARACTERS = 2 + 2 * 13 * 34;
const KINDS: readonly Message["kind"][] = ["propose", "prepare", "commit", "round-change", "decision"];
/** Of one author: the newest. An honest one needs the last rounds only, and a liar fills nobody's disk. */
const KEPT = 40;

const boundsOf = ({ceremony}: Machine): MessageBounds => ({
  n: ceremony.plan.recipients,
  maxValueCharacters: MAX_VALUE_CHARACTERS,
});

/** The agreement among the recipients on the verdicts that count. @see core/consensus */
export function agreementOf({ceremony, self, sign}: Machine): consensus.Agreement {
  const {plan, participants} = ceremony;
  return {
    id: instanceOf("dkg", plan.id),
    n: plan.recipients,
    self,
    // Whoever begins differs from ceremony to ceremony.
    offset: plan.id[0]! % plan.recipients,
    sign: (bytes) => `0x${Buffer.from(sign(bytes)).toString("hex")}`,
    verify: (author, bytes, signature) => ceremony.verify(participants[author - 1]!.peerId, bytes, hexBytes(signature)),
  };
}

/** One place for each kind in each round: two different messages there are a lie. */
export const agreeSequence = ({kind, round}: Pick<Message, "kind" | "round">): number =>
  (round - 1) * KINDS.length + KINDS.indexOf(kind);

/** As it is written once it was read: what is said again after a crash must be the same to the letter. */
const spelling = (machine: Machine, message: Message): string =>
  formatMessage(parseMessage(formatMessage(message), boundsOf(machine)));

/** Null for what the agreement's codec refuses, or what is not where its author put it. */
function messageOf(machine: Machine, {author, sequence, body}: Item<"agree">): Message | null {
  try {
    const message = parseMessage(body.message, boundsOf(machine));
    const own = message.kind === "decision" || message.author === author;
    return own && agreeSequence(message) === sequence ? message : null;
  } catch (error) {
    if (error instanceof PleiadesError) return null;
    throw error;
  }
}

const isRecipient = ({ceremony, self}: Machine): boolean => ceremony.participants[self - 1]!.recipient !== null;

const stateOf = ({state}: Draft): consensus.State => state.agreement ?? consensus.newState();

/** Takes up what this node said before it was started anew, and hears what the journal has of the others. */
export function resumeAgreement(draft: Draft, memory: consensus.Memory | null): void {
  const {machine} = draft;
  if (isRecipient(machine) && memory !== null) {
    apply(draft, consensus.restore(agreementOf(machine), memory));
    if (memory.round > 0) draft.set({agreeing: true});
    if (memory.decision !== null) draft.set({decided: hexBytes(memory.decision.value)});
  }
  for (const item of itemsOf(draft.state, "agree")) hearAgreement(draft, item);
}

/** A message of the agreement; who only deals listens for the decision. */
export function hearAgreement(draft: Draft, item: Item<"agree">): void {
  const {machine} = draft;
  const message = messageOf(machine, item);
  if (message === null) return;
  if (isRecipient(machine)) run(draft, {kind: "message", message});
  else if (message.kind === "decision" && isDecision(agreementOf(machine), message)) {
    draft.set({decided: hexBytes(message.value)});
  }
}

export const agreeRoundOver = (draft: Draft, round: number): void => run(draft, {kind: "timeout", round});

/** Starts the agreement once this node has something to propose, and tells it what has changed since. */
export function advanceAgreement(draft: Draft): void {
  const {machine} = draft;
  const {timing, self} = machine;
  if (draft.state.decision !== null) return;
  if (isRecipient(machine) && itemsOf(draft.state, "verdict").some(({author}) => author === self)) {
    draft.elapsed("settle", timing.settleMs);
    const value = candidate(machine, draft.state);
    const text = value === null ? null : `0x${Buffer.from(value).toString("hex")}`;
    if (text !== null && text !== stateOf(draft).candidate) run(draft, {kind: "propose", value: text});
    if (text !== null && !draft.state.agreeing) {
      draft.set({agreeing: true});
      run(draft, {kind: "start"});
    }
    run(draft, {kind: "recheck"});
  }
  decide(draft);
}

function run(draft: Draft, input: consensus.Input): void {
  const {machine} = draft;
  const known: DkgState = draft.state;
  const judge: consensus.Judge = (value) => (isValid(machine, known, hexBytes(value)) ? "valid" : "not yet");
  apply(draft, consensus.step(agreementOf(machine), judge, stateOf(draft), input));
}

function apply(draft: Draft, {state, effects}: consensus.Step): void {
  const {roundMs, maxRoundMs} = draft.machine.timing;
  draft.set({agreement: state});
  for (const effect of effects) {
    switch (effect.kind) {
      case "persist":
        draft.emit({kind: "persist agreement", memory: effect.memory});
        break;
      case "broadcast":
        draft.say("agree", agreeSequence(effect.message), {message: spelling(draft.machine, effect.message)});
        forgetOld(draft, draft.machine.self);
        break;
      case "timer": {
        const ms = roundTimeoutMs(effect.round, {baseMs: roundMs, maxMs: maxRoundMs});
        draft.emit({kind: "round timer", round: effect.round, ms});
        break;
      }
      case "decided":
        draft.set({decided: hexBytes(effect.decision.value)});
        break;
      case "equivocation":
        // The items that carried the votes are the proof.
        break;
    }
  }
}

const messagesBy = (state: DkgState, author: number): Item<"agree">[] =>
  itemsOf(state, "agree").filter((item) => item.author === author);

/** Whether a message is older than all that are kept of its author. */
export function isOutdated(state: DkgState, {author, sequence}: AnyItem): boolean {
  const kept = messagesBy(state, author);
  return kept.length >= KEPT && kept.every((item) => item.sequence > sequence);
}

/** An author's oldest messages of the agreement go when there are many. */
export function forgetOld(draft: Draft, author: number): void {
  const kept = messagesBy(draft.state, author);
  if (kept.length <= KEPT) return;
  const oldest = kept.reduce((low, item) => (item.sequence < low.sequence ? item : low));
  draft.remove(oldest as AnyItem);
  draft.emit({kind: "forget", item: oldest as AnyItem});
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

/** The agreement's memory as text for the journal. */
export const formatMemory = (memory: consensus.Memory): string => JSON.stringify(memory);

/** From this node's own journal, but checked all the same. @throws CONSENSUS_MALFORMED · CODEC_HEX */
export function parseMemory(machine: Machine, text: string): consensus.Memory {
  const {round, said, prepared, decision} = JSON.parse(text) as consensus.Memory;
  const bounds = boundsOf(machine);
  const again = <M extends Message>(message: M): M => parseMessage(formatMessage(message), bounds) as M;
  return {
    round,
    said: said.map(again),
    prepared: prepared === null ? null : {...prepared, prepares: prepared.prepares.map(again)},
    decision: decision === null ? null : again(decision),
  };
}
