import type {RootHex} from "../bytes.js";
import {
  type Commit,
  type Decision,
  type Message,
  type Prepare,
  type Prepared,
  type Propose,
  type RoundChange,
  signedBytes,
  type Unsigned,
  type Vote,
  valueDigest,
} from "./messages.js";
import {highestPrepared, type Instance, isDecision, isSigned, isVote} from "./proofs.js";
import {leaderOf, quorumOf, tolerated} from "./quorum.js";

/**
 * Agreement on one value among n = 3f+1 participants of whom f may lie, over a network that may lose, delay and repeat
 * for a while: nobody honest ever decides two values, and once messages arrive in time everybody decides.
 *
 * @see Moniz, "The Istanbul BFT Consensus Algorithm" (2020): algorithms 1 to 3, and 4 for the justifications. Divergences,
 *   each marked where it is: docs/adr/0017-agreement.md.
 */
export interface Agreement extends Instance {
  /** This participant's number. */
  readonly self: number;
  /** Shifts who leads the first round. */
  readonly offset: number;
  /** Signs with this participant's key. */
  readonly sign: (bytes: Uint8Array) => string;
}

/** Whether a value may be decided as far as this participant knows; "not yet" is asked again at each `recheck`. */
export type Judge = (value: string) => "valid" | "invalid" | "not yet";

/** All that a participant must not forget: what it has said in this round, and what it has prepared. */
export interface Memory {
  /** From 1; 0 before the start. */
  readonly round: number;
  /** Own votes of this round. */
  readonly said: readonly Vote[];
  readonly prepared: Prepared | null;
  readonly decision: Decision | null;
}

export interface State extends Memory {
  /** What this participant would propose. */
  readonly candidate: string | null;
  /** First valid vote of each author by kind and round: `kind/author/round`. */
  readonly votes: ReadonlyMap<string, Vote>;
  /** The last round whose timer was set. */
  readonly timed: number;
  /** Authors whose equivocation has been shown. */
  readonly caught: ReadonlySet<number>;
}

export type Input =
  | {readonly kind: "start"}
  /** A candidate, or a better one. */
  | {readonly kind: "propose"; readonly value: string}
  /** From somebody else, parsed. */
  | {readonly kind: "message"; readonly message: Message}
  | {readonly kind: "timeout"; readonly round: number}
  /** The judge may say something else now. */
  | {readonly kind: "recheck"};

/** In the order in which they must happen: memory is durable before anything of it leaves. */
export type Effect =
  | {readonly kind: "persist"; readonly memory: Memory}
  | {readonly kind: "broadcast"; readonly message: Message}
  /** @see roundTimeoutMs */
  | {readonly kind: "timer"; readonly round: number}
  | {readonly kind: "decided"; readonly decision: Decision}
  /** Two signed votes that an honest participant does not both cast; once for each author. */
  | {readonly kind: "equivocation"; readonly votes: readonly [Vote, Vote]};

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** An author's votes of one kind: an honest one needs the last rounds only, and a liar fills nobody's memory. */
const ROUNDS_KEPT = 4;

const EMPTY: State = {
  round: 0,
  said: [],
  prepared: null,
  decision: null,
  candidate: null,
  votes: new Map(),
  timed: 0,
  caught: new Set(),
};

/** A participant that has said nothing yet. */
export const newState = (): State => EMPTY;

/** One that comes back. Its messages are to be fed again; what it said it will not say differently. */
export function restore(agreement: Agreement, memory: Memory): Step {
  const votes = new Map(memory.said.map((vote) => [keyOf(vote), vote]));
  const state: State = {...EMPTY, ...memory, votes};
  const again = [...memory.said, ...(memory.decision === null ? [] : [memory.decision])];
  const effects: Effect[] = again.map((message) => ({kind: "broadcast", message}));
  return settle(agreement, () => "not yet", {state, effects});
}

/** Pure: the state is not changed, the judge is asked and nothing else. */
export function step(agreement: Agreement, judge: Judge, state: State, input: Input): Step {
  if (state.decision !== null) return late(agreement, state, input);
  switch (input.kind) {
    case "start":
      return state.round > 0 ? {state, effects: []} : settle(agreement, judge, {state: enter(state, 1), effects: []});
    case "propose":
      return settle(agreement, judge, {state: {...state, candidate: input.value}, effects: []});
    case "recheck":
      return settle(agreement, judge, {state, effects: []});
    case "timeout":
      return input.round !== state.round
        ? {state, effects: []}
        : settle(agreement, judge, askForRound(agreement, state, state.round + 1));
    case "message": {
      const {message} = input;
      if (message.kind !== "decision") {
        const heard = hear(agreement, state, message);
        // Nothing new, so no rule has anything new to do.
        return heard.state === state ? heard : settle(agreement, judge, heard);
      }
      return isDecision(agreement, message) ? settle(agreement, judge, decide(state, message)) : {state, effects: []};
    }
  }
}

