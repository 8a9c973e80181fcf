import {createHash} from "node:crypto";
import {PleiadesError} from "../../core/errors.js";

/** Order of the BLS12-381 scalar field. */
const R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
const MAX_KEYS = 1024;

export interface InteropRange {
  readonly first: number;
  /** Included. */
  readonly last: number;
}

/** `0..7` is eight keys, `3` is one. @throws CLI_INTEROP */
export function parseInteropRange(raw: string): InteropRange {
  const match = /^(\d{1,7})(?:\.\.(\d{1,7}))?$/.exec(raw);
  if (match === null) throw new PleiadesError({code: "CLI_INTEROP", given: raw});
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  if (last < first || last - first >= MAX_KEYS) throw new PleiadesError({code: "CLI_INTEROP", given: raw});
  return {first, last};
}

/**
 * The well-known secret key of an interop validator, 32 bytes big-endian: sha256 of its index as 32 little-endian bytes,
 * read little-endian, modulo r. Everybody knows these keys. @see eth2.0-pm interop/mocked_start
 */
export function interopSecret(index: number): Uint8Array {
  const seed = Buffer.alloc(32);
  seed.writeUInt32LE(index);
  const digest = createHash("sha256").update(seed).digest().reverse();
  const scalar = BigInt(`0x${digest.toString("hex")}`) % R;
  return new Uint8Array(Buffer.from(scalar.toString(16).padStart(64, "0"), "hex"));
}

/** Secrets of a whole range, in order. */
export const interopSecrets = ({first, last}: InteropRange): Uint8Array[] =>
  Array.from({length: last - first + 1}, (_, i) => interopSecret(first + i));
