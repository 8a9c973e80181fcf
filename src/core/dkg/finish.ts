import {chunkKey, type Draft, itemAt, itemsOf, with_} from "./draft.js";
import {headerOf} from "./items.js";
import {type Outcomes, transcriptHash} from "./output.js";
import {CHUNK_VALIDATORS, chunkCount, contributions} from "./plan.js";
import type {DkgState, Failure, Machine} from "./state.js";
import {focusOf} from "./verdicts.js";

/** The chunk whose keys come next; null when there are keys of all validators. */
function nextChunk({ceremony}: Machine, {keys}: DkgState): number | null {
  return keys.length === ceremony.plan.validators ? null : keys.length / CHUNK_VALIDATORS;
}

const contributors = ({ceremony}: Machine, {decision}: DkgState): number[] => {
  const qualified = decision!.qualified.map(({dealer}) => dealer);
  return contributions(ceremony.plan, qualified).map(({dealer}) => dealer);
};

/** After the agreement: keys chunk by chunk, our proof, the others' proofs. */
export function finish(draft: Draft): void {
  if (draft.state.decision === null || draft.state.output !== null) return;
  if (draft.state.outcomes === null) computeKeys(draft);
  if (draft.state.outcomes === null) return;
  prove(draft);
  judgeResults(draft);
  conclude(draft);
}

/** Asks for the next chunk of all dealers that count; with all of them there, computes its keys. */
function computeKeys(draft: Draft): void {
  const {machine} = draft;
  const {ceremony} = machine;
  const dealers = contributors(machine, draft.state);
  for (let chunk = nextChunk(machine, draft.state); chunk !== null; chunk = nextChunk(machine, draft.state)) {
    const missing = dealers.filter((dealer) => !draft.state.gathered.has(dealer));
    for (const dealer of missing) {
      const dealing = focusOf(machine, draft.state, dealer);
      if (dealing !== null) requestChunk(draft, dealing, chunk);
    }
    if (missing.length > 0) return;
    const chunks = new Map(
      dealers.map((dealer) => {
        const header = headerOf(ceremony, focusOf(machine, draft.state, dealer)!);
        return [dealer, {header, bytes: draft.state.gathered.get(dealer)!}];
      }),
    );
    const qualified = draft.state.decision!.qualified.map(({dealer}) => dealer);
    const keys = draft.work("keys", {plan: ceremony.plan, qualified, chunk, chunks});
    draft.set({keys: [...draft.state.keys, ...keys], gathered: new Map()});
  }
  const {verdicts, qualified, guilty} = draft.state.decision!;
  const outcomes: Outcomes = {verdicts, qualified, guilty, keys: draft.state.keys};
  draft.set({outcomes: {...outcomes, transcript: transcriptHash(ceremony, outcomes)}});
}

/** A chunk came that the keys wait for. */
export function gather(draft: Draft, dealer: number, {chunk, bytes}: {chunk: number; bytes: Uint8Array}): void {
  const {machine, state} = draft;
  if (state.decision === null || state.outcomes !== null || nextChunk(machine, state) !== chunk) return;
  if (contributors(machine, state).includes(dealer)) draft.set({gathered: with_(state.gathered, dealer, bytes)});
}

export function requestChunk(draft: Draft, dealing: NonNullable<ReturnType<typeof focusOf>>, chunk: number): void {
  const key = chunkKey(dealing.hash, chunk);
  if (draft.state.reading.has(key)) return;
  draft.set({reading: new Set([...draft.state.reading, key])});
  draft.emit({kind: "read chunk", dealing: dealing.hash, chunk, hash: dealing.body.chunkHashes[chunk]!});
}

/** With all our shares right, asks the vault to prove them. */
function prove(draft: Draft): void {
  const {machine, state} = draft;
  const {ceremony, self} = machine;
  const {recipient} = ceremony.participants[self - 1]!;
  if (recipient === null || state.proving || itemAt(state, "result", self) !== null) return;
  const all = Array.from({length: chunkCount(ceremony.plan)}, (_, chunk) => chunk);
  for (const dealer of contributors(machine, state)) {
    const dealing = focusOf(machine, state, dealer)!;
    const states = all.map((chunk) => state.chunks.get(chunkKey(dealing.hash, chunk)));
    const lost =
      states.some((one) => one?.kind === "wrong" || one?.kind === "refused") ||
      !headerOf(ceremony, dealing).pairs.has(recipient);
    if (lost && state.lost === null) draft.set({lost: dealer});
    if (states.some((one) => one?.kind !== "open")) return;
  }
  const {transcript, ...outcomes} = draft.state.outcomes!;
  draft.set({proving: true});
  draft.emit({kind: "vault", call: {call: "prove", outcomes, transcript}});
}

function judgeResults(draft: Draft): void {
  const {ceremony} = draft.machine;
  const {transcript, keys} = draft.state.outcomes!;
  const {withdrawal, depositAmounts, network, operators, threshold} = ceremony.definition;
  const terms = {withdrawal, depositAmounts, network, operators, threshold};
  for (const result of itemsOf(draft.state, "result")) {
    if (draft.state.results.has(result.hash)) continue;
    const good = draft.work("result", {keys, transcript, terms, result});
    draft.set({results: with_(draft.state.results, result.hash, good)});
  }
}

/** Ends it when enough have proved their shares; the others are waited for a while. */
function conclude(draft: Draft): void {
  const {ceremony, timing} = draft.machine;
  const {plan, definition} = ceremony;
  const {outcomes, results} = draft.state;
  const guilty = new Set(outcomes!.guilty.map(({participant}) => participant));
  const good = itemsOf(draft.state, "result")
    .filter(({hash, author}) => results.get(hash) === true && !guilty.has(author))
    .filter(({author}, i, all) => all.findIndex((one) => one.author === author) === i)
    .sort((a, b) => a.author - b.author);
  if (good.length < definition.require) return;
  const expected = plan.recipients - [...guilty].filter((number) => number <= plan.recipients).length;
  if (good.length < expected && !draft.elapsed("result", timing.resultMs)) return;
  const present = new Set(good.map(({author}) => author));
  const missing = Array.from({length: plan.recipients}, (_, i) => i + 1).filter((number) => !present.has(number));
  const output = {...outcomes!, results: good, missing};
  draft.set({output});
  draft.emit({kind: "finished", output});
}

/** Whether it can still come to an end; the guilty may be so many that it cannot. */
export function failureAfterAgreement({ceremony}: Machine, {decision}: DkgState): Failure["reason"] | null {
  if (decision === null) return null;
  const {recipients} = ceremony.plan;
  const guilty = decision.guilty.filter(({participant}) => participant <= recipients).length;
  return recipients - guilty < ceremony.definition.require ? "guilty" : null;
}
