import {
  type OperatorId,
  type PeerIdText,
  type PubkeyHex,
  parseOperatorId,
  parsePeerIdText,
  parsePubkeyHex,
  parseRootHex,
  type RootHex,
} from "../bytes.js";
import {type ErrorData, PleiadesError} from "../errors.js";
import {shown} from "../shown.js";

/** 16,384 validators of 13 operators: 14 keys of 101 characters each with indentation, and room for the rest. */
const MAX_FILE_CHARACTERS = 2 ** 25;
/** More keys than one signer serves; a staker with more makes several files. */
const MAX_VALIDATORS = 2 ** 14;
/** IPv4, IPv6, DNS and a relay each with a spare. */
const MAX_ADDRESSES = 8;
/** The longest multiaddr in use is a DNS name (253) with transport. */
const MAX_ADDRESS_CHARACTERS = 300;
/** A multiaddr, or the https origin of a participant of the distributed profile. */
const ADDRESS = /^(?:\/[\x21-\x7e]+|https:\/\/[\w.\-:[\]]+)$/;
/** One signer and its stand-ins per site. */
const MAX_COORDINATORS = 64;

/** A committee file's content after its shape was checked, before anything in it is believed. */
export interface FileContent {
  readonly generation: number;
  readonly genesisValidatorsRoot: RootHex | null;
  readonly threshold: number;
  readonly unsafeThreshold: boolean;
  readonly operators: readonly {id: OperatorId; peerId: PeerIdText; addresses: readonly string[]}[];
  readonly coordinators: readonly PeerIdText[];
  readonly validators: readonly {groupPublicKey: PubkeyHex; sharePublicKeys: readonly PubkeyHex[]}[];
}

export const malformed = (field: string, reason: string, data: ErrorData = {}): PleiadesError =>
  new PleiadesError({...data, code: "COMMITTEE_FILE_MALFORMED", field, reason});

/**
 * JSON text to typed content: bounds, types, no unknown field (the checksum would not cover one).
 * @throws COMMITTEE_FILE_MALFORMED · COMMITTEE_FILE_VERSION, and CODEC_* with the field
 */
export function readShape(text: string): {content: FileContent; checksum: RootHex} {
  if (text.length > MAX_FILE_CHARACTERS) throw malformed("file", `more than ${MAX_FILE_CHARACTERS} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw malformed("file", "not JSON", {detail: error instanceof Error ? error.message : undefined});
  }
  // Version first: a later one may have any other fields.
  if (typeof json === "object" && json !== null && "version" in json && json.version !== 1) {
    throw new PleiadesError({code: "COMMITTEE_FILE_VERSION", version: shown(json.version, 32), known: 1});
  }
  const required = ["version", "generation", "genesis_validators_root", "threshold"];
  const lists = ["operators", "coordinators", "validators", "checksum"];
  const file = object(json, "file", [...required, ...lists], ["unsafe_threshold"]);
  const root = file.genesis_validators_root;
  const content = {
    generation: wholeNumber(file.generation, "generation"),
    genesisValidatorsRoot: root === null ? null : parseRootHex(root, "genesis_validators_root"),
    threshold: wholeNumber(file.threshold, "threshold"),
    unsafeThreshold: unsafeMark(file.unsafe_threshold),
    operators: list(file.operators, "operators", 13).map(readOperator),
    coordinators: list(file.coordinators, "coordinators", MAX_COORDINATORS).map((raw, i) =>
      parsePeerIdText(raw, `coordinators[${i}]`),
    ),
    validators: list(file.validators, "validators", MAX_VALIDATORS).map(readValidator),
  };
  return {content, checksum: parseRootHex(file.checksum, "checksum")};
}

function readOperator(raw: unknown, index: number): FileContent["operators"][number] {
  const field = `operators[${index}]`;
  const {id, peer_id, addresses} = object(raw, field, ["id", "peer_id", "addresses"]);
  return {
    id: parseOperatorId(id, `${field}.id`),
    peerId: parsePeerIdText(peer_id, `${field}.peer_id`),
    addresses: list(addresses, `${field}.addresses`, MAX_ADDRESSES).map((address, i) => {
      const valid = typeof address === "string" && ADDRESS.test(address) && !address.includes("/p2p/");
      if (!valid || address.length > MAX_ADDRESS_CHARACTERS) {
        throw malformed(`${field}.addresses[${i}]`, "neither a multiaddr without /p2p nor an https origin");
      }
      return address;
    }),
  };
}

function readValidator(raw: unknown, index: number): FileContent["validators"][number] {
  const field = `validators[${index}]`;
  const {group_public_key, share_public_keys} = object(raw, field, ["group_public_key", "share_public_keys"]);
  return {
    groupPublicKey: parsePubkeyHex(group_public_key, `${field}.group_public_key`),
    sharePublicKeys: list(share_public_keys, `${field}.share_public_keys`, 13).map((key, i) =>
      parsePubkeyHex(key, `${field}.share_public_keys[${i}]`),
    ),
  };
}

function object(raw: unknown, field: string, required: readonly string[], optional: readonly string[] = []) {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) throw malformed(field, "not an object");
  const missing = required.find((key) => !Object.hasOwn(raw, key));
  if (missing !== undefined) throw malformed(`${field}.${missing}`, "missing");
  const unknown = Object.keys(raw).find((key) => !required.includes(key) && !optional.includes(key));
  if (unknown !== undefined) throw malformed(`${field}.${unknown.slice(0, 64)}`, "unknown field");
  return raw as {readonly [key: string]: unknown};
}

function list(raw: unknown, field: string, max: number): readonly unknown[] {
  if (!Array.isArray(raw)) throw malformed(field, "not a list");
  if (raw.length > max) throw malformed(field, `more than ${max} entries`);
  return raw;
}

function wholeNumber(raw: unknown, field: string): number {
  if (typeof raw !== "number" || !Number.isSafeInteger(raw) || raw < 0) throw malformed(field, "not a whole number");
  return raw;
}

function unsafeMark(raw: unknown): boolean {
  if (raw !== undefined && raw !== true) throw malformed("unsafe_threshold", "may only be left out or true");
  return raw === true;
}
