import {createHash} from "node:crypto";
import {type RootHex, rootHex} from "../bytes.js";

/** Ed25519 or what a simulation uses instead: lower-case hex with 0x. */
export type SignatureText = string;

interface Signed {
  /** The participant's number, 1…n. */
  readonly author: number;
  /** From 1. */
  readonly round: number;
  readonly signature: SignatureText;
}

export interface Prepare extends Signed {
  readonly kind: "prepare";
  readonly digest: RootHex;
}
export interface Commit extends Signed {
  readonly kind: "commit";
  readonly digest: RootHex;
}
/** Without what proves it: only this is signed. */
export interface RoundChangeClaim extends Signed {
  readonly kind: "round-change";
  readonly prepared: {readonly round: number; readonly digest: RootHex} | null;
}
/** A value that a quorum prepared in one round. */
export interface Prepared {
  readonly round: number;
  readonly value: string;
  readonly prepares: readonly Prepare[];
}
export interface RoundChange extends RoundChangeClaim {
  readonly proof: Prepared | null;
}
export interface Propose extends Signed {
  readonly kind: "propose";
  readonly value: string;
  /** Of a quorum, from the second round on. */
  readonly claims: readonly RoundChangeClaim[];
  /** For the highest prepared round among the claims. */
  readonly prepares: readonly Prepare[];
}
/** A value and a quorum's commits to it: anybody can check it, so it needs no signature of its own. */
export interface Decision {
  readonly kind: "decision";
  readonly value: string;
  readonly round: number;
  readonly commits: readonly Commit[];
}
export type Vote = Prepare | Commit | RoundChange | Propose;
export type Message = Vote | Decision;

/** Names a value within one instance. */
export const valueDigest = (instance: RootHex, value: string): RootHex =>
  rootHex(createHash("sha256").update(`pleiades agreement value v1\n${instance}\n`).update(value).digest());

/**
 * Names one agreement: a domain that keeps each use apart (`dkg`, `duty`), and what within it is to be agreed on.
 */
export const instanceOf = (domain: string, what: Uint8Array): RootHex =>
  rootHex(createHash("sha256").update(`pleiades agreement v1\n${domain}\n`).update(what).digest());

/** What the author signs. A proposal's reasons and a round change's proof are checked by themselves. */
export function signedBytes(instance: RootHex, vote: Unsigned<Vote | RoundChangeClaim>): Uint8Array {
  const {kind, author, round} = vote;
  const says =
    vote.kind === "propose"
      ? valueDigest(instance, vote.value)
      : vote.kind === "round-change"
        ? (vote.prepared && `${vote.prepared.round} ${vote.prepared.digest}`) || "nothing"
        : vote.digest;
  return new Uint8Array(Buffer.from(`pleiades agreement vote v1\n${instance}\n${kind}\n${author}\n${round}\n${says}`));
}

export type Unsigned<M> = M extends unknown ? Omit<M, "signature"> : never;
