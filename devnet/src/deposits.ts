import {createHash} from "node:crypto";
import {ContainerType} from "@chainsafe/ssz";
import {loadSecretKey} from "../../src/adapters/bls/blst.js";
import {interopSecrets} from "../../src/app/local/interop.js";
import {Bytes96, DepositMessage, ETH2, SigningData} from "../../src/core/duty/containers.js";
import {computeDomain} from "../../src/core/duty/domain.js";
import type {DepositCall} from "./deposit-contract.js";

/** What a depositor signs, and nothing else of it can be changed afterwards. */
export interface Deposit {
  readonly pubkey: Uint8Array;
  readonly withdrawalCredentials: Uint8Array;
  /** Gwei. */
  readonly amount: bigint;
}

const DOMAIN_DEPOSIT = Uint8Array.of(3, 0, 0, 0);
export const FULL_DEPOSIT = 32_000_000_000n;

const DepositData = new ContainerType({...DepositMessage.fields, signature: Bytes96}, ETH2);

/** 32 bytes. @see consensus-specs phase0/beacon-chain.md "apply_deposit": the domain knows no validators root */
export function depositSigningRoot(deposit: Deposit, genesisForkVersion: Uint8Array): Uint8Array {
  const domain = computeDomain(DOMAIN_DEPOSIT, genesisForkVersion, new Uint8Array(32));
  return SigningData.hashTreeRoot({objectRoot: DepositMessage.hashTreeRoot(deposit), domain});
}

/** With the signature, as the contract takes it, and the roots of both. */
export const depositCall = (
  deposit: Deposit,
  signature: Uint8Array,
): DepositCall & {readonly depositMessageRoot: Uint8Array} => ({
  ...deposit,
  signature,
  depositMessageRoot: DepositMessage.hashTreeRoot(deposit),
  depositDataRoot: DepositData.hashTreeRoot({...deposit, signature}),
});

/**
 * The deposits that Lodestar's `dev` command makes its genesis state from, in order. With them the contract's tree is
 * the one whose root the state has, so that the node can prove the deposits that follow.
 */
export function interopDeposits(count: number, genesisForkVersion: Uint8Array): DepositCall[] {
  return interopSecrets({first: 0, last: count - 1}).map((secret) => {
    const key = loadSecretKey(secret);
    const pubkey = new Uint8Array(Buffer.from(key.publicKey.slice(2), "hex"));
    const deposit = {pubkey, withdrawalCredentials: blsCredentials(pubkey), amount: FULL_DEPOSIT};
    return depositCall(deposit, key.sign(depositSigningRoot(deposit, genesisForkVersion)));
  });
}

function blsCredentials(pubkey: Uint8Array): Uint8Array {
  const credentials = new Uint8Array(createHash("sha256").update(pubkey).digest());
  credentials[0] = 0;
  return credentials;
}

/** Withdrawals go to this address (0x hex). */
export function addressCredentials(address: string): Uint8Array {
  const credentials = new Uint8Array(32);
  credentials[0] = 1;
  credentials.set(Buffer.from(address.slice(2), "hex"), 12);
  return credentials;
}

/**
 * Deposit data JSON as the launchpad takes it, ready for the contract. Both roots must be those of its own values.
 */
export function readDepositData(text: string): DepositCall[] {
  return (JSON.parse(text) as Record<string, string | number>[]).map((entry) => {
    const bytes = (name: string): Uint8Array => new Uint8Array(Buffer.from(String(entry[name]), "hex"));
    const deposit = {
      pubkey: bytes("pubkey"),
      withdrawalCredentials: bytes("withdrawal_credentials"),
      amount: BigInt(entry.amount ?? 0),
    };
    const call = depositCall(deposit, bytes("signature"));
    for (const [name, root] of [
      ["deposit_message_root", call.depositMessageRoot],
      ["deposit_data_root", call.depositDataRoot],
    ] as const) {
      if (Buffer.compare(bytes(name), root) !== 0) throw new Error(`the deposit data's ${name} is not its own`);
    }
    return call;
  });
}
