import type {PubkeyHex} from "../../core/bytes.js";
import type {Definition} from "../../core/dkg/definition.js";
import {addressCredentials, depositSigningRoot, keyCredentials} from "../../core/mini-pool/deposit-data.js";
import type {WithdrawalRecord} from "../../core/slashing/withdrawal.js";

/** What the definition says of a key's withdrawals. */
export const withdrawalOf = ({withdrawal}: Definition, key: PubkeyHex): WithdrawalRecord =>
  withdrawal.kind === "address"
    ? {credentials: addressCredentials(withdrawal.address), changeTo: null, by: "ceremony"}
    : {credentials: keyCredentials(key), changeTo: withdrawal.changeTo, by: "ceremony"};

/** What is signed of a key's deposits, one for each amount. */
export function depositSigningRoots(definition: Definition, key: PubkeyHex): readonly Uint8Array[] {
  const {network, depositAmounts} = definition;
  const {credentials: withdrawalCredentials} = withdrawalOf(definition, key);
  return depositAmounts.map((amount) =>
    depositSigningRoot({pubkey: key, withdrawalCredentials, amount}, network.genesisForkVersion),
  );
}
