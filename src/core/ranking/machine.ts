/**
 * Which of several signers' requests for one slashable duty goes on to the keeper, and when. Signers are ranked by their
 * place among the committee file's coordinators, 0 first. A later-ranked one's request is held until its delay has
 * passed, so that two signers with different heads do not get a part of the operators each.
 *
 * This is for liveness only. Whatever it lets through, the keeper decides by its record.
 */
export interface Ask {
  /** Never used twice. */
  readonly id: number;
  readonly rank: number;
  /** What is asked for, as the signer names it. Unverified: whoever lies here gains what the keeper refuses. */
  readonly root: string;
}

/** `held`: its delay runs. `due`: it has passed, but an earlier-ranked request is with the keeper. `open`: with the keeper. */
type Stage = "held" | "due" | "open";

/** All that is known of one duty. */
export interface DutyState {
  readonly asks: readonly (Ask & {readonly stage: Stage})[];
  /** What the keeper has signed, and the rank it was signed for. */
  readonly signed: {readonly rank: number; readonly root: string} | null;
}

export type RankInput =
  | {readonly kind: "asked"; readonly ask: Ask}
  /** The delay of a held request has passed. */
  | {readonly kind: "due"; readonly id: number}
  | {readonly kind: "answered"; readonly id: number; readonly signed: boolean}
  /** Nobody waits for it any more. */
  | {readonly kind: "gone"; readonly id: number};

export type RankEffect =
  /** Start the delay of this rank. */
  | {readonly kind: "hold"; readonly id: number; readonly rank: number}
  /** Hand it to the keeper, whose answer comes back as `answered`. */
  | {readonly kind: "pass"; readonly id: number}
  /** Refuse it: an earlier-ranked signer has the duty, with another message. */
  | {readonly kind: "outrank"; readonly id: number};

export const NEW_DUTY: DutyState = {asks: [], signed: null};

/** An input about a request that is not there (a timer that fires late) changes nothing. */
export function step(state: DutyState, input: RankInput): {state: DutyState; effects: readonly RankEffect[]} {
  const settled = settle(take(state, input));
  if (input.kind !== "asked") return settled;
  const {id, rank} = input.ask;
  const held = settled.state.asks.some((ask) => ask.id === id && ask.stage === "held");
  return held ? {...settled, effects: [...settled.effects, {kind: "hold", id, rank}]} : settled;
}

function take(state: DutyState, input: RankInput): DutyState {
  const {asks, signed} = state;
  switch (input.kind) {
    case "asked":
      return {asks: [...asks, {...input.ask, stage: "held"}], signed};
    case "due":
      return {
        asks: asks.map((ask) => (ask.id === input.id && ask.stage === "held" ? {...ask, stage: "due"} : ask)),
        signed,
      };
    case "gone":
      return {asks: asks.filter(({id, stage}) => id !== input.id || stage === "open"), signed};
    case "answered": {
      const answered = asks.find(({id, stage}) => id === input.id && stage === "open");
      if (answered === undefined) return state;
      const {rank, root} = answered;
      return {
        asks: asks.filter((ask) => ask !== answered),
        signed: signed ?? (input.signed ? {rank, root} : null),
      };
    }
  }
}

/** Decides about one waiting request after another, the earliest-ranked and oldest first, until all that wait must wait. */
function settle(state: DutyState): {state: DutyState; effects: RankEffect[]} {
  const effects: RankEffect[] = [];
  let {asks} = state;
  const {signed} = state;
  for (;;) {
    const waiting = asks.filter(({stage}) => stage !== "open").sort((a, b) => a.rank - b.rank);
    const next = waiting.find((ask) => verdict(ask, asks, signed) !== "wait");
    if (next === undefined) return {state: {asks, signed}, effects};
    const kind = verdict(next, asks, signed) === "pass" ? "pass" : "outrank";
    effects.push({kind, id: next.id});
    asks =
      kind === "pass"
        ? asks.map((ask) => (ask === next ? {...ask, stage: "open"} : ask))
        : asks.filter((ask) => ask !== next);
  }
}

function verdict(
  {rank, root, stage}: DutyState["asks"][number],
  asks: DutyState["asks"],
  signed: DutyState["signed"],
): "pass" | "outrank" | "wait" {
  if (signed !== null) {
    // The keeper repeats what it has signed, and tells the rest by its own code what it has signed instead.
    return signed.root === root || signed.rank >= rank ? "pass" : "outrank";
  }
  const open = asks.filter((ask) => ask.stage === "open");
  // The same message again can split nothing.
  if (open.some((ask) => ask.root === root)) return "pass";
  // An earlier-ranked one that the keeper refuses (malformed, against policy) takes nobody's turn, so its answer is awaited.
  if (open.some((ask) => ask.rank < rank)) return "wait";
  return rank === 0 || stage === "due" ? "pass" : "wait";
}
