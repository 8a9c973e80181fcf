import {type Deposit, depositDataRoot} from "../../src/core/mini-pool/deposit-data.js";
import {type Eth1Node, importFromDevnet, type Receipt} from "./eth1.js";

/** Where the official contract is on Holesky and Hoodi, and on the devnet. */
export const DEPOSIT_CONTRACT = "0x00000000219ab540356cbb839cbe05303d7705fa";
/** keccak256 of the code at that address on mainnet. */
export const DEPOSIT_CONTRACT_CODE_HASH = "0x6c029a231254fadb724d63be769f75eedd66362df034a3e663252b49d062a666";
const HOODI = 560048; // its genesis has the contract

/** The official deposit contract on the devnet's execution chain. @see consensus-specs solidity_deposit_contract */
export class DepositContract {
  readonly #node: Eth1Node;
  readonly #account: string;

  /** Puts code and storage of a fresh deposit contract, as other networks have them in their genesis, on the chain. */
  static async install(node: Eth1Node, root: string): Promise<DepositContract> {
    const {code, storage} = await official(root);
    if ((await node.call("web3_sha3", code)) !== DEPOSIT_CONTRACT_CODE_HASH) {
      throw new Error("the deposit contract's code is not the official one");
    }
    await node.call("anvil_setCode", DEPOSIT_CONTRACT, code);
    // The hashes of empty subtrees, which the constructor would have computed.
    for (const [slot, value] of storage) await node.call("anvil_setStorageAt", DEPOSIT_CONTRACT, slot, value);
    return new DepositContract(node, await node.account());
  }

  private constructor(node: Eth1Node, account: string) {
    this.#node = node;
    this.#account = account;
  }

  /** Sends the deposits, in this order, and waits until they are in blocks. The contract recomputes each data root. */
  async deposit(deposits: readonly Deposit[], signal: AbortSignal): Promise<readonly Receipt[]> {
    const hashes: string[] = [];
    for (const deposit of deposits) {
      hashes.push(
        await this.#node.send({
          from: this.#account,
          to: DEPOSIT_CONTRACT,
          value: deposit.amount * GWEI,
          data: encodeDeposit(deposit),
        }),
      );
    }
    const receipts: Receipt[] = [];
    for (const hash of hashes) receipts.push(await this.#node.receipt(hash, signal));
    return receipts;
  }

  async count(): Promise<number> {
    const answer = Buffer.from((await this.#view(GET_DEPOSIT_COUNT)).slice(2), "hex");
    // ABI bytes: offset, length, then eight bytes little-endian.
    return Number(answer.readBigUInt64LE(64));
  }

  /** 32 bytes as 0x hex. */
  root(): Promise<string> {
    return this.#view(GET_DEPOSIT_ROOT);
  }

  #view(data: string): Promise<string> {
    return this.#node.call("eth_call", {to: DEPOSIT_CONTRACT, data}, "latest") as Promise<string>;
  }
}

const GWEI = 1_000_000_000n; // in wei
const DEPOSIT = "0x22895118";
const GET_DEPOSIT_COUNT = "0x621fd130";
const GET_DEPOSIT_ROOT = "0xc5f2892f";
const WORD = 32;

/** `deposit(bytes pubkey, bytes withdrawal_credentials, bytes signature, bytes32 deposit_data_root)` as call data. */
export function encodeDeposit(deposit: Deposit): string {
  const parts = [deposit.pubkey, deposit.withdrawalCredentials, deposit.signature].map(bare);
  let offset = 4 * WORD; // of the first part, behind three offsets and the root
  const head: string[] = [];
  for (const part of parts) {
    head.push(word(offset));
    offset += WORD + padded(part.length / 2);
  }
  const tail = parts.map((part) => word(part.length / 2) + part.padEnd(2 * padded(part.length / 2), "0"));
  return [DEPOSIT, ...head, bare(depositDataRoot(deposit)), ...tail].join("");
}

const padded = (length: number): number => Math.ceil(length / WORD) * WORD;
const word = (value: number): string => value.toString(16).padStart(2 * WORD, "0");
const bare = (hex: string): string => hex.slice(2);

async function official(root: string): Promise<{code: string; storage: readonly (readonly [string, string])[]}> {
  const {getGenesis} = (await importFromDevnet(root, "@ethereumjs/genesis")) as {
    getGenesis: (chain: number) => {[address: string]: [balance: string, code: string, storage: [string, string][]]};
  };
  const account = Object.entries(getGenesis(HOODI)).find(
    ([address]) => address.toLowerCase() === DEPOSIT_CONTRACT,
  )?.[1];
  if (account === undefined) throw new Error("@ethereumjs/genesis has no deposit contract");
  return {code: account[1], storage: account[2].map(([slot, value]) => [to32(slot), to32(value)] as const)};
}

const to32 = (value: string): string => `0x${value.replace(/^0x/, "").padStart(2 * WORD, "0")}`;
