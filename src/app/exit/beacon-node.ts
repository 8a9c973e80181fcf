/**
 * The calls of the beacon API that exits and credential changes need.
 * @see beacon-APIs: getStateValidator, getSyncingStatus, submitPoolVoluntaryExit, submitPoolBLSToExecutionChange
 */
import {
  type PubkeyHex,
  parseEpoch,
  parsePubkeyHex,
  parseRootHex,
  parseUint64,
  type SignatureHex,
} from "../../core/bytes.js";
import {isJsonObject, type JsonObject} from "../../core/duty/strict-object.js";
import {PleiadesError} from "../../core/errors.js";
import {shown} from "../../core/shown.js";
import {withoutCredentials} from "../config/beacon-node.js";
import type {Withdrawals} from "./credential-change.js";
import type {ValidatorOnChain} from "./decide.js";

/** A state of a busy node takes seconds to look into. */
const TIMEOUT_MS = 30_000;
/** No answer to these calls is anywhere near. */
const MAX_ANSWER_BYTES = 65_536;

export interface SignedExit {
  readonly message: {readonly epoch: string; readonly validator_index: string};
  readonly signature: SignatureHex;
}

export class ExitNode {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws EXIT_NODE · EXIT_NODE_SYNCING */
  async requireSynced(): Promise<void> {
    const path = "/eth/v1/node/syncing";
    const {is_syncing, sync_distance} = await this.#data(path);
    if (typeof is_syncing !== "boolean") throw this.#malformed(path);
    if (is_syncing) throw this.#failure("EXIT_NODE_SYNCING", {slotsBehind: shown(sync_distance, 20)});
  }

  /** The validator in the head's state. @throws EXIT_UNKNOWN_VALIDATOR · EXIT_NODE */
  async validator(key: PubkeyHex): Promise<ValidatorOnChain> {
    const path = `/eth/v1/beacon/states/head/validators/${key}`;
    const {status, text} = await this.#call(path);
    if (status === 404) throw this.#failure("EXIT_UNKNOWN_VALIDATOR", {key});
    const data = this.#dataOf(path, status, text);
    try {
      const {validator} = data;
      if (!isJsonObject(validator) || typeof data.status !== "string") throw this.#malformed(path);
      if (parsePubkeyHex(validator.pubkey) !== key) throw this.#malformed(path);
      return {
        key,
        index: parseUint64(data.index, "index"),
        status: data.status.slice(0, 64),
        activationEpoch: parseEpoch(validator.activation_epoch, "activation_epoch"),
        exitEpoch: parseEpoch(validator.exit_epoch, "exit_epoch"),
        withdrawableEpoch: parseEpoch(validator.withdrawable_epoch, "withdrawable_epoch"),
      };
    } catch (cause) {
      throw this.#malformed(path, cause);
    }
  }

  /** Where the validator's stake goes when it is withdrawn, in the head's state. @throws EXIT_UNKNOWN_VALIDATOR · EXIT_NODE */
  async withdrawals(key: PubkeyHex): Promise<Withdrawals> {
    const path = `/eth/v1/beacon/states/head/validators/${key}`;
    const {status, text} = await this.#call(path);
    if (status === 404) throw this.#failure("EXIT_UNKNOWN_VALIDATOR", {key});
    const data = this.#dataOf(path, status, text);
    try {
      const {validator} = data;
      if (!isJsonObject(validator) || parsePubkeyHex(validator.pubkey) !== key) throw this.#malformed(path);
      return {
        index: parseUint64(data.index, "index"),
        status: shown(data.status),
        credentials: parseRootHex(validator.withdrawal_credentials, "withdrawal_credentials"),
      };
    } catch (cause) {
      throw this.#malformed(path, cause);
    }
  }

  /** As publish, of one change of withdrawal credentials. @throws EXIT_REFUSED · EXIT_NODE */
  async publishChange(change: object): Promise<void> {
    const {status, text} = await this.#call("/eth/v1/beacon/pool/bls_to_execution_changes", [change]);
    if (status >= 200 && status < 300) return;
    throw this.#failure("EXIT_REFUSED", {status, reason: reasonIn(text), signedChange: JSON.stringify(change)});
  }

  /** Hands the exit to the node, which checks it and tells the others. @throws EXIT_REFUSED · EXIT_NODE */
  async publish(exit: SignedExit): Promise<void> {
    const {status, text} = await this.#call("/eth/v1/beacon/pool/voluntary_exits", exit);
    if (status >= 200 && status < 300) return;
    throw this.#failure("EXIT_REFUSED", {status, reason: reasonIn(text), signedExit: JSON.stringify(exit)});
  }

  async #data(path: string): Promise<JsonObject> {
    const {status, text} = await this.#call(path);
    return this.#dataOf(path, status, text);
  }

  #dataOf(path: string, status: number, text: string): JsonObject {
    if (status !== 200) throw this.#failure("EXIT_NODE", {path, status, reason: reasonIn(text)});
    try {
      const json: unknown = JSON.parse(text);
      if (isJsonObject(json) && isJsonObject(json.data)) return json.data;
    } catch (cause) {
      throw this.#malformed(path, cause);
    }
    throw this.#malformed(path);
  }

  async #call(path: string, body?: unknown): Promise<{status: number; text: string}> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const response = await fetch(`${this.#url.replace(/\/+$/, "")}${path}`, {
        signal,
        headers: {accept: "application/json", ...(body === undefined ? {} : {"content-type": "application/json"})},
        ...(body === undefined ? {} : {method: "POST", body: JSON.stringify(body)}),
      });
      return {status: response.status, text: await readBounded(response, MAX_ANSWER_BYTES)};
    } catch (cause) {
      const reason = signal.aborted ? "no answer in time" : "cannot be reached";
      throw this.#failure("EXIT_NODE", {path, reason}, cause);
    }
  }

  #malformed(path: string, cause?: unknown): PleiadesError {
    return this.#failure("EXIT_NODE", {path, reason: "its answer is malformed"}, cause);
  }

  #failure(
    code: "EXIT_NODE" | "EXIT_NODE_SYNCING" | "EXIT_UNKNOWN_VALIDATOR" | "EXIT_REFUSED",
    data: {readonly [key: string]: unknown},
    cause?: unknown,
  ): PleiadesError {
    return new PleiadesError({code, beaconNode: withoutCredentials(this.#url), ...data}, {cause});
  }
}

/** The body's text; an endless one is cut. */
export async function readBounded(response: Response, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > maxBytes) throw new Error("the answer is too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** What an error's body says, in one line. */
function reasonIn(text: string): string {
  try {
    const json: unknown = JSON.parse(text);
    if (isJsonObject(json) && typeof json.message === "string") return json.message.slice(0, 500);
  } catch {
    // Then it is text.
  }
  return text.replaceAll(/\s+/g, " ").slice(0, 500);
}
