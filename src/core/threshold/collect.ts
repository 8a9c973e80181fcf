import {fromHex, type OperatorId, type PubkeyHex} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import type {BlsGroup, SignaturePoint} from "./bls.js";
import {liftPartial, type Quorum} from "./combine.js";

/** What the partials of one request have to agree with. */
export interface PartialContext {
  readonly quorum: Quorum;
  /** The signing root, 32 bytes. */
  readonly message: Uint8Array;
  /** Of the committee file, in order of operator id: their points were checked when it was parsed. */
  readonly sharePublicKeys: readonly PubkeyHex[];
}

/** A partial signature as an operator sent it. */
export interface ReceivedPartial {
  readonly bytes: Uint8Array;
  readonly point: SignaturePoint;
}

/**
 * Loads a partial for combining: well-formed and on the curve, nothing more, because the combined signature is verified.
 * @returns null for bytes that are no point at all
 */
export function loadPartial(bls: Pick<BlsGroup, "signatures">, bytes: Uint8Array): ReceivedPartial | null {
  try {
    return {bytes, point: bls.signatures.load(bytes, "curve")};
  } catch (error) {
    if (error instanceof PleiadesError && error.code === "THRESHOLD_BAD_POINT") return null;
    throw error;
  }
}

/**
 * Whether one partial is what this operator's share gives for this message. The bytes are loaded anew with subgroup and
 * infinity check before anything is computed from them: a sum with a point outside the subgroup proves nothing.
 */
export function isValidPartial(
  bls: BlsGroup,
  {quorum, message, sharePublicKeys}: PartialContext,
  operatorId: OperatorId,
  bytes: Uint8Array,
): boolean {
  const key = bls.publicKeys.load(fromHex(sharePublicKeys[operatorId - 1]!), "curve");
  let partial: SignaturePoint;
  try {
    partial = bls.signatures.load(bytes, "full");
  } catch (error) {
    if (error instanceof PleiadesError && error.code === "THRESHOLD_BAD_POINT") return false;
    throw error;
  }
  return bls.verify(message, key, liftPartial(bls, quorum, partial));
}

/** The operators whose partials are wrong, in order of id. To be asked only after a combined signature failed. */
export function findLiars(
  bls: BlsGroup,
  context: PartialContext,
  partials: ReadonlyMap<OperatorId, {readonly bytes: Uint8Array}>,
): OperatorId[] {
  return [...partials]
    .filter(([operatorId, {bytes}]) => !isValidPartial(bls, context, operatorId, bytes))
    .map(([operatorId]) => operatorId)
    .sort((a, b) => a - b);
}
