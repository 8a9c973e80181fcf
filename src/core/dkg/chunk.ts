import {createHash} from "node:crypto";
import {type RootHex, rootHex} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import type {PublicKeyPoint} from "../threshold/bls.js";
import {digestHex} from "./digest.js";
import type {DkgGroup} from "./group.js";
import {commitmentCount, hasProofs, type Plan, validatorsOf} from "./plan.js";
import {SEAL_OVERHEAD} from "./sealing.js";

export const POINT_BYTES = 48;
export const PROOF_BYTES = 96;
export const SCALAR_BYTES = 32;

/**
 * A chunk of a dealing, up to 50 validators of one dealer. Bytes, in this order and without anything between:
 * ```
 * public part, for each validator: commitments C₀…C₍ₜ₋₁₎ (48 each; a refresh has no C₀), proof of possession (96, fresh only)
 * sealed part, for each recipient the dealer had an announce of, ascending: its shares of these validators, sealed (32 each + 16)
 * ```
 * Every length follows from the definition and the header, so there is nothing to parse.
 */
export interface ChunkLayout {
  readonly validatorBytes: number;
  readonly publicBytes: number;
  readonly sealedBytes: number;
  readonly totalBytes: number;
}

export function chunkLayout(plan: Plan, chunk: number, recipients: number): ChunkLayout {
  const count = validatorsOf(plan, chunk).length;
  const validatorBytes = commitmentCount(plan) * POINT_BYTES + (hasProofs(plan) ? PROOF_BYTES : 0);
  const publicBytes = count * validatorBytes;
  const sealedBytes = count * SCALAR_BYTES + SEAL_OVERHEAD;
  return {validatorBytes, publicBytes, sealedBytes, totalBytes: publicBytes + recipients * sealedBytes};
}

export const chunkHash = (bytes: Uint8Array): RootHex => rootHex(createHash("sha256").update(bytes).digest());

/** What an announce commits to of each chunk, and what the seals are bound to. */
export const publicHash = ({id}: Plan, dealer: number, chunk: number, publicPart: Uint8Array): RootHex =>
  digestHex("public part v1", id, dealer, chunk, publicPart);

/** One validator of a public part, not yet loaded. */
export interface PublicEntry {
  readonly commitments: readonly Uint8Array[];
  readonly proof: Uint8Array | null;
}

/** @param place counted from 0 within the chunk */
export function entryAt(plan: Plan, {validatorBytes}: ChunkLayout, bytes: Uint8Array, place: number): PublicEntry {
  const start = place * validatorBytes;
  const commitments = Array.from({length: commitmentCount(plan)}, (_, k) =>
    bytes.subarray(start + k * POINT_BYTES, start + (k + 1) * POINT_BYTES),
  );
  const proofStart = start + commitments.length * POINT_BYTES;
  return {commitments, proof: hasProofs(plan) ? bytes.subarray(proofStart, proofStart + PROOF_BYTES) : null};
}

/** @param check `curve` only for what was checked in full before @throws THRESHOLD_BAD_POINT */
export const loadCommitments = (
  {publicKeys}: Pick<DkgGroup, "publicKeys">,
  {commitments}: PublicEntry,
  check: "full" | "curve",
): PublicKeyPoint[] => commitments.map((bytes) => publicKeys.load(bytes, check));

/** The sealed shares of the recipient at this position among those that were sealed to. */
export function sealedAt({publicBytes, sealedBytes}: ChunkLayout, bytes: Uint8Array, position: number): Uint8Array {
  const start = publicBytes + position * sealedBytes;
  return bytes.subarray(start, start + sealedBytes);
}

/** What a dealer signs with its constant term, so that nobody can cancel the others' keys by a key it does not know. */
export function proofMessage({id}: Plan, dealer: number, validator: number): Uint8Array {
  // Not of 32 bytes: what a validator signs is, so this can never be one of its messages.
  const text = Buffer.from(`pleiades dkg proof of possession v1 ${dealer} ${validator}\n`);
  return new Uint8Array(Buffer.concat([text, id]));
}

export const malformedChunk = (reason: string): PleiadesError =>
  new PleiadesError({code: "DKG_CHUNK_MALFORMED", reason});
