import {type RootHex, rootHex} from "../bytes.js";
import {type Ceremony, dealerParticipant} from "./ceremony.js";
import {hexBytes} from "./digest.js";
import type {Item, VerdictEntry} from "./items.js";

/**
 * Who qualifies and who is guilty, from a set of verdicts and the dealings they speak of, and from nothing else: whoever
 * has the same set finds the same. Nobody is blamed by counting; every sentence here rests on a signature of the guilty.
 */
export interface Evaluation {
  /** By dealer. */
  readonly qualified: readonly QualifiedDealing[];
  /** By participant. */
  readonly guilty: readonly Guilty[];
}
export interface QualifiedDealing {
  readonly dealer: number;
  readonly dealing: RootHex;
}
export type Offence = "equivocation" | "wrong share" | "malformed dealing" | "false accusation";
export interface Guilty {
  readonly participant: number;
  readonly offence: Offence;
}

/** Whose fault an accusation shows. */
export type Judgement = "dealer" | "accuser";
export interface Judge {
  /** Null while the dealing an accusation speaks of is not at hand. */
  accusation(entry: VerdictEntry, recipient: number): Judgement | null;
  /** The recipients a dealing has shares for; null while it is not at hand. */
  recipients(dealing: QualifiedDealing): ReadonlySet<number> | null;
}

/**
 * @param verdicts at most one of each recipient
 * @returns null when an accusation or a dealing cannot be judged yet
 */
export function evaluate(ceremony: Ceremony, verdicts: readonly Item<"verdict">[], judge: Judge): Evaluation | null {
  const guilty = new Map<number, Offence>();
  const blame = (participant: number, offence: Offence): void => {
    if (!guilty.has(participant)) guilty.set(participant, offence);
  };
  for (const {body} of verdicts) for (const {participant} of body.equivocations) blame(participant, "equivocation");
  const byDealer = new Map<number, {entry: VerdictEntry; recipient: number}[]>();
  for (const {author, body} of verdicts) {
    for (const entry of body.entries) {
      byDealer.set(entry.dealer, [...(byDealer.get(entry.dealer) ?? []), {entry, recipient: author}]);
    }
  }
  const candidates: QualifiedDealing[] = [];
  for (const [dealer, found] of [...byDealer].sort(([a], [b]) => a - b)) {
    const {number} = dealerParticipant(ceremony, dealer);
    const dealings = new Set(found.map(({entry}) => entry.dealing));
    // Each entry carries the dealer's signature of the dealing it names.
    if (dealings.size > 1) blame(number, "equivocation");
    // What is said of one of several dealings convicts nobody else: the others may not hold it.
    if (guilty.get(number) === "equivocation") continue;
    for (const {entry, recipient} of found) {
      if (entry.outcome.kind === "ok") continue;
      const judgement = judge.accusation(entry, recipient);
      if (judgement === null) return null;
      if (judgement === "accuser") blame(recipient, "false accusation");
      else blame(number, entry.outcome.kind === "complaint" ? "wrong share" : "malformed dealing");
    }
    const approvals = found.filter(({entry}) => entry.outcome.kind === "ok").length;
    if (approvals >= ceremony.plan.threshold) candidates.push({dealer, dealing: [...dealings][0]!});
  }
  // Only now: a dealer with a good dealing may be guilty of something else.
  const innocent = candidates.filter(({dealer}) => !guilty.has(dealerParticipant(ceremony, dealer).number));
  const served = innocent.map((one) => judge.recipients(one));
  if (served.includes(null)) return null;
  // Who left out a recipient that is there does not count, unless so many did that it was the recipient who was late.
  const serving = innocent.filter((_, i) => verdicts.every(({author}) => served[i]!.has(author)));
  return {
    qualified: serving.length >= ceremony.plan.dealerThreshold ? serving : innocent,
    guilty: [...guilty].sort(([a], [b]) => a - b).map(([participant, offence]) => ({participant, offence})),
  };
}

/** Whether a verdict accuses somebody of what another one of the same author does not. */
export function accusesMore({body: more}: Item<"verdict">, {body: less}: Item<"verdict">): boolean {
  const known = new Set(less.entries.filter(({outcome}) => outcome.kind !== "ok").map(({dealer}) => dealer));
  const liars = new Set(less.equivocations.map(({participant}) => participant));
  return (
    more.entries.some(({dealer, outcome}) => outcome.kind !== "ok" && !known.has(dealer)) ||
    more.equivocations.some(({participant}) => !liars.has(participant))
  );
}

/** What is agreed on: one verdict of each of some recipients, by hash. */
export interface VerdictRef {
  readonly recipient: number;
  readonly revision: number;
  readonly hash: RootHex;
}
const REF_BYTES = 34;

/** Recipient and revision (1 byte each) and hash (32), by recipient: 442 bytes at most. */
export function encodeRefs(refs: readonly VerdictRef[]): Uint8Array {
  const sorted = [...refs].sort((a, b) => a.recipient - b.recipient);
  return new Uint8Array(
    Buffer.concat(sorted.map(({recipient, revision, hash}) => Buffer.from([recipient, revision, ...hexBytes(hash)]))),
  );
}

/** Null for anything that {@link encodeRefs} does not write. */
export function decodeRefs({plan}: Pick<Ceremony, "plan">, bytes: Uint8Array): VerdictRef[] | null {
  const count = bytes.length / REF_BYTES;
  if (!Number.isInteger(count) || count > plan.recipients) return null;
  const refs = Array.from({length: count}, (_, i): VerdictRef => {
    const at = bytes.subarray(i * REF_BYTES, (i + 1) * REF_BYTES);
    return {recipient: at[0]!, revision: at[1]!, hash: rootHex(at.subarray(2))};
  });
  const ordered = refs.every(({recipient}, i) => recipient > (refs[i - 1]?.recipient ?? 0));
  return ordered && (refs.at(-1)?.recipient ?? 1) <= plan.recipients ? refs : null;
}
