import {isUtf8} from "node:buffer";
import {PleiadesError} from "../core/errors.js";
import {MAX_JSON_DEPTH} from "./bounds.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * Parses JSON and refuses what two readers could read differently: bytes that are not UTF-8, and a key named twice in
 * one object, of which JSON.parse would silently take the last.
 *
 * Each member of valid JSON has exactly one colon outside strings, so fewer members in the parsed value than colons in
 * the text means that some were dropped as duplicates. That costs one pass over the bytes and needs no second parser.
 *
 * @throws CODEC_JSON · CODEC_DUPLICATE_KEY
 */
export function parseStrictJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw new PleiadesError({code: "CODEC_JSON", reason: "not UTF-8"});
  const colons = countColons(body);
  const value = parse(body.toString("utf8"));
  if (countMembers(value) !== colons) throw new PleiadesError({code: "CODEC_DUPLICATE_KEY"});
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The engine's own message quotes the body; it is not repeated.
    throw new PleiadesError({code: "CODEC_JSON", reason: text === "" ? "empty body" : "not JSON"});
  }
}

/** Colons outside strings; also bounds the depth, before any recursive code sees the value. */
function countColons(body: Buffer): number {
  let colons = 0;
  let depth = 0;
  for (let i = 0; i < body.length; i++) {
    switch (body[i]) {
      case QUOTE:
        i = endOfString(body, i);
        break;
      case COLON:
        colons++;
        break;
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > MAX_JSON_DEPTH) throw new PleiadesError({code: "CODEC_JSON", reason: "nested too deeply"});
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth--;
        break;
    }
  }
  return colons;
}

/** Index of the quote that closes the string opened at `start`, or the end of an unfinished one. */
function endOfString(body: Buffer, start: number): number {
  for (let quote = body.indexOf(QUOTE, start + 1); quote !== -1; quote = body.indexOf(QUOTE, quote + 1)) {
    let backslashes = 0;
    while (body[quote - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote;
  }
  return body.length;
}

function countMembers(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value);
  let members = Array.isArray(value) ? 0 : inner.length;
  for (const item of inner) members += countMembers(item);
  return members;
}
