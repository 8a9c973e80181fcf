import {createHash} from "node:crypto";
import type {PubkeyHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import {parseRecordJson, recordToJson} from "../../core/slashing/interchange.js";
import type {SlashingRecord} from "../../core/slashing/record.js";

const CHECKSUM_BYTES = 8;

/** Over the key too, so that a value cannot stand under another key. It finds accidents, it is no signature. */
const checksum = (key: string, body: Uint8Array): Buffer =>
  createHash("sha256").update("pleiades record v1\n").update(key).update(body).digest().subarray(0, CHECKSUM_BYTES);

/** A stored value: 8 bytes of checksum, then the body. */
export function sealValue(key: string, body: Uint8Array): Buffer {
  return Buffer.concat([checksum(key, body), body]);
}

/** @throws SLASHING_STORE_CORRUPT */
export function openValue(key: string, value: Uint8Array): Buffer {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const body = bytes.subarray(CHECKSUM_BYTES);
  if (bytes.length < CHECKSUM_BYTES || !checksum(key, body).equals(bytes.subarray(0, CHECKSUM_BYTES))) {
    throw new PleiadesError({code: "SLASHING_STORE_CORRUPT", key});
  }
  return body;
}

export const encodeRecord = (key: PubkeyHex, record: SlashingRecord): Buffer =>
  sealValue(key, Buffer.from(JSON.stringify(recordToJson(record))));

/** A damaged record is a failure, never an empty record. @throws SLASHING_STORE_CORRUPT */
export function decodeRecord(key: PubkeyHex, value: Uint8Array): SlashingRecord {
  const body = openValue(key, value);
  try {
    return parseRecordJson(JSON.parse(body.toString("utf8")), key);
  } catch (error) {
    throw new PleiadesError({code: "SLASHING_STORE_CORRUPT", key}, {cause: error});
  }
}
