import type {RootHex} from "../bytes.js";
import {
  accusesMore,
  decodeRefs,
  type Evaluation,
  encodeRefs,
  evaluate,
  type Guilty,
  type Judge,
  type Judgement,
  type VerdictRef,
} from "./blame.js";
import {dealerParticipant} from "./ceremony.js";
import {opensCommitment} from "./dealing.js";
import {chunkKey, chunkStates, type Draft, dealingOf, itemAt, itemsAt, verdictsOf} from "./draft.js";
import {type Equivocation, headerOf, type Item, type Outcome, type VerdictBody, type VerdictEntry} from "./items.js";
import {MAX_REVISION} from "./items-codec.js";
import type {DkgState, Machine} from "./state.js";

const numbers = (count: number): number[] => Array.from({length: count}, (_, i) => i + 1);

const opened = new WeakMap<Item<"deal">, boolean>();

/** Whether a dealing's header has what its dealer announced. */
export function isOpened({ceremony}: Machine, dealing: Item<"deal">): boolean {
  const known = opened.get(dealing);
  if (known !== undefined) return known;
  const {dealer} = ceremony.participants[dealing.author - 1]!;
  const announce = dealing.body.announces.find(({author}) => author === dealing.author)!;
  const opens = opensCommitment(ceremony.plan, dealer!, headerOf(ceremony, dealing), announce.body.commitment!);
  opened.set(dealing, opens);
  return opens;
}

/** The dealing of a dealer that matters here: the one agreed on, else the first that came. */
export function focusOf(machine: Machine, state: DkgState, dealer: number): Item<"deal"> | null {
  const agreed = state.decision?.qualified.find((one) => one.dealer === dealer);
  if (agreed !== undefined) return dealingOf(machine, state, dealer, agreed.dealing);
  return itemAt(state, "deal", dealerParticipant(machine.ceremony, dealer).number);
}

/** What this node finds of a dealing so far; null while it finds nothing. */
function outcomeOf(machine: Machine, state: DkgState, dealing: Item<"deal">): Outcome | null {
  if (!isOpened(machine, dealing)) return {kind: "malformed", chunk: null};
  const chunks = chunkStates(machine, state, dealing.hash);
  const malformed = chunks.findIndex((chunk) => chunk?.kind === "malformed");
  if (malformed !== -1) return {kind: "malformed", chunk: malformed};
  for (const [i, chunk] of chunks.entries()) {
    if (chunk?.kind === "wrong") return {kind: "complaint", chunk: i, secret: chunk.secret};
  }
  return chunks.every((chunk) => chunk?.kind === "open") && wasCommitted(machine, state, dealing) ? {kind: "ok"} : null;
}

/**
 * Whether the dealer was bound before this node revealed its own dealing: its announce must be among those this node
 * dealt on. Otherwise it could have chosen its dealing after seeing ours.
 */
function wasCommitted({ceremony, self}: Machine, state: DkgState, dealing: Item<"deal">): boolean {
  if (ceremony.participants[self - 1]!.dealer === null) return true;
  const own = itemAt(state, "deal", self);
  const used = dealing.body.announces.find(({author}) => author === dealing.author)!;
  return own?.body.announces.some(({author, hash}) => author === dealing.author && hash === used.hash) ?? false;
}

/** Two items at one place. */
function equivocationOf(state: DkgState, participant: number): Equivocation | null {
  for (const [place, hashes] of state.places) {
    if (hashes.length < 2) continue;
    const found = hashes.slice(0, 2).map((hash) => state.items.get(`${place}/${hash}`)!);
    const [first, second] = found.sort((a, b) => (a.hash < b.hash ? -1 : 1));
    if (first!.author !== participant) continue;
    const {kind, sequence} = first!;
    const signed = [first!, second!].map(({hash, signature}) => ({hash, signature}));
    return {participant, kind, sequence, items: [signed[0]!, signed[1]!]};
  }
  return null;
}

const ownVerdict = ({self}: Machine, state: DkgState): Item<"verdict"> | null => verdictsOf(state, self)[0] ?? null;

