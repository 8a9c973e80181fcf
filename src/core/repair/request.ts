import {
  MAX_OPERATORS,
  type PeerIdText,
  type PubkeyHex,
  parsePeerIdText,
  parseRootHex,
  parseShareIndex,
  type RootHex,
  type ShareIndex,
} from "../bytes.js";
import type {Committee, CommitteeValidator} from "../committee/committee.js";
import {digestHex, hexBytes} from "../dkg/digest.js";
import {isSealingKey} from "../dkg/sealing.js";
import {strictObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";

/** Keys in one session; more are repaired in several. A dealing of 13 operators then takes 40 KB. */
export const MAX_REPAIR_KEYS = 50;
const MAX_REQUEST_CHARACTERS = 2 ** 14;

/** What an operator asks that lost its shares. It signs the id with its node key. */
export interface RepairRequest {
  readonly nonce: RootHex;
  /** Committee hashes: they name key, generation, n, t and every share public key. All of one committee. */
  readonly shares: readonly RootHex[];
  readonly owner: PeerIdText;
  readonly index: ShareIndex;
  /** Exactly t operators, ascending, without the owner. */
  readonly helpers: readonly ShareIndex[];
  /** X25519: to which the sums are sealed. */
  readonly sealingKey: RootHex;
}

const FIELDS = ["version", "nonce", "shares", "owner", "index", "helpers", "sealing_key"] as const;
const bad = (field: string): PleiadesError => new PleiadesError({code: "SHARE_REPAIR_MESSAGE", field});

/** One spelling of each request. */
export const formatRequest = ({nonce, shares, owner, index, helpers, sealingKey}: RepairRequest): string =>
  JSON.stringify({version: 1, nonce, shares, owner, index, helpers, sealing_key: sealingKey});

/** Names the session. */
export const sessionOf = (request: RepairRequest): RootHex => digestHex("repair request v1", formatRequest(request));

/** @throws SHARE_REPAIR_MESSAGE · CODEC_* */
export function parseRequest(text: string): RepairRequest {
  if (text.length > MAX_REQUEST_CHARACTERS) throw bad("size");
  const json = strictObject(parseJson(text), FIELDS, "request", "SHARE_REPAIR_MESSAGE");
  const {version, shares, helpers} = json;
  if (version !== 1) throw bad("version");
  if (!Array.isArray(shares) || shares.length === 0 || shares.length > MAX_REPAIR_KEYS) throw bad("shares");
  if (!Array.isArray(helpers) || helpers.length > MAX_OPERATORS) throw bad("helpers");
  const request: RepairRequest = {
    nonce: parseRootHex(json.nonce, "nonce"),
    shares: Array.from(shares, (hash) => parseRootHex(hash, "shares")),
    owner: parsePeerIdText(json.owner, "owner"),
    index: parseShareIndex(json.index, "index"),
    helpers: Array.from(helpers, (id) => parseShareIndex(id, "helpers")),
    sealingKey: parseRootHex(json.sealing_key, "sealing_key"),
  };
  if (new Set(request.shares).size !== request.shares.length) throw bad("shares");
  if (!isSealingKey(hexBytes(request.sealingKey))) throw bad("sealing_key");
  if (formatRequest(request) !== text) throw bad("spelling");
  return request;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad("json");
  }
}

/** What a request is about, as this operator's own committee files have it. */
export interface Repair {
  readonly session: RootHex;
  readonly request: RepairRequest;
  readonly validators: readonly CommitteeValidator[];
  /** By place in `helpers`. */
  readonly peers: readonly PeerIdText[];
}

/**
 * Looks a request up. Whoever asks must be the operator that the committee file names at that index.
 * @throws SHARE_COMMITTEE · SHARE_WRONG_OPERATOR · SHARE_REPAIR_MESSAGE
 */
export function repairOf(request: RepairRequest, committees: readonly Committee[]): Repair {
  const {shares, owner, index, helpers} = request;
  const committee = committees.find(({validators}) => validators.some((one) => one.committeeHash === shares[0]));
  const known = new Map(committee?.validators.map((one) => [one.committeeHash, one]));
  const validators = shares.map((hash) => known.get(hash));
  if (committee === undefined || !validators.every((one) => one !== undefined)) {
    throw new PleiadesError({code: "SHARE_COMMITTEE", committeeHash: shares[0]});
  }
  const {operators, threshold} = committee;
  const named = operators[index - 1]?.peerId;
  if (named !== owner) throw new PleiadesError({code: "SHARE_WRONG_OPERATOR", index, owner: named, peerId: owner});
  const ascending = helpers.every((id, i) => i === 0 || id > helpers[i - 1]!);
  const valid =
    helpers.length === threshold && !helpers.includes(index) && helpers.every((id) => id <= operators.length);
  if (!ascending || !valid) throw bad("helpers");
  return {session: sessionOf(request), request, validators, peers: helpers.map((id) => operators[id - 1]!.peerId)};
}

export const keysOf = ({validators}: Repair): readonly PubkeyHex[] => validators.map((one) => one.groupPublicKey);
