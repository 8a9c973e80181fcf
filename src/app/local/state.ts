import {readdir} from "node:fs/promises";
import {join} from "node:path";
import {type AddressHex, type PubkeyHex, parseAddressHex, parsePubkeyHex} from "../../core/bytes.js";
import {type Network, networkToJson, parseNetwork} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import {readText, replaceFile} from "../files.js";

/** What `local.json` in the data folder remembers between starts. */
export interface LocalState {
  readonly n: number;
  readonly threshold: number;
  readonly network: Network;
  /** "interop 0..7" or "keystores"; told apart because a range that differs must be refused. */
  readonly keys: string;
  readonly groupPublicKeys: readonly PubkeyHex[];
  readonly startEmpty: boolean;
  readonly signers: number;
  /** Loopback port of each operator, by index. */
  readonly ports: readonly number[];
  /** What the operators make their keys from in a ceremony; null where keys were split. */
  readonly ceremony: CeremonyTerms | null;
}

/** What `pleiades dkg create` is told. */
export interface CeremonyTerms {
  readonly validators: number;
  readonly withdrawalAddress: AddressHex;
  readonly feeRecipient: AddressHex;
}

/** Everything but the lock; made under another name and renamed when complete. */
export const treeOf = (dataDir: string): string => join(dataDir, "committee");
export const LOCK = "local.lock";
export const PREPARING = ".preparing";

const fileOf = (tree: string): string => join(tree, "local.json");

/** The state of a data folder; null for an empty or new one. @throws CLI_LOCAL_DIR */
export async function readState(dataDir: string): Promise<LocalState | null> {
  const names = await readdir(dataDir).catch((): string[] => []);
  const foreign = names.filter((name) => ![LOCK, PREPARING, "committee"].includes(name));
  if (foreign.length > 0) throw new PleiadesError({code: "CLI_LOCAL_DIR", dataDir, found: foreign.slice(0, 5)});
  if (!names.includes("committee")) return null;
  try {
    return parseState(JSON.parse(await readText(fileOf(treeOf(dataDir)))));
  } catch (error) {
    throw new PleiadesError(
      {code: "CLI_LOCAL_DIR", dataDir, reason: "local.json is missing or damaged"},
      {cause: error},
    );
  }
}

export async function writeState(tree: string, state: LocalState): Promise<void> {
  const json = {version: 1, ...state, network: networkToJson(state.network)};
  await replaceFile(fileOf(tree), `${JSON.stringify(json, null, 2)}\n`, 0o644);
}

function parseState(raw: unknown): LocalState {
  const {version, n, threshold, network, keys, groupPublicKeys, startEmpty, ports, signers, ceremony} = raw as {
    [key: string]: unknown;
  };
  if (version !== 1) throw new Error("another version");
  if (typeof n !== "number" || typeof threshold !== "number" || typeof keys !== "string") throw new Error("malformed");
  if (!Array.isArray(groupPublicKeys) || !Array.isArray(ports) || ports.length !== n) throw new Error("malformed");
  return {
    n,
    threshold,
    network: parseNetwork(network),
    keys,
    groupPublicKeys: groupPublicKeys.map((key) => parsePubkeyHex(key)),
    startEmpty: startEmpty === true,
    ports: ports.map(Number),
    // Folders made before there could be several have one.
    signers: signers === undefined ? 1 : Number(signers),
    ceremony: ceremony == null ? null : parseTerms(ceremony),
  };
}

function parseTerms(raw: unknown): CeremonyTerms {
  const {validators, withdrawalAddress, feeRecipient} = raw as {[key: string]: unknown};
  if (typeof validators !== "number") throw new Error("malformed");
  return {
    validators,
    withdrawalAddress: parseAddressHex(withdrawalAddress),
    feeRecipient: parseAddressHex(feeRecipient),
  };
}
