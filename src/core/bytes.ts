/**
 * Branded values and the only place that casts to them. Everything from outside is parsed here once;
 * inside there is one spelling of each value.
 */
import {PleiadesError} from "./errors.js";

declare const brand: unique symbol;
type Brand<T, B extends string> = T & {readonly [brand]: B};

/** BLS public key: 0x + 96 lower-case hex digits (48 bytes, compressed G1). */
export type PubkeyHex = Brand<string, "PubkeyHex">;
/** 32 bytes: 0x + 64 lower-case hex digits. */
export type RootHex = Brand<string, "RootHex">;
/** Fork version or domain type: 0x + 8 lower-case hex digits. */
export type Bytes4Hex = Brand<string, "Bytes4Hex">;
/** Execution address: 0x + 40 lower-case hex digits. */
export type AddressHex = Brand<string, "AddressHex">;
/** BLS signature: 0x + 192 lower-case hex digits (96 bytes, compressed G2). */
export type SignatureHex = Brand<string, "SignatureHex">;
export type Slot = Brand<bigint, "Slot">;
export type Epoch = Brand<bigint, "Epoch">;
export type Gwei = Brand<bigint, "Gwei">;
/** 1-based Shamir x-coordinate of a share. Index 0 would be the secret itself, f(0). */
export type ShareIndex = Brand<number, "ShareIndex">;
/** An operator's number in its committee; equal to the index of its share. */
export type OperatorId = Brand<number, "OperatorId">;
/** libp2p peer id in base58btc or CIDv1 text form, as the library prints it. */
export type PeerIdText = Brand<string, "PeerIdText">;
/** Names one run of one keeper: 32 lower-case hex digits, random. */
export type LifeId = Brand<string, "LifeId">;

/** 16 bytes as 32 lower-case hex digits, not all zero: one request through signer, operator and keeper. */
export type TraceId = Brand<string, "TraceId">;

export const UINT64_MAX = 2n ** 64n - 1n;

const HEX = /^(?:0[xX])?([0-9a-fA-F]*)$/;

function parseHex(raw: unknown, bytes: number, field: string): string {
  if (typeof raw !== "string") throw new PleiadesError({code: "CODEC_HEX", field, reason: "not a string"});
  // Reject by length before the pattern runs, so a huge string costs nothing.
  if (raw.length > 2 + 2 * bytes)
    throw new PleiadesError({code: "CODEC_HEX", field, expectedBytes: bytes, length: raw.length});
  const digits = HEX.exec(raw)?.[1];
  if (digits === undefined) throw new PleiadesError({code: "CODEC_HEX", field, reason: "not hex"});
  if (digits.length !== 2 * bytes) {
    throw new PleiadesError({code: "CODEC_HEX", field, expectedBytes: bytes, length: digits.length});
  }
  return `0x${digits.toLowerCase()}`;
}

/** Takes any case, with or without 0x. @throws CODEC_HEX */
export const parsePubkeyHex = (raw: unknown, field = "public key"): PubkeyHex => parseHex(raw, 48, field) as PubkeyHex;
/** @throws CODEC_HEX */
export const parseRootHex = (raw: unknown, field = "root"): RootHex => parseHex(raw, 32, field) as RootHex;
/** @throws CODEC_HEX */
export const parseBytes4Hex = (raw: unknown, field = "version"): Bytes4Hex => parseHex(raw, 4, field) as Bytes4Hex;
/** @throws CODEC_HEX */
export const parseAddressHex = (raw: unknown, field = "address"): AddressHex => parseHex(raw, 20, field) as AddressHex;
/** @throws CODEC_HEX */
export const parseSignatureHex = (raw: unknown, field = "signature"): SignatureHex =>
  parseHex(raw, 96, field) as SignatureHex;

const DECIMAL = /^(?:0|[1-9][0-9]{0,19})$/;

/**
 * A uint64 as the beacon API writes it: a decimal string without sign, space or leading zero; a JSON number is
 * taken only while it is exact. @throws CODEC_UINT64
 */