/** All that this node has found so far. What it once said stays. */
function findings(machine: Machine, state: DkgState): VerdictBody {
  const {ceremony} = machine;
  const said = ownVerdict(machine, state)?.body ?? {entries: [], equivocations: []};
  const entries = numbers(ceremony.plan.dealers).flatMap((dealer): VerdictEntry[] => {
    const before = said.entries.find((entry) => entry.dealer === dealer);
    if (before !== undefined) return [before];
    const dealing = focusOf(machine, state, dealer);
    const outcome = dealing === null ? null : outcomeOf(machine, state, dealing);
    if (dealing === null || outcome === null) return [];
    return [{dealer, dealing: dealing.hash, signature: dealing.signature, outcome}];
  });
  const equivocations = ceremony.participants.flatMap(({number}) => {
    const before = said.equivocations.find(({participant}) => participant === number);
    return before ?? equivocationOf(state, number) ?? [];
  });
  return {entries, equivocations};
}

/** Gives this node's verdict when there is one to give, and another when there is more to say. */
export function giveVerdict(draft: Draft): void {
  const {machine} = draft;
  const {ceremony, timing, self} = machine;
  const own = ownVerdict(machine, draft.state);
  const body = findings(machine, draft.state);
  if (own === null) {
    const started =
      itemAt(draft.state, "deal", self) !== null ||
      (ceremony.participants[self - 1]!.dealer === null &&
        [...draft.state.items.values()].some(({kind}) => kind === "deal"));
    if (!started) return;
    const waited = draft.elapsed("deal", timing.dealMs);
    const approved = body.entries.filter(({outcome}) => outcome.kind === "ok").length;
    if (!isSettled(machine, [body], body) && !(waited && approved >= ceremony.plan.dealerThreshold)) return;
    draft.say("verdict", 0, body);
    return;
  }
  const more =
    body.entries.length + body.equivocations.length > own.body.entries.length + own.body.equivocations.length;
  if (more && own.sequence < MAX_REVISION) draft.say("verdict", own.sequence + 1, body);
}

/** Whether a verdict says something of each dealer, or together with others proves that it is a liar. */
function isSettled({ceremony}: Machine, all: readonly VerdictBody[], one: VerdictBody): boolean {
  const liars = new Set(all.flatMap(({equivocations}) => equivocations.map(({participant}) => participant)));
  return numbers(ceremony.plan.dealers).every(
    (dealer) =>
      one.entries.some((entry) => entry.dealer === dealer) || liars.has(dealerParticipant(ceremony, dealer).number),
  );
}

/** Judges by what is known of the dealings here. */
export const judgeIn = (machine: Machine, state: DkgState): Judge => ({
  accusation: ({dealer, dealing: hash, outcome}, recipient): Judgement | null => {
    const dealing = dealingOf(machine, state, dealer, hash);
    if (dealing === null || outcome.kind === "ok") return null;
    const opens = isOpened(machine, dealing);
    if (outcome.kind === "malformed" && outcome.chunk === null) return opens ? "accuser" : "dealer";
    // The chunks of a header that opens nothing are never fetched; whatever is said of them, the dealer is guilty.
    if (!opens) return "dealer";
    const chunk = state.chunks.get(chunkKey(hash, outcome.chunk!));
    if (chunk === undefined) return null;
    if (chunk.kind === "malformed") return "dealer";
    if (outcome.kind === "malformed") return "accuser";
    return state.judgements.get(judgementKey(hash, outcome.chunk, recipient, outcome.secret)) ?? null;
  },
  recipients({dealer, dealing: hash}) {
    const dealing = dealingOf(machine, state, dealer, hash);
    return dealing === null ? null : new Set(headerOf(machine.ceremony, dealing).pairs.keys());
  },
});

export const judgementKey = (dealing: RootHex, chunk: number, recipient: number, secret: RootHex): string =>
  `${chunkKey(dealing, chunk)}/${recipient}/${secret}`;

