import type {Type} from "@chainsafe/ssz";
import {SigningData} from "./containers.js";
import {domainOf} from "./domain.js";
import type {Network} from "./network.js";
import type {Preset} from "./preset.js";
import type {Messages, SignRequest, SignType} from "./sign-request.js";
import {signTypeRow} from "./sign-types.js";

/**
 * What a signature of this request signs (32 bytes) and the root of the message alone (32 bytes), each hashed once:
 * permits compare the object root, records and signatures the signing root.
 * @see consensus-specs phase0/beacon-chain.md "compute_signing_root"
 * @throws POLICY_WRONG_CHAIN · POLICY_WRONG_FORK · POLICY_NETWORK_REQUIRED
 */
export function computeSigningRoot(
  request: SignRequest,
  network: Network,
): {signingRoot: Uint8Array; objectRoot: Uint8Array} {
  // The domain first: it is cheaper than the message and refuses what belongs to another chain.
  const domain = domainOf(request, network);
  const objectRoot = objectRootOf(request.type, request.message, network.preset, request.version ?? "phase0");
  return {signingRoot: SigningData.hashTreeRoot({objectRoot, domain}), objectRoot};
}

/** hash_tree_root of the object that is signed; `fork` matters only to AGGREGATE_AND_PROOF_V2. */
export function objectRootOf<T extends SignType>(
  type: T,
  message: Messages[T],
  preset: Preset,
  fork: NonNullable<SignRequest["version"]>,
): Uint8Array {
  const row = signTypeRow(type);
  if (row.objectRoot !== null) return row.objectRoot(message);
  const container: Type<Messages[T]> = row.container(preset, fork);
  return container.hashTreeRoot(message);
}
