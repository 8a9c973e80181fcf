import {fromHex, type RootHex} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {CURVE_ORDER, invert, mod, scalarBytes} from "../threshold/scalar.js";
import {chunkHash, chunkLayout, proofMessage, publicHash} from "./chunk.js";
import {digestHex, hexBytes} from "./digest.js";
import type {DkgGroup} from "./group.js";
import {chunkCount, commitmentCount, dealingScale, firstPower, hasProofs, type Plan, validatorsOf} from "./plan.js";
import {seal, sealingPublicKey} from "./sealing.js";
import {type CeremonySeed, coefficient, ephemeralSecret} from "./seed.js";

/** What only the dealer knows. */
export interface DealerSecrets {
  readonly seed: CeremonySeed;
  /** Reshare only: the dealer's share of a validator (counted from 0), unscaled, 1…r−1. */
  readonly share?: (validator: number) => bigint;
}

/** The keys of one (dealer, recipient) pair. */
export interface Pair {
  /** The recipient's, from its announce. */
  readonly sealingKey: Uint8Array;
  /** The dealer's, from its dealing's header. */
  readonly ephemeral: Uint8Array;
}

/** The recipients a dealer sealed to: those whose announce it had. By number. */
export type Pairs = ReadonlyMap<number, Pair>;

/** What chunks are checked against: the signed header of a dealing. */
export interface DealingHeader {
  readonly pairs: Pairs;
  /** By chunk. */
  readonly publicHashes: readonly RootHex[];
  readonly chunkHashes: readonly RootHex[];
}

/**
 * f(x) = a₀ + a₁x + …, all t coefficients. a₀ is random (fresh), zero (refresh) or the dealer's share divided by the
 * scale Δ (reshare).
 */
export function dealerPolynomial(
  plan: Plan,
  {seed, share}: DealerSecrets,
  dealer: number,
  validator: number,
): bigint[] {
  return Array.from({length: plan.threshold}, (_, power) => {
    if (power > 0 || plan.kind === "fresh") return coefficient(seed, plan, dealer, validator, power);
    if (plan.kind === "refresh") return 0n;
    if (share === undefined) throw new PleiadesError({code: "DKG_SHARE_CONSTANT", dealer, reason: "no share"});
    return mod(share(validator) * invert(dealingScale(plan)));
  });
}

/** Horner's rule. Zero has a chance of 2⁻²⁵⁵ and could not be checked against commitments. */
export function shareOf(polynomial: readonly bigint[], recipient: number): bigint {
  return polynomial.reduceRight((sum, a) => (sum * BigInt(recipient) + a) % CURVE_ORDER, 0n);
}

/** The public part of one chunk: the same each time. */
export function publicPart(
  group: DkgGroup,
  plan: Plan,
  secrets: DealerSecrets,
  {dealer, chunk}: {dealer: number; chunk: number},
): Uint8Array {
  const parts = validatorsOf(plan, chunk).flatMap((validator) => {
    const committed = dealerPolynomial(plan, secrets, dealer, validator).slice(firstPower(plan));
    const commitments = committed.map((a) => group.publicKeys.bytes(group.base(a)));
    const proof = hasProofs(plan) ? [group.sign(committed[0]!, proofMessage(plan, dealer, validator))] : [];
    return [...commitments, ...proof];
  });
  return new Uint8Array(Buffer.concat(parts));
}

/** What a dealer commits itself to before it sees anything of the others' dealings. @param hashes by chunk */
export const dealingCommitment = ({id}: Plan, dealer: number, hashes: readonly RootHex[]): RootHex =>
  digestHex("dealing commitment v1", id, dealer, ...hashes.map(hexBytes));

/** The keys with which a dealer seals, given the recipients' keys for it. The same each time. */
export function sealingPairs(
  plan: Plan,
  seed: CeremonySeed,
  dealer: number,
  keys: ReadonlyMap<number, Uint8Array>,
): Pairs {
  const entries = [...keys].sort(([a], [b]) => a - b);
  return new Map(
    entries.map(([recipient, sealingKey]) => {
      const ephemeral = sealingPublicKey(ephemeralSecret(seed, plan, dealer, recipient, sealingKey));
      return [recipient, {sealingKey, ephemeral}];
    }),
  );
}

export interface DealtChunk {
  readonly bytes: Uint8Array;
  readonly publicHash: RootHex;
  readonly chunkHash: RootHex;
}

/**
 * One chunk of a dealing. Deterministic: the same seed and pairs give the same bytes.
 * @param known the public part, when it is at hand: it is most of the work
 */
export function dealChunk(
  group: DkgGroup,
  plan: Plan,
  secrets: DealerSecrets,
  {dealer, chunk, pairs, known}: {dealer: number; chunk: number; pairs: Pairs; known?: Uint8Array},
): DealtChunk {
  const shown = known ?? publicPart(group, plan, secrets, {dealer, chunk});
  const hash = publicHash(plan, dealer, chunk, shown);
  const polynomials = validatorsOf(plan, chunk).map((v) => dealerPolynomial(plan, secrets, dealer, v));
  const sealed = [...pairs].map(([recipient, {sealingKey, ephemeral}]) => {
    const plain = Buffer.concat(polynomials.map((polynomial) => scalarBytes(shareOf(polynomial, recipient))));
    const secret = ephemeralSecret(secrets.seed, plan, dealer, recipient, sealingKey);
    const context = {ceremony: plan.id, dealer, recipient, chunk, ephemeral, sealingKey, publicHash: fromHex(hash)};
    const box = seal(secret, context, plain);
    // Announces with such a key are refused before they get here.
    if (box === null) throw new PleiadesError({code: "DKG_ITEM_MALFORMED", field: "sealing key", recipient});
    return box;
  });
  const bytes = new Uint8Array(Buffer.concat([shown, ...sealed]));
  return {bytes, publicHash: hash, chunkHash: chunkHash(bytes)};
}

/** Whether a header has a hash for each chunk and opens what its dealer committed itself to. */
export function opensCommitment(plan: Plan, dealer: number, header: DealingHeader, commitment: RootHex): boolean {
  const {publicHashes, chunkHashes} = header;
  const complete = publicHashes.length === chunkCount(plan) && chunkHashes.length === publicHashes.length;
  return complete && dealingCommitment(plan, dealer, publicHashes) === commitment;
}

/** The length a chunk must have, and its parts. */
export const layoutFor = (plan: Plan, {pairs}: DealingHeader, chunk: number) => chunkLayout(plan, chunk, pairs.size);

/** Base multiplications a dealing costs its dealer: for progress and benchmarks. */
export const dealingWork = (plan: Plan): number => plan.validators * commitmentCount(plan);
