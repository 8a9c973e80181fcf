/**
 * EIP-3076 slashing protection interchange, version 5, minified to records on the way in: a watermark per key.
 * @see EIP-3076 "JSON Schema"
 */
import {
  type PeerIdText,
  type PubkeyHex,
  parseEpoch,
  parsePeerIdText,
  parsePubkeyHex,
  parseRootHex,
  parseSlot,
  type RootHex,
} from "../bytes.js";
import {isJsonObject, type JsonObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";
import {EMPTY_RECORD, raise} from "./decide.js";
import type {SlashingRecord} from "./record.js";

export interface Interchange {
  readonly genesisValidatorsRoot: RootHex;
  readonly records: ReadonlyMap<PubkeyHex, SlashingRecord>;
  /** The operator that wrote the file, so that a merge can tell t operators from one operator's file t times. */
  readonly exportedBy?: PeerIdText | null;
}

/** A complete history of 10,000 validators for a month is about this; a minified file is far below. */
export const MAX_INTERCHANGE_BYTES = 512 * 2 ** 20;

const invalid = (reason: string): PleiadesError => new PleiadesError({code: "SLASHING_INTERCHANGE", reason});

/**
 * Reads an interchange file of version 5, or of version 4 in its complete form, whose data is the same. Keys that appear
 * twice are merged; every number is bounded to uint64; extra fields are ignored, as the EIP asks.
 * @throws SLASHING_INTERCHANGE · CODEC_HEX · CODEC_UINT64 · CODEC_PEER_ID
 */
export function parseInterchange(text: string): Interchange {
  if (text.length > MAX_INTERCHANGE_BYTES) throw invalid("larger than 512 MiB");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid("not JSON");
  }
  if (!isJsonObject(json)) throw invalid("not a JSON object");
  const {metadata, data} = json;
  if (!isJsonObject(metadata)) throw invalid("metadata is missing");
  if (!isKnownFormat(metadata)) throw invalid("interchange_format_version is neither 5 nor a complete 4");
  if (!Array.isArray(data)) throw invalid("data is not a list");
  const records = new Map<PubkeyHex, SlashingRecord>();
  for (const [i, entry] of data.entries()) {
    if (!isJsonObject(entry)) throw invalid(`data[${i}] is not an object`);
    if (saysNothing(entry)) continue;
    const key = parsePubkeyHex(entry.pubkey, `data[${i}].pubkey`);
    records.set(key, raise(records.get(key) ?? EMPTY_RECORD, parseEntry(entry, `data[${i}]`)));
  }
  return {
    genesisValidatorsRoot: parseRootHex(metadata.genesis_validators_root, "metadata.genesis_validators_root"),
    records,
    exportedBy: metadata[EXPORTED_BY] === undefined ? null : parsePeerIdText(metadata[EXPORTED_BY], EXPORTED_BY),
  };
}

/** Our addition to the metadata; other clients ignore it. */
const EXPORTED_BY = "pleiades_exported_by";

/** Lodestar 1.5.1 still writes version 4. */
const isKnownFormat = ({interchange_format: format, interchange_format_version: version}: JsonObject): boolean =>
  version === "5" || (version === "4" && format === "complete");

/**
 * An entry without a message, for something that is no public key: Lodestar 1.5.1 lists the names of its other database
 * rows among the keys. With a message in it, it would be a damaged file.
 */
const saysNothing = ({pubkey, signed_blocks: blocks, signed_attestations: attestations}: JsonObject): boolean =>
  [blocks, attestations].every((list) => Array.isArray(list) && list.length === 0) &&
  typeof pubkey === "string" &&
  !/^(?:0x)?[0-9a-f]{96}$/i.test(pubkey);

