import {advanceAgreement, agreeRoundOver, forgetOld, hearAgreement, isOutdated, resumeAgreement} from "./agreement.js";
import {isNamedChunk} from "./checking.js";
import {chunkHash} from "./chunk.js";
import {hexBytes} from "./digest.js";
import {chunkKey, chunkStates, Draft, dealingOf, itemAt, itemKey, itemsOf, with_} from "./draft.js";
import {failureAfterAgreement, finish, gather, requestChunk} from "./finish.js";
import {handOver, mayRetireLate} from "./handover.js";
import {type AnyItem, headerOf, type Item, placeOf} from "./items.js";
import {hasEnoughAnnounces} from "./items-codec.js";
import {chunkCount} from "./plan.js";
import {failureOf} from "./progress.js";
import {type DkgEffect, type DkgInput, type DkgState, type Failure, type Machine, NEW_CEREMONY} from "./state.js";
import {focusOf, giveVerdict, isOpened, judgementKey, openComplaints} from "./verdicts.js";

export {NEW_CEREMONY};

/** Two prove a lie; more prove no more. */
const MAX_VARIANTS = 2;

/**
 * One operator's part of one ceremony. Everything that was said is an item; what has to be done next follows from the items
 * and chunks at hand, so after a crash the journal is put in again and it goes on.
 */
export function step(
  machine: Machine,
  state: DkgState,
  input: DkgInput,
): {state: DkgState; effects: readonly DkgEffect[]} {
  if (state.failure !== null) return {state, effects: []};
  const draft = new Draft(machine, state);
  take(draft, input);
  // While the journal is put in again nothing new is said; and what changes nothing asks for nothing.
  const replayed = input.kind === "item" && input.stored;
  if (!replayed && (draft.state !== state || input.kind === "start")) drive(draft);
  return {state: draft.state, effects: draft.effects};
}

function take(draft: Draft, input: DkgInput): void {
  const {state} = draft;
  switch (input.kind) {
    case "start":
      resumeAgreement(draft, input.memory);
      return;
    case "item":
      hear(draft, input.item, input.stored);
      return;
    case "chunk":
      takeChunk(draft, input);
      return;
    case "timer":
      draft.set({timers: with_(state.timers, input.name, "fired")});
      return;
    case "round timer":
      agreeRoundOver(draft, input.round);
      return;
    case "announced":
      if (ownItem(draft, "announce") === null) draft.say("announce", 0, input.body);
      return;
    case "dealt":
      takeDealt(draft, input);
      return;
    case "opened": {
      const key = chunkKey(input.dealing, input.chunk);
      const opened =
        input.secret === null ? ({kind: "open"} as const) : ({kind: "wrong", secret: input.secret} as const);
      if (state.chunks.get(key)?.kind === "good") draft.setChunk(key, opened);
      return;
    }
    case "not opened": {
      const key = chunkKey(input.dealing, input.chunk);
      if (state.chunks.get(key)?.kind === "good") draft.setChunk(key, {kind: "refused"});
      return;
    }
    case "proved":
      if (state.outcomes === null || ownItem(draft, "result") !== null) return;
      draft.say("result", 0, {transcript: state.outcomes.transcript, proof: input.proof, deposits: input.deposits});
      return;
    case "abort":
      // Once the proof is out others may already use the key.
      if (state.output !== null || ownItem(draft, "result") !== null || ownItem(draft, "abort") !== null) return;
      draft.say("abort", 0, {reason: input.reason});
      return;
    case "settled":
      draft.set({settled: true});
      return;
    case "retired":
      if (ownItem(draft, "retire") === null) draft.say("retire", 0, input.body);
      return;
    case "took over":
      draft.set({tookOver: true});
      return;
    case "deadline":
      if (state.output !== null) return;
      if (ownItem(draft, "result") === null && !mayRetireLate(draft.machine)) fail(draft, "deadline");
      else stall(draft, "deadline");
      return;
    case "give up":
      if (state.output === null && state.stalled !== null && ownItem(draft, "result") === null) fail(draft, "deadline");
      return;
  }
}

const ownItem = ({machine, state}: Draft, kind: "announce" | "deal" | "result" | "abort" | "retire"): Item | null =>
  itemAt(state, kind, machine.self);

function fail(draft: Draft, reason: Failure["reason"]): void {
  if (draft.state.failure !== null) return;
  const failure = failureOf(draft.machine, draft.state, reason);
  draft.set({failure});
  draft.emit({kind: "failed", failure});
}

