import type {RootHex} from "../bytes.js";
import {
  type Commit,
  type Decision,
  type Prepare,
  type Prepared,
  type Propose,
  type RoundChange,
  type RoundChangeClaim,
  signedBytes,
  type Vote,
  valueDigest,
} from "./messages.js";
import {quorumOf} from "./quorum.js";

/** Whether the participant signed these bytes. */
export type VerifyVote = (author: number, bytes: Uint8Array, signature: string) => boolean;

export interface Instance {
  /** @see instanceOf */
  readonly id: RootHex;
  readonly n: number;
  readonly verify: VerifyVote;
}

export const isSigned = ({id, verify}: Instance, vote: Vote | RoundChangeClaim): boolean =>
  verify(vote.author, signedBytes(id, vote), vote.signature);

/** A quorum of different authors who all said this digest in this round. */
function isQuorum(
  instance: Instance,
  votes: readonly (Prepare | Commit)[],
  {round, digest}: {round: number; digest: RootHex},
): boolean {
  const authors = new Set(votes.map(({author}) => author));
  return (
    authors.size === votes.length &&
    votes.length >= quorumOf(instance.n) &&
    votes.every((vote) => vote.round === round && vote.digest === digest && isSigned(instance, vote))
  );
}

export const isPrepared = (instance: Instance, {round, value, prepares}: Prepared): boolean =>
  isQuorum(instance, prepares, {round, digest: valueDigest(instance.id, value)});

export const isDecision = (instance: Instance, {value, round, commits}: Decision): boolean =>
  isQuorum(instance, commits, {round, digest: valueDigest(instance.id, value)});

/** Signed, and what it claims to have prepared is proven and older than the round it asks for. */
export function isRoundChange(instance: Instance, vote: RoundChange): boolean {
  const {prepared, proof, round} = vote;
  if (!isSigned(instance, vote)) return false;
  if (prepared === null || proof === null) return prepared === null && proof === null;
  return (
    prepared.round < round &&
    proof.round === prepared.round &&
    valueDigest(instance.id, proof.value) === prepared.digest &&
    isPrepared(instance, proof)
  );
}

/**
 * Whether a leader was free to propose this. In the first round anything; later a quorum must have asked for the round,
 * and when one of them had prepared something, the value is that of the highest round: it may have been decided.
 * @returns "free" when the value itself has still to be judged, "bound" when a quorum has prepared it before
 */
export function justification(instance: Instance, vote: Propose): "free" | "bound" | "unjustified" {
  const {round, claims, prepares, value} = vote;
  if (!isSigned(instance, vote)) return "unjustified";
  if (round === 1) return claims.length === 0 && prepares.length === 0 ? "free" : "unjustified";
  const authors = new Set(claims.map(({author}) => author));
  const asked =
    authors.size === claims.length &&
    claims.length >= quorumOf(instance.n) &&
    claims.every(
      (claim) =>
        claim.round === round && (claim.prepared === null || claim.prepared.round < round) && isSigned(instance, claim),
    );
  if (!asked) return "unjustified";
  const highest = highestPrepared(claims);
  if (highest === null) return prepares.length === 0 ? "free" : "unjustified";
  const bound = valueDigest(instance.id, value) === highest.digest && isQuorum(instance, prepares, highest);
  return bound ? "bound" : "unjustified";
}

/** What the claim with the highest prepared round says; null when nobody prepared anything. */
export function highestPrepared<C extends RoundChangeClaim>(claims: readonly C[]): NonNullable<C["prepared"]> | null {
  return claims.reduce<C["prepared"]>(
    (max, {prepared}) => (prepared !== null && (max === null || prepared.round > max.round) ? prepared : max),
    null,
  );
}

export function isVote(instance: Instance, vote: Vote): boolean {
  switch (vote.kind) {
    case "propose":
      return justification(instance, vote) !== "unjustified";
    case "round-change":
      return isRoundChange(instance, vote);
    default:
      return isSigned(instance, vote);
  }
}
