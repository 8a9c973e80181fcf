import {createHash} from "node:crypto";
import {parseHexBytes, parseRootHex, type RootHex, rootHex, toHex} from "../bytes.js";
import {digest, hexBytes} from "../dkg/digest.js";
import {isSealingKey, SEAL_OVERHEAD} from "../dkg/sealing.js";
import {strictObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";

export const POINT_BYTES = 48;
export const SCALAR_BYTES = 32;
const SIGNATURE_BYTES = 64;

const bad = (field: string): PleiadesError => new PleiadesError({code: "SHARE_REPAIR_MESSAGE", field});

/** A helper's sealing keys, one for each helper that will send it a summand; by place. */
export interface Announce {
  readonly keys: readonly RootHex[];
  /** Ed25519 by the helper's node key, as the plugin `share`. */
  readonly signature: Uint8Array;
}

/** What one helper gets of a dealing: its column of the commitments, and its summands, sealed. */
export interface Column {
  /** 48 bytes for each key. */
  readonly commitments: Uint8Array;
  readonly sealed: Uint8Array;
}

/** What is signed of a dealing. */
export interface DealingHead {
  /** X25519, one for each helper. */
  readonly ephemerals: readonly RootHex[];
  /** SHA-256 of each helper's column. */
  readonly columns: readonly RootHex[];
  readonly signature: Uint8Array;
}

export interface Dealing {
  readonly head: DealingHead;
  readonly columns: readonly Column[];
}

export const columnHash = ({commitments, sealed}: Column): RootHex =>
  rootHex(createHash("sha256").update("pleiades repair column v1\n").update(commitments).update(sealed).digest());

/** What an announce's signature is of. @param place of the helper */
export const announceMessage = (session: RootHex, place: number, keys: readonly RootHex[]): Uint8Array =>
  digest("repair announce v1", hexBytes(session), place, ...keys.map(hexBytes));

export const dealingMessage = (
  session: RootHex,
  place: number,
  {ephemerals, columns}: Omit<DealingHead, "signature">,
): Uint8Array => digest("repair dealing v1", hexBytes(session), place, ...[...ephemerals, ...columns].map(hexBytes));

export const requestMessage = (session: RootHex): Uint8Array => digest("repair ask v1", hexBytes(session));

/** @throws SHARE_REPAIR_MESSAGE · CODEC_* */
export function parseAnnounce(raw: unknown, t: number): Announce {
  const {keys, signature} = strictObject(raw, ["keys", "signature"], "announce", "SHARE_REPAIR_MESSAGE");
  const read = hashes(keys, t, "announce.keys");
  if (!read.every((key) => isSealingKey(hexBytes(key)))) throw bad("announce.keys");
  return {keys: read, signature: exactly(signature, SIGNATURE_BYTES, "announce.signature")};
}

/** @throws SHARE_REPAIR_MESSAGE · CODEC_* */
export function parseHead(raw: unknown, t: number): DealingHead {
  const fields = ["ephemerals", "columns", "signature"] as const;
  const {ephemerals, columns, signature} = strictObject(raw, fields, "dealing", "SHARE_REPAIR_MESSAGE");
  return {
    ephemerals: hashes(ephemerals, t, "dealing.ephemerals"),
    columns: hashes(columns, t, "dealing.columns"),
    signature: exactly(signature, SIGNATURE_BYTES, "dealing.signature"),
  };
}

/** @param keys of the session @throws SHARE_REPAIR_MESSAGE · CODEC_* */
export function parseColumn(raw: unknown, keys: number): Column {
  const {commitments, sealed} = strictObject(raw, ["commitments", "sealed"], "column", "SHARE_REPAIR_MESSAGE");
  return {
    commitments: exactly(commitments, keys * POINT_BYTES, "column.commitments"),
    sealed: exactly(sealed, keys * SCALAR_BYTES + SEAL_OVERHEAD, "column.sealed"),
  };
}

/** @throws SHARE_REPAIR_MESSAGE · CODEC_* */
export function parseDealing(raw: unknown, {t, keys}: {t: number; keys: number}): Dealing {
  const {head, columns} = strictObject(raw, ["head", "columns"], "dealing", "SHARE_REPAIR_MESSAGE");
  return {
    head: parseHead(head, t),
    columns: listOf(columns, t, "dealing.columns").map((column) => parseColumn(column, keys)),
  };
}

export const announceJson = ({keys, signature}: Announce): object => ({keys, signature: toHex(signature)});
export const headJson = ({ephemerals, columns, signature}: DealingHead): object => ({
  ephemerals,
  columns,
  signature: toHex(signature),
});
export const columnJson = ({commitments, sealed}: Column): object => ({
  commitments: toHex(commitments),
  sealed: toHex(sealed),
});
export const dealingJson = ({head, columns}: Dealing): object => ({
  head: headJson(head),
  columns: columns.map(columnJson),
});

/** A list of exactly this length. @throws SHARE_REPAIR_MESSAGE */
export function listOf(raw: unknown, length: number, field: string): readonly unknown[] {
  if (!Array.isArray(raw) || raw.length !== length) throw bad(field);
  return Array.from(raw);
}

export function exactly(raw: unknown, bytes: number, field: string): Uint8Array {
  return parseHexBytes(raw, {min: bytes, max: bytes}, field);
}

const hashes = (raw: unknown, length: number, field: string): readonly RootHex[] =>
  listOf(raw, length, field).map((one) => parseRootHex(one, field));
