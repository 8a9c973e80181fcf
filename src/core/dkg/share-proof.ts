import {fromHex, type PubkeyHex, type RootHex, type SignatureHex, signatureHex} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {hexBytes, join} from "./digest.js";
import type {DkgGroup} from "./group.js";

/** What a share signs to prove that it is held. Not of 32 bytes, so it is no message of a validator. */
export const shareMessage = (transcript: RootHex, validator: number): Uint8Array =>
  new Uint8Array(join("share proof v1", [hexBytes(transcript), validator]));

/**
 * Σ of the signatures by each of a recipient's shares over its own message. The messages differ, so whoever can make the
 * sum can make each signature of it.
 * @param shares by validator, each 1…r−1
 */
export const proveShares = (group: DkgGroup, transcript: RootHex, shares: readonly bigint[]): SignatureHex =>
  signEach(group, shares, (v) => shareMessage(transcript, v));

/** Σ of the signatures by each share over its own message. */
export function signEach(
  group: DkgGroup,
  shares: readonly bigint[],
  message: (validator: number) => Uint8Array,
): SignatureHex {
  const signatures = shares.map((share, v) => group.signatures.load(group.sign(share, message(v)), "curve"));
  return signatureHex(group.signatures.bytes(group.signatures.sum(signatures)));
}

/** @param sharePublicKeys the recipient's, by validator, checked before */
export const checkShareProof = (
  group: DkgGroup,
  {
    transcript,
    sharePublicKeys,
    proof,
  }: {transcript: RootHex; sharePublicKeys: readonly PubkeyHex[]; proof: SignatureHex},
): boolean => checkEach(group, sharePublicKeys, proof, (v) => shareMessage(transcript, v));

/** @param sharePublicKeys by validator, checked before */
export function checkEach(
  group: DkgGroup,
  sharePublicKeys: readonly PubkeyHex[],
  proof: SignatureHex,
  message: (validator: number) => Uint8Array,
): boolean {
  const claims = sharePublicKeys.map((key, v) => ({
    message: message(v),
    key: group.publicKeys.load(fromHex(key), "curve"),
  }));
  try {
    return group.verifyAggregate(claims, group.signatures.load(fromHex(proof), "full"));
  } catch (error) {
    if (error instanceof PleiadesError && error.code === "THRESHOLD_BAD_POINT") return false;
    throw error;
  }
}
