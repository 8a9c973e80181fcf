/** The file that the staking launchpad takes, as the deposit tools write it. */
import {type Bytes4Hex, parseBytes4Hex, parseGwei, parsePubkeyHex, parseRootHex, parseSignatureHex} from "../bytes.js";
import {isJsonObject, type JsonObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";
import {shown} from "../shown.js";
import type {BlsGroup} from "../threshold/bls.js";
import {checkDeposit, type Deposit, depositDataRoot, depositMessageRoot} from "./deposit-data.js";

/** The version of the deposit tool whose format this is; the launchpad asks for one and refuses old ones. */
export const DEPOSIT_CLI_VERSION = "2.7.0";

/** A thousand validators of one ceremony with four deposits each, and some. */
const MAX_DEPOSITS = 4_096;
/** One deposit takes 800 characters. */
const MAX_CHARACTERS = MAX_DEPOSITS * 1_024;

/** The chain a deposit is for. */
export interface DepositNetwork {
  /** As the launchpad calls it: mainnet, hoodi, sepolia, or a test network's own name. */
  readonly name: string;
  readonly genesisForkVersion: Bytes4Hex;
}

/** One row: hex without 0x, the amount a number. */
export interface LaunchpadDeposit {
  readonly pubkey: string;
  readonly withdrawal_credentials: string;
  readonly amount: number;
  readonly signature: string;
  readonly deposit_message_root: string;
  readonly deposit_data_root: string;
  readonly fork_version: string;
  readonly network_name: string;
  readonly deposit_cli_version: string;
}

const bare = (hex: string): string => hex.slice(2);

export const toLaunchpad = (deposit: Deposit, {name, genesisForkVersion}: DepositNetwork): LaunchpadDeposit => ({
  pubkey: bare(deposit.pubkey),
  withdrawal_credentials: bare(deposit.withdrawalCredentials),
  // Exact: the largest deposit is far below 2^53 Gwei.
  amount: Number(deposit.amount),
  signature: bare(deposit.signature),
  deposit_message_root: bare(depositMessageRoot(deposit)),
  deposit_data_root: bare(depositDataRoot(deposit)),
  fork_version: bare(genesisForkVersion),
  network_name: name,
  deposit_cli_version: DEPOSIT_CLI_VERSION,
});

/**
 * The text of the file. Every deposit is checked first: a file with a bad signature would burn stake.
 * @throws DEPOSIT_SIGNATURE · DEPOSIT_CREDENTIALS · DEPOSIT_AMOUNT
 */
export function formatDepositFile(
  deposits: readonly Deposit[],
  {network, bls}: {network: DepositNetwork; bls: BlsGroup},
): string {
  for (const deposit of deposits) checkDeposit(deposit, {...network, bls});
  return `${JSON.stringify(deposits.map((deposit) => toLaunchpad(deposit, network)))}\n`;
}

/**
 * The deposits of such a file, of this tool or another: roots, network and signatures are all checked, members that
 * are not of the format are ignored.
 * @throws DEPOSIT_FILE · DEPOSIT_NETWORK · DEPOSIT_ROOT · DEPOSIT_SIGNATURE · DEPOSIT_CREDENTIALS · DEPOSIT_AMOUNT ·
 * CODEC_HEX · CODEC_UINT64
 */
export function parseDepositFile(
  text: string,
  {network, bls}: {network: DepositNetwork; bls: BlsGroup},
): readonly Deposit[] {
  return rowsOf(text, {max: MAX_DEPOSITS, maxCharacters: MAX_CHARACTERS}).map((row, i) =>
    readDeposit(row, {field: `[${i}]`, network, bls}),
  );
}

function readDeposit(
  row: JsonObject,
  {field, network, bls}: {field: string; network: DepositNetwork; bls: BlsGroup},
): Deposit {
  const at = (key: keyof LaunchpadDeposit): [unknown, string] => [own(row, key, field), `${field}.${key}`];
  const [name] = at("network_name");
  const version = parseBytes4Hex(...at("fork_version"));
  if (name !== network.name || version !== network.genesisForkVersion) {
    const given = `${shown(name)} ${version}`;
    throw new PleiadesError({
      code: "DEPOSIT_NETWORK",
      field,
      given,
      wanted: `${network.name} ${network.genesisForkVersion}`,
    });
  }
  const [amount, amountField] = at("amount");
  // The launchpad refuses a text here.
  if (typeof amount !== "number") throw notAFile("not a number", amountField);
  if (typeof own(row, "deposit_cli_version", field) !== "string")
    throw notAFile("not a text", `${field}.deposit_cli_version`);
  const deposit: Deposit = {
    pubkey: parsePubkeyHex(...at("pubkey")),
    withdrawalCredentials: parseRootHex(...at("withdrawal_credentials")),
    amount: parseGwei(amount, amountField),
    signature: parseSignatureHex(...at("signature")),
  };
  const roots = {deposit_message_root: depositMessageRoot(deposit), deposit_data_root: depositDataRoot(deposit)};
  for (const [key, actual] of Object.entries(roots)) {
    const given = parseRootHex(...at(key as keyof typeof roots));
    if (given !== actual) throw new PleiadesError({code: "DEPOSIT_ROOT", field: `${field}.${key}`, given, actual});
  }
  checkDeposit(deposit, {...network, bls});
  return deposit;
}

/** The rows of a list in JSON. @throws DEPOSIT_FILE */
export function rowsOf(
  text: string,
  {max, maxCharacters}: {max: number; maxCharacters: number},
): readonly JsonObject[] {
  if (text.length > maxCharacters) throw notAFile("too large");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new PleiadesError({code: "DEPOSIT_FILE", reason: "not JSON, or cut short"}, {cause});
  }
  if (!Array.isArray(json) || json.length === 0 || json.length > max) throw notAFile(`not a list of 1 to ${max}`);
  return json.map((row: unknown, i) => {
    if (!isJsonObject(row)) throw notAFile("not an object", `[${i}]`);
    return row;
  });
}

/** An own member that must be there. @throws DEPOSIT_FILE */
export function own(row: JsonObject, key: string, field: string): unknown {
  if (!Object.hasOwn(row, key)) throw notAFile("missing", `${field}.${key}`);
  return row[key];
}

const notAFile = (reason: string, field?: string): PleiadesError =>
  new PleiadesError({code: "DEPOSIT_FILE", field, reason});
