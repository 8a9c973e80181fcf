import {type RootHex, rootHex} from "../bytes.js";
import {hexBytes} from "../dkg/digest.js";
import type {DkgGroup} from "../dkg/group.js";
import {deriveBytes, openSeal, type SealContext, seal, sealingPublicKey} from "../dkg/sealing.js";
import {PleiadesError} from "../errors.js";
import {scalarBytes} from "../threshold/scalar.js";
import {type Announce, type Column, columnHash, type DealingHead, POINT_BYTES, SCALAR_BYTES} from "./items.js";
import type {Repair} from "./request.js";
import {isSecretOf, splitTerm, sumOf, weightsAt} from "./row.js";

/** One helper in one session. */
export interface Helper {
  /** In the request's list of helpers. */
  readonly place: number;
  /** 32 bytes; everything random of this helper in this session follows from it. */
  readonly seed: Uint8Array;
}

const secretOf = ({seed}: Helper, {session}: Repair, what: string, other: number): Uint8Array =>
  deriveBytes({secret: seed, salt: hexBytes(session)}, 32, what, other);
/** Of the key to which the helper at `from` seals. */
export const rowSecret = (helper: Helper, repair: Repair, from: number): Uint8Array =>
  secretOf(helper, repair, "repair sealing key v1", from);

export const announceKeys = (helper: Helper, repair: Repair): readonly RootHex[] =>
  repair.peers.map((_, from) => rootHex(sealingPublicKey(rowSecret(helper, repair, from))));

/** Of a helper's summands (to a helper) and of its sum (to the owner, whose index is no place). */
export function sealContext(
  {session, request, peers}: Repair,
  {
    from,
    to,
    ephemeral,
    sealingKey,
    shown,
  }: {from: number; to: number | "owner"; ephemeral: RootHex; sealingKey: RootHex; shown: Uint8Array},
): SealContext {
  return {
    ceremony: hexBytes(session),
    dealer: from,
    recipient: to === "owner" ? peers.length + request.index : to,
    chunk: to === "owner" ? 1 : 0,
    ephemeral: hexBytes(ephemeral),
    sealingKey: hexBytes(sealingKey),
    publicHash: shown,
  };
}

const scalarsOf = (bytes: Uint8Array): bigint[] =>
  Array.from({length: bytes.length / SCALAR_BYTES}, (_, i) => {
    const part = bytes.subarray(i * SCALAR_BYTES, (i + 1) * SCALAR_BYTES);
    return BigInt(`0x${Buffer.from(part).toString("hex")}`);
  });
const bytesOf = (scalars: readonly bigint[]): Uint8Array => new Uint8Array(Buffer.concat(scalars.map(scalarBytes)));

export const pointAt = ({commitments}: Pick<Column, "commitments">, key: number): Uint8Array =>
  commitments.subarray(key * POINT_BYTES, (key + 1) * POINT_BYTES);

/** @param shares of the session's keys @param announces of all helpers, signatures checked */
export function dealRows(
  group: DkgGroup,
  repair: Repair,
  helper: Helper,
  {shares, announces}: {shares: readonly bigint[]; announces: readonly Announce[]},
): {head: Omit<DealingHead, "signature">; columns: readonly Column[]} {
  const {request, session} = repair;
  const {place, seed} = helper;
  const weights = weightsAt(request.index, request.helpers);
  const from = {seed, session: hexBytes(session)};
  const rows = shares.map((share, validator) => splitTerm(from, weights, {place, validator, share}));
  const ephemerals: RootHex[] = [];
  const columns = announces.map(({keys}, to) => {
    const summands = rows.map((row) => row[to]!);
    const points = summands.map((summand) => group.publicKeys.bytes(group.base(summand)));
    const commitments = new Uint8Array(Buffer.concat(points));
    const ephemeralSecret = secretOf(helper, repair, "repair ephemeral key v1", to);
    const ephemeral = rootHex(sealingPublicKey(ephemeralSecret));
    ephemerals.push(ephemeral);
    const context = sealContext(repair, {from: place, to, ephemeral, sealingKey: keys[place]!, shown: commitments});
    const sealed = seal(ephemeralSecret, context, bytesOf(summands));
    if (sealed === null) throw new PleiadesError({code: "SHARE_REPAIR_MESSAGE", field: "announce.keys"});
    return {commitments, sealed};
  });
  return {head: {ephemerals, columns: columns.map(columnHash)}, columns};
}