function stall(draft: Draft, reason: Failure["reason"]): void {
  const failure = failureOf(draft.machine, draft.state, reason);
  draft.set({stalled: failure});
  draft.emit({kind: "stalled", failure});
}

/** Keeps an item that is new. Of several at one place two are kept, and a dealing that somebody's verdict names. */
function hear(draft: Draft, item: AnyItem, stored: boolean): void {
  const {state} = draft;
  if (state.items.has(itemKey(item))) return;
  const variants = state.places.get(placeOf(item))?.length ?? 0;
  if (variants >= MAX_VARIANTS && !(item.kind === "deal" && isNamed(state, item))) return;
  if (item.kind === "agree" && isOutdated(state, item)) return;
  draft.add(item);
  if (!stored) draft.emit({kind: "persist", item});
  // Signed as well: who dealt has these, so everybody may as well.
  if (item.kind === "deal")
    for (const announce of (item as Item<"deal">).body.announces) hear(draft, announce as AnyItem, stored);
  if (item.kind !== "agree") return;
  // From the journal they are heard together, after what this node said itself.
  if (!stored) hearAgreement(draft, item as Item<"agree">);
  forgetOld(draft, item.author);
}

const isNamed = (state: DkgState, {hash}: AnyItem): boolean =>
  itemsOf(state, "verdict").some(({body}) => body.entries.some(({dealing}) => dealing === hash));

/** Checks a chunk and finds out who lied in it; whatever waits for its bytes gets them. */
function takeChunk(draft: Draft, input: Extract<DkgInput, {kind: "chunk"}>): void {
  const {machine} = draft;
  const {ceremony} = machine;
  const dealing = itemsOf(draft.state, "deal").find(({hash}) => hash === input.dealing);
  if (dealing === undefined || input.chunk >= chunkCount(ceremony.plan)) return;
  const header = headerOf(ceremony, dealing);
  const {dealer} = ceremony.participants[dealing.author - 1]!;
  const at = {dealer: dealer!, header, chunk: input.chunk, bytes: input.bytes};
  if (!isNamedChunk(at)) return;
  const key = chunkKey(input.dealing, input.chunk);
  draft.set({reading: new Set([...draft.state.reading].filter((one) => one !== key))});
  if (!draft.state.chunks.has(key)) {
    const hash = header.chunkHashes[input.chunk]!;
    if (!input.stored) draft.emit({kind: "persist chunk", hash, bytes: input.bytes});
    const malformation = draft.work("check", {plan: ceremony.plan, at});
    draft.setChunk(key, {kind: malformation === null ? "good" : "malformed"});
  }
  if (draft.state.chunks.get(key)!.kind === "malformed") return;
  open(draft, dealing, input);
  for (const {entry, recipient} of openComplaints(machine, draft.state)) {
    const {outcome} = entry;
    if (entry.dealing !== input.dealing || outcome.kind !== "complaint" || outcome.chunk !== input.chunk) continue;
    const complaint = {recipient, secret: hexBytes(outcome.secret)};
    const verdict = draft.work("judge", {plan: ceremony.plan, at, complaint});
    const judged = judgementKey(entry.dealing, outcome.chunk, recipient, outcome.secret);
    const judgement = verdict === "dealer" ? "dealer" : "accuser";
    draft.set({judgements: with_(draft.state.judgements, judged, judgement)});
  }
  if (focusOf(machine, draft.state, dealer!)?.hash === input.dealing) gather(draft, dealer!, input);
}

/** Whether the vault has yet to open a chunk: of the one dealing of its dealer that matters, when it has shares for us. */
function isToOpen({machine, state}: Draft, dealing: Item<"deal">, chunk: number): boolean {
  const {ceremony, self} = machine;
  const {recipient} = ceremony.participants[self - 1]!;
  const key = chunkKey(dealing.hash, chunk);
  if (recipient === null || state.opening.has(key) || state.chunks.get(key)?.kind !== "good") return false;
  const {dealer} = ceremony.participants[dealing.author - 1]!;
  return focusOf(machine, state, dealer!)?.hash === dealing.hash && headerOf(ceremony, dealing).pairs.has(recipient);
}

function open(draft: Draft, dealing: Item<"deal">, {chunk, bytes}: {chunk: number; bytes: Uint8Array}): void {
  if (!isToOpen(draft, dealing, chunk)) return;
  draft.set({opening: new Set([...draft.state.opening, chunkKey(dealing.hash, chunk)])});
  draft.emit({kind: "vault", call: {call: "open", dealing, chunk, bytes}});
}

