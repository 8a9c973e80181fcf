import {createHash} from "node:crypto";
import {fromHex, type PubkeyHex, rootHex} from "../../core/bytes.js";
import type {Definition} from "../../core/dkg/definition.js";
import {DepositMessage, SigningData} from "../../core/duty/containers.js";
import {computeDomain} from "../../core/duty/domain.js";
import {signTypeRow} from "../../core/duty/sign-types.js";
import type {WithdrawalRecord} from "../../core/slashing/withdrawal.js";

/** What the definition says of a key's withdrawals. @see consensus-specs phase0/validator.md "Withdrawal credentials" */
export function withdrawalOf({withdrawal}: Definition, key: PubkeyHex): WithdrawalRecord {
  if (withdrawal.kind === "address") {
    const credentials = Buffer.concat([Buffer.from([1]), Buffer.alloc(11), fromHex(withdrawal.address)]);
    return {credentials: rootHex(credentials), changeTo: null, by: "ceremony"};
  }
  const credentials = createHash("sha256").update(fromHex(key)).digest();
  credentials[0] = 0;
  return {credentials: rootHex(credentials), changeTo: withdrawal.changeTo, by: "ceremony"};
}

/** One for each amount: genesis fork and no chain's root, for deposits are signed before there is a chain. */
export function depositSigningRoots(definition: Definition, key: PubkeyHex): readonly Uint8Array[] {
  const {network, depositAmounts} = definition;
  const domain = computeDomain(
    signTypeRow("DEPOSIT").domainType,
    fromHex(network.genesisForkVersion),
    new Uint8Array(32),
  );
  const withdrawalCredentials = fromHex(withdrawalOf(definition, key).credentials);
  return depositAmounts.map((amount) => {
    const objectRoot = DepositMessage.hashTreeRoot({pubkey: fromHex(key), withdrawalCredentials, amount});
    return SigningData.hashTreeRoot({objectRoot, domain});
  });
}
