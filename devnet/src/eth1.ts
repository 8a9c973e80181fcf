import {existsSync} from "node:fs";
import {createRequire} from "node:module";
import {join} from "node:path";
import {type Program, ProgramError, type Reaper, startProgram} from "./processes.js";

/** Chosen by anvil. */
export const ETH1_CHAIN_ID = 31337;
const REQUEST_TIMEOUT_MS = 10_000;
const START_BOUND_MS = 20_000; // a fifth of a second on an idle machine
const RECEIPT_POLL_MS = 200;
const RECEIPT_BOUND_MS = 30_000; // blocks come every second

export interface Receipt {
  readonly blockNumber: number;
  readonly gasUsed: number;
}

/** The devnet's execution chain: anvil, with accounts that it signs for itself. */
export class Eth1Node {
  readonly port: number;
  readonly program: Program;
  #requests = 0;

  /** Resolves when it answers. @throws ProgramError */
  static async start(
    modules: {reaper: Reaper},
    options: {root: string; dir: string; port: number; blockSeconds: number; signal: AbortSignal},
  ): Promise<Eth1Node> {
    const {root, dir, port, blockSeconds, signal} = options;
    const program = startProgram(modules, {
      name: "eth1 node",
      command: anvilBinary(root),
      cwd: dir,
      logFile: join(dir, "eth1-node.log"),
      args: [
        ...["--host", "127.0.0.1", "--port", String(port), "--chain-id", String(ETH1_CHAIN_ID)],
        ...["--block-time", String(blockSeconds), "--hardfork", "prague"],
      ],
    });
    const node = new Eth1Node(port, program);
    await Promise.race([program.failed, node.#untilAnswers(signal)]).catch((error) => {
      program.kill();
      throw error;
    });
    return node;
  }

  private constructor(port: number, program: Program) {
    this.port = port;
    this.program = program;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The result of one JSON-RPC call. */
  async call(method: string, ...params: readonly unknown[]): Promise<unknown> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: {"content-type": "application/json"},
      body: JSON.stringify({jsonrpc: "2.0", id: ++this.#requests, method, params}),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const {result, error} = (await response.json()) as {result?: unknown; error?: {message: string}};
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** An account with ether that the node signs for. */
  async account(): Promise<string> {
    const [first] = (await this.call("eth_accounts")) as string[];
    if (first === undefined) throw new Error("the eth1 node has no account");
    return first;
  }

  /** Sends a transaction; its hash. The node refuses one that would revert. */
  async send(transaction: {from: string; to: string; value: bigint; data: string}): Promise<string> {
    const {value, ...rest} = transaction;
    return (await this.call("eth_sendTransaction", {...rest, value: `0x${value.toString(16)}`})) as string;
  }

  /** Waits until the transaction is in a block. Rejects when it failed there. */
  async receipt(hash: string, signal: AbortSignal): Promise<Receipt> {
    const end = performance.now() + RECEIPT_BOUND_MS;
    for (;;) {
      signal.throwIfAborted();
      const receipt = (await this.call("eth_getTransactionReceipt", hash)) as {
        status: string;
        blockNumber: string;
        gasUsed: string;
      } | null;
      if (receipt !== null) {
        if (receipt.status !== "0x1") throw new Error(`transaction ${hash} was reverted`);
        return {blockNumber: Number(receipt.blockNumber), gasUsed: Number(receipt.gasUsed)};
      }
      if (performance.now() > end) throw new Error(`transaction ${hash} is in no block`);
      await new Promise((resolve) => setTimeout(resolve, RECEIPT_POLL_MS));
    }
  }

  async #untilAnswers(signal: AbortSignal): Promise<void> {
    const end = performance.now() + START_BOUND_MS;
    for (;;) {
      signal.throwIfAborted();
      try {
        if (Number(await this.call("eth_chainId")) === ETH1_CHAIN_ID) return;
      } catch (error) {
        if (performance.now() > end) throw new ProgramError(`The eth1 node did not answer: ${error}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/**
 * The program itself, not the script in front of it, which would be the one that is asked to end.
 * @throws ProgramError when it is not installed
 */
function anvilBinary(root: string): string {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const name = `@foundry-rs/anvil-${process.platform}-${arch}`;
  const path = join(root, "devnet", "node_modules", name, "bin", process.platform === "win32" ? "anvil.exe" : "anvil");
  if (!existsSync(path)) throw new ProgramError(`anvil is not installed: ${name} has no binary for this machine.`);
  return path;
}

/** Loads a package of the devnet, which is not one of the signer's. */
export async function importFromDevnet(root: string, name: string): Promise<{[name: string]: unknown}> {
  const resolve = createRequire(join(root, "devnet", "package.json")).resolve;
  return import(resolve(name));
}