/** A chunk of our own dealing is made; after the last one the header is signed. */
function takeDealt(
  draft: Draft,
  {chunk, bytes, publicHash, announces, ephemerals}: Extract<DkgInput, {kind: "dealt"}>,
): void {
  const {machine, state} = draft;
  if (ownItem(draft, "deal") !== null) return;
  const before = state.dealing ?? {announces, ephemerals, publicHashes: [], chunkHashes: []};
  if (before.chunkHashes.length !== chunk) return;
  const hash = chunkHash(bytes);
  draft.emit({kind: "persist chunk", hash, bytes});
  const dealing = {
    ...before,
    publicHashes: [...before.publicHashes, publicHash],
    chunkHashes: [...before.chunkHashes, hash],
  };
  draft.set({dealing});
  if (dealing.chunkHashes.length < chunkCount(machine.ceremony.plan)) {
    draft.emit({kind: "vault", call: {call: "deal", announces: dealing.announces, chunk: chunk + 1}});
    return;
  }
  draft.say("deal", 0, dealing);
}

/** Does all that can be done now. */
function drive(draft: Draft): void {
  if (draft.state.failure !== null) return;
  if (ownItem(draft, "announce") === null) {
    if (!draft.state.asked.has("announce")) {
      draft.set({asked: new Set([...draft.state.asked, "announce" as const])});
      draft.emit({kind: "vault", call: {call: "announce"}});
    }
  } else {
    deal(draft);
    fetchChunks(draft);
    const {recipient} = draft.machine.ceremony.participants[draft.machine.self - 1]!;
    if (recipient !== null) giveVerdict(draft);
    advanceAgreement(draft);
    finish(draft);
    handOver(draft);
  }
  leave(draft);
}

/** Deals on all announces, or where not all are required on those that came in time. */
function deal(draft: Draft): void {
  const {machine, state} = draft;
  const {ceremony, self, timing} = machine;
  if (ceremony.participants[self - 1]!.dealer === null || ownItem(draft, "deal") !== null || state.asked.has("deal"))
    return;
  const announces = ceremony.participants.flatMap(({number}) => itemAt(state, "announce", number) ?? []);
  if (!hasEnoughAnnounces(ceremony, announces)) return;
  if (announces.length < ceremony.participants.length && !draft.elapsed("announce", timing.announceMs)) return;
  draft.set({asked: new Set([...draft.state.asked, "deal" as const])});
  draft.emit({kind: "vault", call: {call: "deal", announces, chunk: 0}});
}

/** Asks for the chunks that are not here and those that a complaint needs once more. */
function fetchChunks(draft: Draft): void {
  const {machine} = draft;
  const {plan} = machine.ceremony;
  for (let dealer = 1; dealer <= plan.dealers; dealer++) {
    const dealing = focusOf(machine, draft.state, dealer);
    if (dealing === null || !isOpened(machine, dealing)) continue;
    chunkStates(machine, draft.state, dealing.hash).forEach((state, chunk) => {
      if (state === null || isToOpen(draft, dealing, chunk)) requestChunk(draft, dealing, chunk);
    });
  }
  for (const {entry} of openComplaints(machine, draft.state)) {
    const dealing = dealingOf(machine, draft.state, entry.dealer, entry.dealing);
    const chunk = entry.outcome.kind === "ok" ? null : entry.outcome.chunk;
    if (dealing !== null && chunk !== null && isOpened(machine, dealing)) requestChunk(draft, dealing, chunk);
  }
}

/** Ends it for this operator's own abort, or when too few are left. */
function leave(draft: Draft): void {
  const {machine, state} = draft;
  const {ceremony} = machine;
  if (state.output !== null || ownItem(draft, "result") !== null) return;
  const left = new Set(itemsOf(state, "abort").map(({author}) => author));
  const recipients = ceremony.participants.filter(({number, recipient}) => recipient !== null && !left.has(number));
  const dealers = ceremony.participants.filter(({number, dealer}) => dealer !== null && !left.has(number));
  const tooFew =
    recipients.length < ceremony.definition.require ||
    (state.decision === null && dealers.length < ceremony.plan.dealerThreshold);
  if (tooFew && !left.has(machine.self) && mayRetireLate(machine)) {
    // A liar may leave for some and prove its share to others, who then complete it: who is to retire listens on.
    if (state.stalled === null) stall(draft, "aborted");
    return;
  }
  const reason = tooFew || left.has(machine.self) ? "aborted" : failureAfterAgreement(machine, state);
  if (reason !== null) fail(draft, reason);
}
