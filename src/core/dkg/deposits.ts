import {fromHex, type SignatureHex, signatureHex} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {
  addressCredentials,
  checkDeposit,
  type Deposit,
  type DepositMessage,
  depositSigningRoot,
  keyCredentials,
} from "../mini-pool/deposit-data.js";
import type {BlsGroup, SignaturePoint} from "../threshold/bls.js";
import {combinePlainPartials} from "../threshold/combine.js";
import type {Definition} from "./definition.js";
import type {DkgGroup} from "./group.js";
import type {ValidatorKeys} from "./keys.js";
import type {CheckDeposits} from "./output.js";

type Terms = Pick<Definition, "withdrawal" | "depositAmounts" | "network">;

/** The only credential an operator signs for each key, in the order of partials in a result: by validator, then by amount. */
export function depositMessages({withdrawal, depositAmounts}: Terms, keys: readonly ValidatorKeys[]): DepositMessage[] {
  return keys.flatMap(({groupPublicKey: pubkey}) => {
    const withdrawalCredentials =
      withdrawal.kind === "address" ? addressCredentials(withdrawal.address) : keyCredentials(pubkey);
    return depositAmounts.map((amount) => ({pubkey, withdrawalCredentials, amount}));
  });
}

/** What is signed for each of them (32 bytes). */
export const depositRoots = (terms: Terms, keys: readonly ValidatorKeys[]): Uint8Array[] =>
  depositMessages(terms, keys).map((message) => depositSigningRoot(message, terms.network.genesisForkVersion));

/** Whether a result has all partial signatures of the deposits, each made with the plain share. */
export function depositChecker(group: DkgGroup, terms: Terms): CheckDeposits {
  return (keys, recipient, {body}) => {
    const roots = depositRoots(terms, keys);
    if (body.deposits.length !== roots.length) return false;
    if (roots.length === 0) return true;
    const amounts = terms.depositAmounts.length;
    try {
      return group.verifyAll(
        roots.map((message, i) => ({
          message,
          key: group.publicKeys.load(fromHex(keys[Math.floor(i / amounts)]!.sharePublicKeys[recipient - 1]!), "curve"),
          signature: group.signatures.load(fromHex(body.deposits[i]!), "full"),
        })),
      );
    } catch (error) {
      if (error instanceof PleiadesError && error.code === "THRESHOLD_BAD_POINT") return false;
      throw error;
    }
  };
}

/**
 * The deposits, out of t operators' partials; each is verified.
 * @param partials by recipient, in the order of {@link depositMessages}, checked before
 * @throws DEPOSIT_SIGNATURE
 */
export function combineDeposits(
  bls: BlsGroup,
  terms: Terms & Pick<Definition, "threshold">,
  {keys, partials}: {keys: readonly ValidatorKeys[]; partials: ReadonlyMap<number, readonly SignatureHex[]>},
): Deposit[] {
  const signers = [...partials].sort(([a], [b]) => a - b).slice(0, terms.threshold);
  return depositMessages(terms, keys).map((message, i) => {
    const points = signers.map(([recipient, signatures]): [number, SignaturePoint] => [
      recipient,
      bls.signatures.load(fromHex(signatures[i]!), "curve"),
    ]);
    const {signature} = combinePlainPartials(bls, new Map(points));
    const deposit = {...message, signature: signatureHex(bls.signatures.bytes(signature))};
    checkDeposit(deposit, {genesisForkVersion: terms.network.genesisForkVersion, bls});
    return deposit;
  });
}
