/** What the escrow holder does with sealed partials: open, check each, combine, verify. */
import {fromHex, type PubkeyHex, type RootHex, rootHex, type SignatureHex, signatureHex} from "../bytes.js";
import type {Committee} from "../committee/committee.js";
import {sealingPublicKey} from "../dkg/sealing.js";
import {PleiadesError} from "../errors.js";
import type {BlsGroup, SignaturePoint} from "../threshold/bls.js";
import {combinePlainPartials} from "../threshold/combine.js";
import {type EscrowedExit, escrowedSigningRoot} from "./exit.js";
import {openExit, type SealedExit} from "./sealed.js";

export interface OpenedExit {
  readonly key: PubkeyHex;
  readonly exit: EscrowedExit;
  readonly signature: SignatureHex;
  /** Share indices whose partials went in. */
  readonly signers: readonly number[];
  readonly bad: readonly BadPartial[];
}

/** One that counts for nothing; the others may still be enough. */
export interface BadPartial {
  /** Place in the list that was given, from 0. */
  readonly place: number;
  /** As it says itself. */
  readonly shareIndex: number;
  readonly reason: string;
}

interface Good {
  readonly place: number;
  readonly sealed: SealedExit;
  readonly point: SignaturePoint;
}

/**
 * Any t partials of one exit make the whole of it. Each is checked against its share public key first, so that a bad one
 * is named and the others are used.
 * @param secret the holder's X25519 key
 * @throws ESCROW_COMMITTEE · ESCROW_TOO_FEW with the bad ones
 */
export function openEscrow(
  bls: BlsGroup,
  {committee, secret}: {committee: Committee; secret: Uint8Array},
  partials: readonly SealedExit[],
): OpenedExit {
  const chain = committee.genesisValidatorsRoot;
  if (chain === null) throw new PleiadesError({code: "ESCROW_COMMITTEE", reason: "it names no chain"});
  const keys = new Set(partials.map(({groupPublicKey}) => groupPublicKey));
  const [key] = keys;
  if (key === undefined || keys.size > 1) {
    throw new PleiadesError({code: "ESCROW_COMMITTEE", reason: `partials of ${keys.size} validators instead of one`});
  }
  const holder = rootHex(sealingPublicKey(secret));
  const good: Good[] = [];
  const bad: BadPartial[] = [];
  for (const [place, sealed] of partials.entries()) {
    const checked = check(bls, {committee, secret, chain, holder}, sealed);
    if (typeof checked === "string") bad.push({place, shareIndex: sealed.shareIndex, reason: checked});
    else good.push({place, sealed, point: checked});
  }
  const [most, ...others] = byMessage(good);
  for (const {place, sealed} of others.flat()) {
    bad.push({place, shareIndex: sealed.shareIndex, reason: "of another exit than most"});
  }
  const need = committee.threshold;
  const points = new Map((most ?? []).map(({sealed, point}) => [sealed.shareIndex as number, point]));
  bad.sort((a, b) => a.place - b.place);
  if (most === undefined || points.size < need) {
    throw new PleiadesError({code: "ESCROW_TOO_FEW", key, have: points.size, need, bad});
  }
  const chosen = new Map([...points].sort(([a], [b]) => a - b).slice(0, need));
  const {signature, signers} = combinePlainPartials(bls, chosen);
  const {exit} = most[0]!.sealed;
  // Cannot fail after the checks above; what goes to the chain is verified all the same.
  if (!bls.verify(escrowedSigningRoot(exit, chain), bls.publicKeys.load(fromHex(key), "full"), signature)) {
    throw new PleiadesError({code: "ESCROW_COMMITTEE", reason: "the combined signature does not verify", key});
  }
  return {key, exit, signature: signatureHex(bls.signatures.bytes(signature)), signers, bad};
}

/** The partial's point, or what is wrong in words. */
function check(
  bls: BlsGroup,
  {committee, secret, chain, holder}: {committee: Committee; secret: Uint8Array; chain: RootHex; holder: RootHex},
  one: SealedExit,
): SignaturePoint | string {
  const validator = committee.validators.find(({groupPublicKey}) => groupPublicKey === one.groupPublicKey);
  if (validator === undefined) return "its validator is not in the committee file";
  if (validator.committeeHash !== one.committeeHash) return "of another committee or generation of this validator";
  const shareKey = validator.sharePublicKeys[one.shareIndex - 1];
  if (shareKey === undefined) return "the committee has no such share";
  if (one.holder !== holder) return "sealed for another key";
  const opened = openExit(one, {secret, chain});
  if (opened === null) return "cannot be opened: it was changed, or sealed about something else";
  let point: SignaturePoint;
  try {
    point = bls.signatures.load(opened, "full");
  } catch (error) {
    if (error instanceof PleiadesError && error.code === "THRESHOLD_BAD_POINT") return "holds no signature";
    throw error;
  }
  const key = bls.publicKeys.load(fromHex(shareKey), "curve");
  return bls.verify(escrowedSigningRoot(one.exit, chain), key, point) ? point : "not the signature of its share";
}

/** Lists of those about one exit, of most different shares first. */
function byMessage(good: readonly Good[]): Good[][] {
  const groups = new Map<string, Good[]>();
  for (const one of good) {
    const {validatorIndex, epoch, forkVersion} = one.sealed.exit;
    const name = `${validatorIndex}/${epoch}/${forkVersion}`;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  const shares = (list: readonly Good[]): number => new Set(list.map(({sealed}) => sealed.shareIndex)).size;
  return [...groups.values()].sort((a, b) => shares(b) - shares(a));
}
