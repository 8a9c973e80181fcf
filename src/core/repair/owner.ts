import {fromHex, type RootHex, rootHex} from "../bytes.js";
import {hexBytes} from "../dkg/digest.js";
import {type DkgGroup, isInfinity} from "../dkg/group.js";
import {sealingPublicKey} from "../dkg/sealing.js";
import {PleiadesError} from "../errors.js";
import type {PublicKeyPoint} from "../threshold/bls.js";
import {openColumn, openSums, pointAt} from "./helper.js";
import {type Announce, columnHash, type Dealing} from "./items.js";
import type {Repair} from "./request.js";
import {isSecretOf, isTerm, sumOf, weightsAt} from "./row.js";

/** Why a dealing is none, in words; null when its commitments are those of the helper's share. */
export function malformationOf(
  group: DkgGroup,
  repair: Repair,
  place: number,
  {head, columns}: Dealing,
): string | null {
  const {request, validators} = repair;
  if (columns.some((column, to) => columnHash(column) !== head.columns[to])) return "a column is not the one it signed";
  const weights = weightsAt(request.index, request.helpers);
  for (const [key, {sharePublicKeys}] of validators.entries()) {
    const commitments: PublicKeyPoint[] = [];
    for (const column of columns) {
      const bytes = pointAt(column, key);
      if (isInfinity(bytes)) return "a commitment is infinity";
      const point = loaded(group, bytes);
      if (point === null) return "a commitment is no point";
      commitments.push(point);
    }
    const sharePublicKey = group.publicKeys.load(fromHex(sharePublicKeys[request.helpers[place]! - 1]!), "curve");
    if (!isTerm(group, weights, {place, commitments, sharePublicKey})) return "the commitments are not of its share";
  }
  return null;
}

function loaded(group: DkgGroup, bytes: Uint8Array): PublicKeyPoint | null {
  try {
    return group.publicKeys.load(bytes, "full");
  } catch (error) {
    if (error instanceof PleiadesError && error.code === "THRESHOLD_BAD_POINT") return null;
    throw error;
  }
}

/** Who lied: the helper that sealed the column, or the one that complains about it. A place. */
export function judgeComplaint(
  group: DkgGroup,
  repair: Repair,
  {
    by,
    from,
    secret,
    announce,
    dealing,
  }: {by: number; from: number; secret: RootHex; announce: Announce; dealing: Dealing},
): number {
  const bytes = hexBytes(secret);
  if (rootHex(sealingPublicKey(bytes)) !== announce.keys[from]) return by;
  const {head, columns} = dealing;
  const ephemeral = head.ephemerals[by]!;
  const summands = openColumn(group, repair, {from, to: by, secret: bytes, ephemeral, column: columns[by]!});
  return summands === null ? from : by;
}

export type Rebuilt =
  | {readonly kind: "shares"; readonly shares: readonly bigint[]}
  | {readonly kind: "liar"; readonly place: number};

/**
 * The lost shares. Each helper's sums are checked against the commitments of all dealings, which add up to the share public
 * keys of the committee file, so what comes out is right or the helper that lied is named.
 * @param dealings by place, each without malformation
 */
export function rebuildShares(
  group: DkgGroup,
  repair: Repair,
  {
    secret,
    dealings,
    sums,
  }: {
    secret: Uint8Array;
    dealings: readonly Dealing[];
    sums: readonly {readonly ephemeral: RootHex; readonly sealed: Uint8Array}[];
  },
): Rebuilt {
  const columns: (readonly bigint[])[] = [];
  for (const [place, sum] of sums.entries()) {
    const opened = openSums(repair, secret, {from: place, ...sum});
    const right = opened?.every((value, key) => {
      const points = dealings.map(({columns: all}) => group.publicKeys.load(pointAt(all[place]!, key), "curve"));
      return isSecretOf(group, value, points);
    });
    if (opened === null || right !== true) return {kind: "liar", place};
    columns.push(opened);
  }
  const {validators, request} = repair;
  const shares = validators.map((_, key) => sumOf(columns.map((column) => column[key]!)));
  for (const [key, share] of shares.entries()) {
    const expected = group.publicKeys.load(fromHex(validators[key]!.sharePublicKeys[request.index - 1]!), "curve");
    // Follows from the checks of every dealing; a share that is not the committee file's is never taken.
    if (!isSecretOf(group, share, [expected])) {
      throw new PleiadesError({
        code: "KEEPER_SHARE_MISMATCH",
        key: validators[key]!.groupPublicKey,
        index: request.index,
      });
    }
  }
  return {kind: "shares", shares};
}