function parseEntry(entry: {[key: string]: unknown}, field: string): SlashingRecord {
  const {signed_blocks: blocks, signed_attestations: attestations} = entry;
  if (!Array.isArray(blocks)) throw invalid(`${field}.signed_blocks is not a list`);
  if (!Array.isArray(attestations)) throw invalid(`${field}.signed_attestations is not a list`);
  let record = EMPTY_RECORD;
  for (const [i, raw] of blocks.entries()) {
    const at = `${field}.signed_blocks[${i}]`;
    if (!isJsonObject(raw)) throw invalid(`${at} is not an object`);
    const block = {slot: parseSlot(raw.slot, `${at}.slot`), signingRoot: optionalRoot(raw.signing_root, at)};
    record = raise(record, {...EMPTY_RECORD, block});
  }
  for (const [i, raw] of attestations.entries()) {
    const at = `${field}.signed_attestations[${i}]`;
    if (!isJsonObject(raw)) throw invalid(`${at} is not an object`);
    const attestation = {
      source: parseEpoch(raw.source_epoch, `${at}.source_epoch`),
      target: parseEpoch(raw.target_epoch, `${at}.target_epoch`),
      signingRoot: optionalRoot(raw.signing_root, at),
    };
    record = raise(record, {...EMPTY_RECORD, attestation});
  }
  return record;
}

const optionalRoot = (raw: unknown, field: string): RootHex | null =>
  raw === undefined || raw === null ? null : parseRootHex(raw, `${field}.signing_root`);

/** The minified interchange file of these records, ending with a newline. @see EIP-3076 "Minimal" */
export function formatInterchange({genesisValidatorsRoot, records, exportedBy}: Interchange): string {
  const data = [...records].map(([pubkey, {block, attestation}]) => ({
    pubkey,
    signed_blocks: block === null ? [] : [{slot: block.slot.toString(), ...rootField(block.signingRoot)}],
    signed_attestations:
      attestation === null
        ? []
        : [
            {
              source_epoch: attestation.source.toString(),
              target_epoch: attestation.target.toString(),
              ...rootField(attestation.signingRoot),
            },
          ],
  }));
  const metadata = {
    interchange_format_version: "5",
    genesis_validators_root: genesisValidatorsRoot,
    ...(exportedBy == null ? {} : {[EXPORTED_BY]: exportedBy}),
  };
  return `${JSON.stringify({metadata, data}, null, 2)}\n`;
}

const rootField = (root: RootHex | null): {signing_root?: RootHex} => (root === null ? {} : {signing_root: root});

/** A record as JSON, for share bundles. */
export interface RecordJson {
  readonly block: {readonly slot: string; readonly signing_root: string | null} | null;
  readonly attestation: {readonly source: string; readonly target: string; readonly signing_root: string | null} | null;
  readonly disabled: boolean;
}

export function recordToJson({block, attestation, disabled}: SlashingRecord): RecordJson {
  return {
    block: block === null ? null : {slot: block.slot.toString(), signing_root: block.signingRoot},
    attestation:
      attestation === null
        ? null
        : {
            source: attestation.source.toString(),
            target: attestation.target.toString(),
            signing_root: attestation.signingRoot,
          },
    disabled,
  };
}

/** @throws SLASHING_INTERCHANGE · CODEC_HEX · CODEC_UINT64 */
export function parseRecordJson(raw: unknown, field = "record"): SlashingRecord {
  if (!isJsonObject(raw) || typeof raw.disabled !== "boolean") throw invalid(`${field} is not a record`);
  const {block, attestation, disabled} = raw;
  if (block !== null && !isJsonObject(block)) throw invalid(`${field}.block is not an object`);
  if (attestation !== null && !isJsonObject(attestation)) throw invalid(`${field}.attestation is not an object`);
  return {
    block:
      block === null
        ? null
        : {slot: parseSlot(block.slot, `${field}.block.slot`), signingRoot: optionalRoot(block.signing_root, field)},
    attestation:
      attestation === null
        ? null
        : {
            source: parseEpoch(attestation.source, `${field}.attestation.source`),
            target: parseEpoch(attestation.target, `${field}.attestation.target`),
            signingRoot: optionalRoot(attestation.signing_root, field),
          },
    disabled,
  };
}
