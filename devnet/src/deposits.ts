import {loadSecretKey} from "../../src/adapters/bls/blst.js";
import {interopSecrets} from "../../src/app/local/interop.js";
import {type Bytes4Hex, parseGwei, signatureHex} from "../../src/core/bytes.js";
import {type Deposit, depositSigningRoot, keyCredentials} from "../../src/core/mini-pool/deposit-data.js";

export const FULL_DEPOSIT = parseGwei("32000000000");

/**
 * The deposits that Lodestar's `dev` command makes its genesis state from, in order. With them the contract's tree is
 * the one whose root the state has, so that the node can prove the deposits that follow.
 */
export function interopDeposits(count: number, genesisForkVersion: Bytes4Hex): Deposit[] {
  return interopSecrets({first: 0, last: count - 1}).map((secret) => {
    const key = loadSecretKey(secret);
    const pubkey = key.publicKey;
    const message = {pubkey, withdrawalCredentials: keyCredentials(pubkey), amount: FULL_DEPOSIT};
    return {...message, signature: signatureHex(key.sign(depositSigningRoot(message, genesisForkVersion)))};
  });
}