/**
 * The summands in a column, or null when the helper that sealed it lied: what is in it is not what it committed to. Anybody
 * who is shown the secret of this pair's key comes to the same answer.
 */
export function openColumn(
  group: DkgGroup,
  repair: Repair,
  {
    from,
    to,
    secret,
    ephemeral,
    column,
  }: {from: number; to: number; secret: Uint8Array; ephemeral: RootHex; column: Column},
): readonly bigint[] | null {
  const sealingKey = rootHex(sealingPublicKey(secret));
  const context = sealContext(repair, {from, to, ephemeral, sealingKey, shown: column.commitments});
  const plain = openSeal(secret, context, column.sealed);
  if (plain === null) return null;
  const summands = scalarsOf(plain);
  try {
    const honest = summands.every((summand, key) =>
      isSecretOf(group, summand, [group.publicKeys.load(pointAt(column, key), "curve")]),
    );
    return honest ? summands : null;
  } catch (error) {
    if (error instanceof PleiadesError && error.code === "THRESHOLD_BAD_POINT") return null;
    throw error;
  }
}

export type Summed =
  | {readonly kind: "sums"; readonly ephemeral: RootHex; readonly sealed: Uint8Array}
  /** The secret of the key to which the helper at `from` sealed: shows everybody that it lied. */
  | {readonly kind: "complaint"; readonly from: number; readonly secret: RootHex};

/** Adds up what the helpers sealed to this one, and seals the sums to the owner. @param dealt by place, signatures checked */
export function sumColumns(
  group: DkgGroup,
  repair: Repair,
  helper: Helper,
  dealt: readonly {readonly head: DealingHead; readonly column: Column}[],
): Summed {
  const {place} = helper;
  const rows: (readonly bigint[])[] = [];
  for (const [from, {head, column}] of dealt.entries()) {
    const secret = rowSecret(helper, repair, from);
    const summands = openColumn(group, repair, {from, to: place, secret, ephemeral: head.ephemerals[place]!, column});
    if (summands === null) return {kind: "complaint", from, secret: rootHex(secret)};
    rows.push(summands);
  }
  const sums = repair.validators.map((_, key) => sumOf(rows.map((row) => row[key]!)));
  const ephemeralSecret = secretOf(helper, repair, "repair owner key v1", 0);
  const ephemeral = rootHex(sealingPublicKey(ephemeralSecret));
  const {sealingKey} = repair.request;
  const context = sealContext(repair, {from: place, to: "owner", ephemeral, sealingKey, shown: new Uint8Array(32)});
  const sealed = seal(ephemeralSecret, context, bytesOf(sums));
  if (sealed === null) throw new PleiadesError({code: "SHARE_REPAIR_MESSAGE", field: "sealing_key"});
  return {kind: "sums", ephemeral, sealed};
}

/** What a helper sealed to the owner; null when it cannot be opened. */
export function openSums(
  repair: Repair,
  secret: Uint8Array,
  {from, ephemeral, sealed}: {from: number; ephemeral: RootHex; sealed: Uint8Array},
): readonly bigint[] | null {
  const {sealingKey} = repair.request;
  const context = sealContext(repair, {from, to: "owner", ephemeral, sealingKey, shown: new Uint8Array(32)});
  const plain = openSeal(secret, context, sealed);
  return plain === null || plain.length !== repair.validators.length * SCALAR_BYTES ? null : scalarsOf(plain);
}
