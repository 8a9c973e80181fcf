import type {AddressHex, PubkeyHex, RootHex} from "../bytes.js";
import {parseAddressHex, parsePubkeyHex, rootHex} from "../bytes.js";
import type {SignRequest} from "../duty/sign-request.js";
import type {ReasonCode} from "../errors.js";

/**
 * To whom one key's stake goes, as this operator has signed it. Whoever deposits first decides for ever on the chain, so
 * two credentials signed for one key would let the second depositor lose its stake to the first.
 */
export interface WithdrawalRecord {
  readonly credentials: RootHex;
  /** The one address a BLS_TO_EXECUTION_CHANGE may name; null: the record permits none. */
  readonly changeTo: AddressHex | null;
  /** `ceremony`: the operator consented in the key's definition. `permit`: each message needs a permit besides. */
  readonly by: "ceremony" | "permit";
}

export type WithdrawalSubject =
  | {readonly kind: "deposit"; readonly credentials: RootHex}
  | {readonly kind: "change"; readonly from: PubkeyHex; readonly to: AddressHex};

/** Null for messages that say nothing of withdrawals. */
export function withdrawalSubject(request: SignRequest): WithdrawalSubject | null {
  switch (request.type) {
    case "DEPOSIT":
      return {kind: "deposit", credentials: rootHex(request.message.withdrawalCredentials)};
    case "BLS_TO_EXECUTION_CHANGE": {
      const {fromBlsPubkey, toExecutionAddress} = request.message;
      return {kind: "change", from: parsePubkeyHex(hex(fromBlsPubkey)), to: parseAddressHex(hex(toExecutionAddress))};
    }
    default:
      return null;
  }
}

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

export type WithdrawalDecision =
  | {readonly answer: "approve"; readonly record: WithdrawalRecord}
  /** What is recorded allows it already. */
  | {readonly answer: "repeat"}
  | {readonly answer: "deny"; readonly code: ReasonCode};

const deny = (code: ReasonCode): WithdrawalDecision => ({answer: "deny", code});

/**
 * Whether a message may be signed given what was signed before, and the record that then forbids every other credential.
 * Amounts are free: a deposit of the same credential only adds to the same stake.
 * @param permitted by this operator's own configuration
 * @param forgotten true when this store may have lost a record
 */
export function decideWithdrawal(
  record: WithdrawalRecord | null,
  subject: WithdrawalSubject,
  {key, permitted, forgotten}: {key: PubkeyHex; permitted: boolean; forgotten: boolean},
): WithdrawalDecision {
  if (subject.kind === "change") {
    if (record === null || record.changeTo === null)
      return permitted ? {answer: "repeat"} : deny("POLICY_NOT_PERMITTED");
    const same = subject.from === key && subject.to === record.changeTo;
    return same ? {answer: "repeat"} : deny("KEEPER_OTHER_WITHDRAWAL_ADDRESS");
  }
  const {credentials} = subject;
  if (record !== null && record.credentials !== credentials) return deny("KEEPER_OTHER_CREDENTIALS");
  if (!permitted && record?.by !== "ceremony") return deny("POLICY_NOT_PERMITTED");
  if (record !== null) return {answer: "repeat"};
  return forgotten
    ? deny("KEEPER_CREDENTIALS_FORGOTTEN")
    : {answer: "approve", record: {credentials, changeTo: null, by: "permit"}};
}