/** Whoever still asks for rounds has not heard: told once for each later round, so that repeating makes nobody talk. */
function late(agreement: Agreement, state: State, input: Input): Step {
  const silent: Step = {state, effects: []};
  if (input.kind !== "message" || input.message.kind !== "round-change" || state.decision === null) return silent;
  const vote = input.message;
  const asked = votesOf(state, "round-change").some(({author, round}) => author === vote.author && round >= vote.round);
  if (asked || !isVote(agreement, vote)) return silent;
  return {
    state: {...state, votes: remember(state.votes, vote)},
    effects: [{kind: "broadcast", message: state.decision}],
  };
}

const keyOf = ({kind, author, round}: Pick<Vote, "kind" | "author" | "round">): string => `${kind}/${author}/${round}`;

function hear(agreement: Agreement, state: State, vote: Vote): Step {
  // Its own words come from its memory alone.
  if (vote.author === agreement.self) return {state, effects: []};
  const known = state.votes.get(keyOf(vote));
  if (known !== undefined) {
    const {id} = agreement;
    const same = Buffer.compare(signedBytes(id, known), signedBytes(id, vote)) === 0;
    // Signed is enough: it need not be justified to be a second word.
    if (same || state.caught.has(vote.author) || !isSigned(agreement, vote)) return {state, effects: []};
    const caught = new Set(state.caught).add(vote.author);
    return {state: {...state, caught}, effects: [{kind: "equivocation", votes: [known, vote]}]};
  }
  if (!isVote(agreement, vote)) return {state, effects: []};
  return {state: {...state, votes: remember(state.votes, vote)}, effects: []};
}

function remember(votes: ReadonlyMap<string, Vote>, vote: Vote): ReadonlyMap<string, Vote> {
  const all = new Map(votes).set(keyOf(vote), vote);
  const like = [...all.values()].filter(({kind, author}) => kind === vote.kind && author === vote.author);
  if (like.length > ROUNDS_KEPT) all.delete(keyOf(like.reduce((low, one) => (one.round < low.round ? one : low))));
  return all;
}

/** Applies the rules until none does anything more; memory goes first among the effects. */
function settle(agreement: Agreement, judge: Judge, from: Step): Step {
  let {state} = from;
  const effects = [...from.effects];
  for (let next = rule(agreement, judge, state); next !== null; next = rule(agreement, judge, state)) {
    state = next.state;
    effects.push(...next.effects);
  }
  const speaks = effects.some(({kind}) => kind === "broadcast" || kind === "decided");
  return {state, effects: speaks ? [{kind: "persist", memory: memoryOf(state)}, ...effects] : effects};
}

const memoryOf = ({round, said, prepared, decision}: State): Memory => ({round, said, prepared, decision});

/** The first rule that has something to do. */
function rule(agreement: Agreement, judge: Judge, state: State): Step | null {
  if (state.decision !== null) return null;
  const decided = decideOnCommits(agreement, state);
  // Before its start it only listens.
  if (decided !== null || state.round === 0) return decided;
  return (
    followOthers(agreement, state) ??
    setTimer(agreement, state) ??
    lead(agreement, judge, state) ??
    prepareProposal(agreement, judge, state) ??
    commitPrepared(agreement, state)
  );
}

const enter = (state: State, round: number): State => ({...state, round, said: []});

function say<V extends Vote>(agreement: Agreement, state: State, vote: Unsigned<V>): {state: State; effects: Effect[]} {
  const signature = agreement.sign(signedBytes(agreement.id, vote as Unsigned<Vote>));
  const said = {...vote, signature} as unknown as V;
  const next = {...state, said: [...state.said, said], votes: remember(state.votes, said)};
  return {state: next, effects: [{kind: "broadcast", message: said}]};
}

function askForRound(agreement: Agreement, state: State, round: number): Step {
  const {prepared: proof} = state;
  const prepared = proof && {round: proof.round, digest: valueDigest(agreement.id, proof.value)};
  const {self: author} = agreement;
  return say<RoundChange>(agreement, enter(state, round), {kind: "round-change", author, round, prepared, proof});
}

/**
 * Divergence: a later round's time runs from when a quorum has come so far, as in PBFT, not from this participant's own
 * arrival. Otherwise a few who began early stay ahead of the rest for ever once timeouts no longer grow, and with f silent
 * ones there is never a quorum in one round. So all honest ones begin to wait within two message delays.
 *
 * @see Castro and Liskov, "Practical Byzantine Fault Tolerance" (1999): 4.5.2 "Liveness"
 */
