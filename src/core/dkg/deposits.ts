import {fromHex, signatureHex} from "../bytes.js";
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
import {combinePartials, liftPartial, type Quorum} from "../threshold/combine.js";
import type {Definition} from "./definition.js";
import type {DkgGroup} from "./group.js";
import type {Item} from "./items.js";
import type {ValidatorKeys} from "./keys.js";
import type {CheckDeposits} from "./output.js";

/** What deposits follow from. */
export type DepositTerms = Pick<Definition, "withdrawal" | "depositAmounts" | "network" | "operators" | "threshold">;

/** The only credential an operator signs for each key, in the order of partials in a result: by validator, then by amount. */
export function depositMessages(
  {withdrawal, depositAmounts}: DepositTerms,
  keys: readonly ValidatorKeys[],
): DepositMessage[] {
  return keys.flatMap(({groupPublicKey: pubkey}) => {
    const withdrawalCredentials =
      withdrawal.kind === "address" ? addressCredentials(withdrawal.address) : keyCredentials(pubkey);
    return depositAmounts.map((amount) => ({pubkey, withdrawalCredentials, amount}));
  });
}

/** What is signed for each of them (32 bytes). */
export const depositRoots = (terms: DepositTerms, keys: readonly ValidatorKeys[]): Uint8Array[] =>
  depositMessages(terms, keys).map((message) => depositSigningRoot(message, terms.network.genesisForkVersion));

/** Whether a result has all partial signatures of the deposits, each made with its share divided by Δ. */
export function depositChecker(group: DkgGroup, terms: DepositTerms): CheckDeposits {
  const quorum = quorumOf(terms);
  const amounts = terms.depositAmounts.length;
  return (keys, recipient, {body}) => {
    const roots = depositRoots(terms, keys);
    if (body.deposits.length !== roots.length) return false;
    if (roots.length === 0) return true;
    try {
      return group.verifyAll(
        roots.map((message, i) => ({
          message,
          key: group.publicKeys.load(fromHex(keys[Math.floor(i / amounts)]!.sharePublicKeys[recipient - 1]!), "curve"),
          signature: liftPartial(group, quorum, group.signatures.load(fromHex(body.deposits[i]!), "full")),
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
 * @param results checked before, at least t
 * @throws DEPOSIT_SIGNATURE · THRESHOLD_SIGNER_SET
 */
export function combineDeposits(
  bls: BlsGroup,
  terms: DepositTerms,
  {keys, results}: {keys: readonly ValidatorKeys[]; results: readonly Item<"result">[]},
): Deposit[] {
  return depositMessages(terms, keys).map((message, i) => {
    const points = results.map(({author, body}): [number, SignaturePoint] => [
      author,
      bls.signatures.load(fromHex(body.deposits[i]!), "curve"),
    ]);
    const {signature} = combinePartials(bls, quorumOf(terms), new Map(points));
    const deposit = {...message, signature: signatureHex(bls.signatures.bytes(signature))};
    checkDeposit(deposit, {genesisForkVersion: terms.network.genesisForkVersion, bls});
    return deposit;
  });
}

const quorumOf = ({operators, threshold}: DepositTerms): Quorum => ({n: operators.length, t: threshold});
