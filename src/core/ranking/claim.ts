import {parseUint64} from "../bytes.js";
import type {SignType, WireRequest} from "../duty/sign-request.js";
import {signTypeRow} from "../duty/sign-types.js";
import {member} from "../duty/ssz-json.js";
import {PleiadesError} from "../errors.js";

/** Types of which two different messages for one duty are a slashing: the only ones whose votes can be split. */
export const isRanked = (type: SignType): type is "BLOCK_V2" | "ATTESTATION" =>
  type === "BLOCK_V2" || type === "ATTESTATION";

/** What a request says it is about, before anybody has checked it. */
export interface Claim {
  /** The same for all requests that exclude each other: one block per slot, one vote per target epoch. */
  readonly duty: string;
  /** Differs for different messages. */
  readonly root: string;
}

/**
 * The claim of a request that has to wait its turn; null for one that has not, because it cannot be slashed or is so
 * malformed that the keeper will refuse it. Reads two members and hashes nothing.
 */
export function claimOf({type, ...request}: WireRequest): Claim | null {
  if (!isRanked(type)) return null;
  const {jsonKey} = signTypeRow(type);
  try {
    const message = member(request, jsonKey, "request");
    const at =
      type === "BLOCK_V2"
        ? member(member(message, "block_header", jsonKey), "slot", jsonKey)
        : member(member(message, "target", jsonKey), "epoch", jsonKey);
    const {signingRoot} = request;
    // Every Pleiades signer sends the root; the message's own text tells messages apart as well.
    const root = typeof signingRoot === "string" ? signingRoot.toLowerCase() : JSON.stringify(message);
    return {duty: `${type} ${parseUint64(at, "duty")}`, root};
  } catch (error) {
    if (error instanceof PleiadesError) return null;
    throw error;
  }
}