/** Complaints that are heard of but not judged, though their chunk is well formed. */
export function openComplaints(machine: Machine, state: DkgState): {entry: VerdictEntry; recipient: number}[] {
  const judge = judgeIn(machine, state);
  return [...state.items.values()].flatMap((item) => {
    if (item.kind !== "verdict") return [];
    const {author, body} = item as Item<"verdict">;
    const open = body.entries.filter(
      (entry) => entry.outcome.kind !== "ok" && judge.accusation(entry, author) === null,
    );
    return open.map((entry) => ({entry, recipient: author}));
  });
}

/** Whether a recipient gave two verdicts under one number: then none of them need be heard. */
const isTwofold = (state: DkgState, recipient: number): boolean =>
  verdictsOf(state, recipient).some(({sequence}) => itemsAt(state, "verdict", recipient, sequence).length > 1);

/** The newest verdict of a recipient whose accusations can all be judged. */
function newestJudged(machine: Machine, state: DkgState, recipient: number): Item<"verdict"> | null {
  const {ceremony} = machine;
  const judge = judgeIn(machine, state);
  return verdictsOf(state, recipient).find((one) => evaluate(ceremony, [one], judge) !== null) ?? null;
}

const refOf = ({author, sequence, hash}: Item<"verdict">): VerdictRef => ({
  recipient: author,
  revision: sequence,
  hash,
});

/** What this node would propose to agree on; null while it knows too little. */
export function candidate(machine: Machine, state: DkgState): Uint8Array | null {
  const verdicts = numbers(machine.ceremony.plan.recipients).flatMap((recipient) =>
    isTwofold(state, recipient) ? [] : (newestJudged(machine, state, recipient) ?? []),
  );
  const value = encodeRefs(verdicts.map(refOf));
  return isValid(machine, state, value) ? value : null;
}

/**
 * Whether this node agrees that a value be decided. It must lead to a key; and it must hear everybody: a leader can leave out
 * neither an operator whose verdict this node has, nor an accusation.
 * False may become true when more is known.
 */
export function isValid(machine: Machine, state: DkgState, value: Uint8Array): boolean {
  const {ceremony} = machine;
  const {plan, definition} = ceremony;
  const evaluation = evaluateValue(machine, state, value);
  if (evaluation === null) return false;
  const {verdicts, qualified} = evaluation;
  if (verdicts.length < definition.require || qualified.length < plan.dealerThreshold) return false;
  const heard = numbers(plan.recipients).every((recipient) => {
    if (isTwofold(state, recipient)) return true;
    const newest = newestJudged(machine, state, recipient);
    const included = verdicts.find(({author}) => author === recipient);
    return newest === null || (included !== undefined && !accusesMore(newest, included));
  });
  if (!heard) return false;
  const bodies = verdicts.map(({body}) => body);
  const complete = verdicts.length === plan.recipients && bodies.every((body) => isSettled(machine, bodies, body));
  return complete || state.timers.get("settle") === "fired";
}

/** What a value means; null when it is none, or speaks of what is not here. */
export function evaluateValue(
  machine: Machine,
  state: DkgState,
  value: Uint8Array,
): (Evaluation & {readonly refs: readonly VerdictRef[]; readonly verdicts: readonly Item<"verdict">[]}) | null {
  const refs = decodeRefs(machine.ceremony, value);
  if (refs === null) return null;
  const verdicts = refs.flatMap(
    ({recipient, revision, hash}) =>
      itemsAt(state, "verdict", recipient, revision).find((one) => one.hash === hash) ?? [],
  );
  if (verdicts.length !== refs.length) return null;
  const evaluation = evaluate(machine.ceremony, verdicts, judgeIn(machine, state));
  return evaluation === null ? null : {...evaluation, refs, verdicts};
}

/** Who is known to have said two things at once, before anything was agreed on. */
export const equivocators = ({ceremony}: Machine, state: DkgState): Guilty[] =>
  ceremony.participants
    .filter(({number}) => equivocationOf(state, number) !== null)
    .map(({number}) => ({participant: number, offence: "equivocation"}));
