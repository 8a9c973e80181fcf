import {fromHex, toHex} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {additionChain, linearCombination} from "../threshold/addition-chain.js";
import type {PublicKeyPoint} from "../threshold/bls.js";
import {CURVE_ORDER} from "../threshold/scalar.js";
import {
  type ChunkLayout,
  chunkHash,
  entryAt,
  loadCommitments,
  malformedChunk,
  proofMessage,
  publicHash,
  SCALAR_BYTES,
  sealedAt,
} from "./chunk.js";
import {type DealingHeader, layoutFor} from "./dealing.js";
import {type DkgGroup, evaluateCommitments} from "./group.js";
import {dealingScale, firstPower, type Plan, validatorsOf} from "./plan.js";
import {openSeal, sealingPublicKey} from "./sealing.js";
import {type CeremonySeed, sealingSecret} from "./seed.js";

/** One chunk of one dealer's dealing. */
export interface ChunkAt {
  readonly dealer: number;
  readonly header: DealingHeader;
  readonly chunk: number;
  readonly bytes: Uint8Array;
}

/** Whether these are the bytes the header names, whatever is in them. Anything else says nothing about the dealer. */
export const isNamedChunk = ({header, chunk, bytes}: Omit<ChunkAt, "dealer">): boolean =>
  header.chunkHashes[chunk] !== undefined && chunkHash(bytes) === header.chunkHashes[chunk];

/**
 * Checks everything of a chunk that everybody can see: length, the part that was committed to, points in the subgroup
 * and not infinity, proofs of possession (fresh) or the old share public key in C₀ (reshare).
 * @param at bytes that {@link isNamedChunk}: then a failure is the dealer's
 * @throws DKG_CHUNK_MALFORMED · THRESHOLD_BAD_POINT
 */
export function checkChunk(group: DkgGroup, plan: Plan, {dealer, header, chunk, bytes}: ChunkAt): void {
  const layout = layoutFor(plan, header, chunk);
  if (bytes.length !== layout.totalBytes) throw malformedChunk(`${bytes.length} bytes instead of ${layout.totalBytes}`);
  const shown = bytes.subarray(0, layout.publicBytes);
  if (publicHash(plan, dealer, chunk, shown) !== header.publicHashes[chunk]) {
    throw malformedChunk("the public part is not the one committed to");
  }
  const claims = validatorsOf(plan, chunk).flatMap((validator, place) => {
    const entry = entryAt(plan, layout, bytes, place);
    const points = loadCommitments(group, entry, "full");
    if (plan.kind === "reshare") checkConstant(group, plan, {dealer, validator}, points[0]!);
    if (entry.proof === null) return [];
    const signature = group.signatures.load(entry.proof, "full");
    return [{message: proofMessage(plan, dealer, validator), key: points[0]!, signature}];
  });
  if (claims.length > 0 && !group.verifyAll(claims)) throw malformedChunk("a proof of possession fails");
}

/** Δ·C₀ is the dealer's share public key: it deals its own share and nothing else. */
function checkConstant(
  group: DkgGroup,
  plan: Plan,
  {dealer, validator}: {dealer: number; validator: number},
  constant: PublicKeyPoint,
): void {
  const lifted = linearCombination(group.publicKeys, additionChain([dealingScale(plan)]), [constant]);
  const expected = plan.previous!.sharePublicKeys[validator]![dealer - 1]!;
  if (toHex(group.publicKeys.bytes(lifted)) !== expected)
    throw malformedChunk("another share than the dealer's is dealt");
}

export type OpenedChunk =
  | {readonly ok: true /** Of the chunk's validators in order. */; readonly shares: readonly bigint[]}
  | {readonly ok: false /** Proves to everybody that the dealer is at fault. */; readonly sealingSecret: Uint8Array};

/**
 * A recipient's shares in a chunk, **each checked by itself** against its commitments: a check of the sum alone would
 * miss two errors that cancel each other out.
 * @param at a chunk that {@link checkChunk} passed
 */
export function openChunk(
  group: DkgGroup,
  plan: Plan,
  seed: CeremonySeed,
  recipient: number,
  at: ChunkAt,
): OpenedChunk {
  const secret = sealingSecret(seed, plan, recipient, at.dealer);
  const shares = sharesIn(group, plan, {...at, recipient, secret});
  return shares === null ? {ok: false, sealingSecret: secret} : {ok: true, shares};
}

/**
 * Who lied, from the transcript alone. The secret must be the one of the public key that the recipient announced and the
 * dealer sealed to; then everybody opens the same bytes and sees the same shares.
 * @param at a chunk that {@link checkChunk} passed
 */
export function judgeComplaint(
  group: DkgGroup,
  plan: Plan,
  at: ChunkAt,
  {recipient, secret}: {recipient: number; secret: Uint8Array},
): "dealer" | "complainer" {
  const pair = at.header.pairs.get(recipient);
  if (pair === undefined || toHex(sealingPublicKey(secret)) !== toHex(pair.sealingKey)) return "complainer";
  return sharesIn(group, plan, {...at, recipient, secret}) === null ? "dealer" : "complainer";
}

/** Null when the seal does not open or any share is not what the commitments say. */
function sharesIn(
  group: DkgGroup,
  plan: Plan,
  {dealer, header, chunk, bytes, recipient, secret}: ChunkAt & {recipient: number; secret: Uint8Array},
): readonly bigint[] | null {
  const pair = header.pairs.get(recipient);
  if (pair === undefined) return null;
  const layout = layoutFor(plan, header, chunk);
  const position = [...header.pairs.keys()].indexOf(recipient);
  const context = {
    ...pair,
    ceremony: plan.id,
    dealer,
    recipient,
    chunk,
    publicHash: fromHex(header.publicHashes[chunk]!),
  };
  const plain = openSeal(secret, context, sealedAt(layout, bytes, position));
  if (plain === null) return null;
  const shares = validatorsOf(plan, chunk).map((_, place) => {
    const share = BigInt(
      `0x${Buffer.from(plain.subarray(place * SCALAR_BYTES, (place + 1) * SCALAR_BYTES)).toString("hex")}`,
    );
    return isShare(group, plan, {layout, bytes, place, recipient, share}) ? share : null;
  });
  return shares.includes(null) ? null : (shares as bigint[]);
}

/** share·G is the committed polynomial at the recipient's index. */
function isShare(
  group: DkgGroup,
  plan: Plan,
  at: {layout: ChunkLayout; bytes: Uint8Array; place: number; recipient: number; share: bigint},
): boolean {
  const {layout, bytes, place, recipient, share} = at;
  if (share === 0n || share >= CURVE_ORDER) return false;
  const commitments = loadCommitments(group, entryAt(plan, layout, bytes, place), "curve");
  const expected = evaluateCommitments(group, commitments, {index: recipient, first: firstPower(plan)});
  return toHex(group.publicKeys.bytes(group.base(share))) === toHex(group.publicKeys.bytes(expected));
}

/** The reason in a failure of {@link checkChunk}, or null for any other error. */
export function malformationOf(error: unknown): string | null {
  if (!(error instanceof PleiadesError)) return null;
  if (error.code !== "DKG_CHUNK_MALFORMED" && error.code !== "THRESHOLD_BAD_POINT") return null;
  return String(error.data.reason);
}