function setTimer(agreement: Agreement, state: State): Step | null {
  const {round} = state;
  if (state.timed >= round) return null;
  const here = votesOf(state, "round-change").filter((vote) => vote.round >= round);
  const authors = new Set(here.map(({author}) => author));
  if (round > 1 && authors.size < quorumOf(agreement.n)) return null;
  return {state: {...state, timed: round}, effects: [{kind: "timer", round}]};
}

const has = (state: State, kind: Vote["kind"]): boolean => state.said.some((vote) => vote.kind === kind);

function votesOf<K extends Vote["kind"]>(state: State, kind: K): Extract<Vote, {kind: K}>[] {
  return [...state.votes.values()].filter((vote): vote is Extract<Vote, {kind: K}> => vote.kind === kind);
}

/** f+1 ask for later rounds, so one honest one does: go as far as that. */
function followOthers(agreement: Agreement, state: State): Step | null {
  const ahead = new Map<number, number>();
  for (const {author, round} of votesOf(state, "round-change")) {
    if (round > state.round) ahead.set(author, Math.max(round, ahead.get(author) ?? round));
  }
  if (ahead.size <= tolerated(agreement.n)) return null;
  // Divergence: to the highest round that f+1 have reached, not the lowest: whoever was away catches up in one step.
  const rounds = [...ahead.values()].sort((a, b) => b - a);
  return askForRound(agreement, state, rounds[tolerated(agreement.n)]!);
}

function lead(agreement: Agreement, judge: Judge, state: State): Step | null {
  const {self, n} = agreement;
  const {round} = state;
  if (leaderOf(round, agreement) !== self || has(state, "propose")) return null;
  const asked = votesOf(state, "round-change").filter((vote) => vote.round === round);
  if (round > 1 && asked.length < quorumOf(n)) return null;
  const highest = highestPrepared(asked);
  const proof = highest && asked.find(({prepared}) => prepared?.round === highest.round)!.proof!;
  const value = proof?.value ?? state.candidate;
  if (value === null || (proof === null && judge(value) !== "valid")) return null;
  const claims = round === 1 ? [] : asked.map(({proof: _, ...claim}) => claim);
  const vote = {kind: "propose", author: self, round, value, claims, prepares: proof?.prepares ?? []} as const;
  return say<Propose>(agreement, state, vote);
}

const proposalOf = (agreement: Agreement, state: State): Propose | undefined =>
  state.votes.get(keyOf({kind: "propose", author: leaderOf(state.round, agreement), round: state.round})) as
    | Propose
    | undefined;

function prepareProposal(agreement: Agreement, judge: Judge, state: State): Step | null {
  const proposal = proposalOf(agreement, state);
  if (proposal === undefined || has(state, "prepare")) return null;
  // What a quorum has prepared, an honest participant has found valid; and it may have been decided.
  if (highestPrepared(proposal.claims) === null && judge(proposal.value) !== "valid") return null;
  const digest = valueDigest(agreement.id, proposal.value);
  const {self: author} = agreement;
  return say<Prepare>(agreement, state, {kind: "prepare", author, round: state.round, digest});
}

function commitPrepared(agreement: Agreement, state: State): Step | null {
  const proposal = proposalOf(agreement, state);
  if (proposal === undefined || has(state, "commit")) return null;
  const {round} = state;
  const digest = valueDigest(agreement.id, proposal.value);
  const prepares = votesOf(state, "prepare").filter((vote) => vote.round === round && vote.digest === digest);
  if (prepares.length < quorumOf(agreement.n)) return null;
  const prepared: Prepared = {round, value: proposal.value, prepares};
  const {self: author} = agreement;
  return say<Commit>(agreement, {...state, prepared}, {kind: "commit", author, round, digest});
}

/** Of whatever round. */
function decideOnCommits(agreement: Agreement, state: State): Step | null {
  const groups = new Map<string, Commit[]>();
  for (const vote of votesOf(state, "commit")) {
    const at = `${vote.round} ${vote.digest}`;
    groups.set(at, [...(groups.get(at) ?? []), vote]);
  }
  const commits = [...groups.values()].find((votes) => votes.length >= quorumOf(agreement.n));
  if (commits === undefined) return null;
  const {round, digest} = commits[0]!;
  const value = valueNamed(agreement, state, digest);
  return value === undefined ? null : decide(state, {kind: "decision", value, round, commits});
}

/** Of a proposal or a proof that is here. */
function valueNamed({id}: Agreement, state: State, digest: RootHex): string | undefined {
  const proofs = votesOf(state, "round-change").flatMap(({proof}) => (proof === null ? [] : [proof.value]));
  const values = [...votesOf(state, "propose").map(({value}) => value), ...proofs];
  return values.find((value) => valueDigest(id, value) === digest);
}

function decide(state: State, decision: Decision): Step {
  const effects: Effect[] = [
    {kind: "broadcast", message: decision},
    {kind: "decided", decision},
  ];
  return {state: {...state, decision}, effects};
}