export function parseUint64(raw: unknown, field: string): bigint {
  if (typeof raw === "number" && Number.isSafeInteger(raw) && raw >= 0) return BigInt(raw);
  if (typeof raw !== "string" || !DECIMAL.test(raw)) throw new PleiadesError({code: "CODEC_UINT64", field});
  const value = BigInt(raw);
  if (value > UINT64_MAX) throw new PleiadesError({code: "CODEC_UINT64", field});
  return value;
}
export const parseSlot = (raw: unknown, field = "slot"): Slot => parseUint64(raw, field) as Slot;
export const parseEpoch = (raw: unknown, field = "epoch"): Epoch => parseUint64(raw, field) as Epoch;
export const parseGwei = (raw: unknown, field = "amount"): Gwei => parseUint64(raw, field) as Gwei;
/** For values already known to be uint64s (from an SSZ container). */
export const asSlot = (value: bigint): Slot => value as Slot;
export const asEpoch = (value: bigint): Epoch => value as Epoch;
export const epochOfSlot = (slot: bigint, slotsPerEpoch: number): Epoch => (slot / BigInt(slotsPerEpoch)) as Epoch;

/** The largest committee; more operators would only add latency. */
export const MAX_OPERATORS = 13;

/** @throws CODEC_INDEX */
export function parseShareIndex(raw: unknown, field = "index"): ShareIndex {
  if (typeof raw !== "number" || !Number.isInteger(raw) || raw < 1 || raw > MAX_OPERATORS) {
    throw new PleiadesError({code: "CODEC_INDEX", field});
  }
  return raw as ShareIndex;
}
/** @throws CODEC_INDEX */
export const parseOperatorId = (raw: unknown, field = "operator id"): OperatorId =>
  parseShareIndex(raw, field) as number as OperatorId;

const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{46,60}$/;
/** Shape only (base58btc of an identity or sha-256 multihash); the libp2p adapter decodes it. @throws CODEC_PEER_ID */
export function parsePeerIdText(raw: unknown, field = "peer id"): PeerIdText {
  if (typeof raw !== "string" || !PEER_ID.test(raw)) throw new PleiadesError({code: "CODEC_PEER_ID", field});
  return raw as PeerIdText;
}

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
/** Null for anything else: a trace id is for people who read logs, never a reason to refuse. @see W3C Trace Context 3.2.2.3 */
export const parseTraceId = (raw: unknown): TraceId | null =>
  typeof raw === "string" && raw.length === 32 && TRACE_ID.test(raw) ? (raw as TraceId) : null;

const LIFE_ID = /^[0-9a-f]{32}$/;
/** @throws CODEC_LIFE */
export function parseLifeId(raw: unknown, field = "life"): LifeId {
  if (typeof raw !== "string" || !LIFE_ID.test(raw)) throw new PleiadesError({code: "CODEC_LIFE", field});
  return raw as LifeId;
}

/** Hex of `min` to `max` bytes, any case, with or without 0x. @throws CODEC_HEX */
export function parseHexBytes(raw: unknown, {min, max}: {min: number; max: number}, field: string): Uint8Array {
  if (typeof raw !== "string") throw new PleiadesError({code: "CODEC_HEX", field, reason: "not a string"});
  // The value's own length decides what parseHex expects, held within the bounds: a huge string is refused by length.
  const digits = raw.length - (/^0[xX]/.test(raw) ? 2 : 0);
  const bytes = Math.min(Math.max(Math.ceil(digits / 2), min), max);
  return new Uint8Array(Buffer.from(parseHex(raw, bytes, field).slice(2), "hex"));
}

/** Lower-case 0x hex of the bytes. */
export function toHex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}
export const rootHex = (bytes: Uint8Array): RootHex => parseRootHex(toHex(bytes));
export const pubkeyHex = (bytes: Uint8Array): PubkeyHex => parsePubkeyHex(toHex(bytes));
export const signatureHex = (bytes: Uint8Array): SignatureHex => parseSignatureHex(toHex(bytes));
/** Bytes of a value this module parsed: always whole bytes. */
export function fromHex(hex: PubkeyHex | RootHex | Bytes4Hex | AddressHex | SignatureHex): Uint8Array {
  return new Uint8Array(Buffer.from(hex.slice(2), "hex"));
}
