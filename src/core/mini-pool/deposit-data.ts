/**
 * Deposits: what is signed, what the deposit contract hashes, and to whom the stake goes when it is withdrawn.
 * @see consensus-specs: phase0/beacon-chain.md "process_deposit", phase0/validator.md "Withdrawal credentials"
 */
import {createHash} from "node:crypto";
import {
  type AddressHex,
  type Bytes4Hex,
  fromHex,
  type Gwei,
  type PubkeyHex,
  parseAddressHex,
  type RootHex,
  rootHex,
  type SignatureHex,
} from "../bytes.js";
import {DepositData, DepositMessage as DepositMessageType, SigningData} from "../duty/containers.js";
import {computeDomain} from "../duty/domain.js";
import type {SignRequest} from "../duty/sign-request.js";
import {signTypeRow} from "../duty/sign-types.js";
import {PleiadesError} from "../errors.js";
import type {BlsGroup} from "../threshold/bls.js";

export interface DepositMessage {
  readonly pubkey: PubkeyHex;
  readonly withdrawalCredentials: RootHex;
  readonly amount: Gwei;
}
export interface Deposit extends DepositMessage {
  readonly signature: SignatureHex;
}

/** MIN_DEPOSIT_AMOUNT: the contract reverts below it. */
export const MIN_DEPOSIT_GWEI = 1_000_000_000n;
/** MAX_EFFECTIVE_BALANCE_ELECTRA: above it no stake earns. */
export const MAX_DEPOSIT_GWEI = 2_048_000_000_000n;

/** ETH1_ADDRESS_WITHDRAWAL_PREFIX. */
const ADDRESS_PREFIX = `0x01${"00".repeat(11)}`;
const ZERO_ROOT = new Uint8Array(32);

/** 0x01: withdrawals go to this address, and nobody can change that. */
export const addressCredentials = (address: AddressHex): RootHex =>
  rootHex(Buffer.from(`${ADDRESS_PREFIX}${address.slice(2)}`.slice(2), "hex"));

/** 0x00: whoever holds this key may name an address, once. */
export function keyCredentials(key: PubkeyHex): RootHex {
  const credentials = createHash("sha256").update(fromHex(key)).digest();
  credentials[0] = 0; // BLS_WITHDRAWAL_PREFIX
  return rootHex(credentials);
}

export type WithdrawalCredentials =
  | {readonly kind: "address"; readonly address: AddressHex}
  /** The hash names its key to whoever has it: compare with {@link keyCredentials}. */
  | {readonly kind: "key"};

/** What credentials say. @throws DEPOSIT_CREDENTIALS for any other prefix, and for padding that is not zero */
export function readCredentials(credentials: RootHex): WithdrawalCredentials {
  if (credentials.startsWith("0x00")) return {kind: "key"};
  if (credentials.startsWith(ADDRESS_PREFIX)) {
    return {kind: "address", address: parseAddressHex(credentials.slice(ADDRESS_PREFIX.length))};
  }
  throw new PleiadesError({code: "DEPOSIT_CREDENTIALS", credentials});
}

/** @throws DEPOSIT_AMOUNT */
export function checkAmount(amount: bigint): void {
  if (amount < MIN_DEPOSIT_GWEI || amount > MAX_DEPOSIT_GWEI) throw new PleiadesError({code: "DEPOSIT_AMOUNT", amount});
}

const messageValue = ({pubkey, withdrawalCredentials, amount}: DepositMessage) => ({
  pubkey: fromHex(pubkey),
  withdrawalCredentials: fromHex(withdrawalCredentials),
  amount,
});

/** hash_tree_root(DepositMessage). */
export const depositMessageRoot = (message: DepositMessage): RootHex =>
  rootHex(DepositMessageType.hashTreeRoot(messageValue(message)));

/** hash_tree_root(DepositData): the contract's argument deposit_data_root. */
export const depositDataRoot = (deposit: Deposit): RootHex =>
  rootHex(DepositData.hashTreeRoot({...messageValue(deposit), signature: fromHex(deposit.signature)}));

/** 32 bytes: of the genesis fork and no chain's root, for deposits are signed before there is a chain. */
export const depositDomain = (genesisForkVersion: Bytes4Hex): Uint8Array =>
  computeDomain(signTypeRow("DEPOSIT").domainType, fromHex(genesisForkVersion), ZERO_ROOT);

/** What is signed (32 bytes). */
export function depositSigningRoot(message: DepositMessage, genesisForkVersion: Bytes4Hex): Uint8Array {
  const objectRoot = fromHex(depositMessageRoot(message));
  return SigningData.hashTreeRoot({objectRoot, domain: depositDomain(genesisForkVersion)});
}

/** The same as a request to a committee. */
export const depositRequest = (message: DepositMessage, genesisForkVersion: Bytes4Hex): SignRequest => ({
  type: "DEPOSIT",
  message: {...messageValue(message), genesisForkVersion: fromHex(genesisForkVersion)},
  forkInfo: null,
  version: null,
});

/**
 * Whether the chain would make a validator of this deposit. The key and the signature are checked in full.
 * @throws DEPOSIT_SIGNATURE · DEPOSIT_CREDENTIALS · DEPOSIT_AMOUNT
 */
export function checkDeposit(
  deposit: Deposit,
  {genesisForkVersion, bls}: {genesisForkVersion: Bytes4Hex; bls: BlsGroup},
): void {
  checkAmount(deposit.amount);
  readCredentials(deposit.withdrawalCredentials);
  if (!verifies(bls, depositSigningRoot(deposit, genesisForkVersion), deposit)) {
    throw new PleiadesError({code: "DEPOSIT_SIGNATURE", key: deposit.pubkey});
  }
}

/** False for what is no point of the group too. */
export function verifies(
  bls: BlsGroup,
  signingRoot: Uint8Array,
  {pubkey, signature}: {readonly pubkey: PubkeyHex; readonly signature: SignatureHex},
): boolean {
  try {
    const key = bls.publicKeys.load(fromHex(pubkey), "full");
    return bls.verify(signingRoot, key, bls.signatures.load(fromHex(signature), "full"));
  } catch (error) {
    if (error instanceof PleiadesError && error.code === "THRESHOLD_BAD_POINT") return false;
    throw error;
  }
}
