import type {RootHex} from "../bytes.js";
import type {Ceremony} from "./ceremony.js";
import {hexBytes, join} from "./digest.js";
import type {DkgGroup} from "./group.js";
import type {Item, RetireBody} from "./items.js";
import {checkEach, signEach} from "./share-proof.js";

/** What an old share signs when its time is over. Not of 32 bytes, so it is no message of a validator. */
export function retirementMessage(
  ceremony: RootHex,
  {transcript, epoch}: Omit<RetireBody, "proof">,
  validator: number,
): Uint8Array {
  const last = Buffer.alloc(8);
  last.writeBigUInt64BE(epoch);
  return new Uint8Array(join("retirement v1", [hexBytes(ceremony), hexBytes(transcript), last, validator]));
}

/**
 * Says with all of a dealer's old shares that they sign nothing later. A node key alone could be used by a broken-into
 * operator process whose keeper goes on signing.
 * @param shares by validator, each 1…r−1
 */
export const proveRetirement = (
  group: DkgGroup,
  ceremony: RootHex,
  said: Omit<RetireBody, "proof">,
  shares: readonly bigint[],
): RetireBody => ({...said, proof: signEach(group, shares, (v) => retirementMessage(ceremony, said, v))});

/** Whether its author has retired for this outcome of this ceremony. @param retirement decoded, so of an old operator */
export function isRetirement(
  group: DkgGroup,
  {id, participants, definition}: Pick<Ceremony, "id" | "participants" | "definition">,
  transcript: RootHex,
  {author, body}: Item<"retire">,
): boolean {
  if (body.transcript !== transcript) return false;
  const {dealer} = participants[author - 1]!;
  const keys = definition.previous!.validators.map(({sharePublicKeys}) => sharePublicKeys[dealer! - 1]!);
  return checkEach(group, keys, body.proof, (v) => retirementMessage(id, body, v));
}
