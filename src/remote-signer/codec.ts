import {type RootHex, rootHex} from "../core/bytes.js";
import type {Network} from "../core/duty/network.js";
import {parseSignRequest} from "../core/duty/request-codec.js";
import type {SignRequest} from "../core/duty/sign-request.js";
import {computeSigningRoot} from "../core/duty/signing-root.js";
import {PleiadesError} from "../core/errors.js";

/** A request that was understood, and the root this signer computed for it. */
export interface Duty {
  readonly request: SignRequest;
  readonly signingRoot: RootHex;
}

/** Turns a full block in a body into its header; other bodies pass unchanged. @see full-block.ts */
export type BlockReader = (body: unknown) => unknown;

/**
 * JSON → request, and nothing else: policy and slashing are decided by the operators. The root is recomputed here only
 * to tell a client whose software disagrees with ours; a request that claims no root is taken.
 * @param body parsed JSON of `POST /api/v1/eth2/sign/{identifier}`
 * @throws CODEC_* for what is malformed · CODEC_ROOT_MISMATCH · POLICY_* when the domain cannot be decided
 * @see Web3Signer eth2 API, signing/schemas.yaml
 */
export function readDuty(body: unknown, network: Network, readBlock: BlockReader): Duty {
  const {request, claimedRoot} = parseSignRequest(readBlock(body), network.preset);
  const signingRoot = rootHex(computeSigningRoot(request, network).signingRoot);
  if (claimedRoot !== null && claimedRoot !== signingRoot) {
    throw new PleiadesError({code: "CODEC_ROOT_MISMATCH", claimed: claimedRoot, computed: signingRoot});
  }
  return {request, signingRoot};
}
