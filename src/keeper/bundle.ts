import {randomBytes} from "node:crypto";
import {type OperatorId, type PubkeyHex, parseOperatorId, parsePubkeyHex} from "../core/bytes.js";
import {isJsonObject} from "../core/duty/strict-object.js";
import {PleiadesError} from "../core/errors.js";
import {shown} from "../core/shown.js";
import {parseRecordJson, recordToJson} from "../core/slashing/interchange.js";
import type {SlashingRecord} from "../core/slashing/record.js";
import {deriveKey, KDF, type KdfParams, SALT_BYTES, seal, unseal} from "./seal.js";
import {Secret} from "./secret.js";

/** What one operator gets from a split: its shares and what their first records are. */
export interface ShareBundleContent {
  readonly operatorId: OperatorId;
  /** Unix milliseconds of the split. */
  readonly createdAt: number;
  /** Names this bundle: an operator adds it once. 32 lower-case hex digits. */
  readonly bundleId: string;
  /**
   * "floor": nothing is known of what these keys signed. "never-signed": they never did. A map: the records of the
   * client's interchange; a key missing in it starts at the floor.
   */
  readonly records: "floor" | "never-signed" | ReadonlyMap<PubkeyHex, SlashingRecord>;
  readonly shares: readonly {readonly groupPublicKey: PubkeyHex; readonly secret: Secret}[];
}

/** 100,000 validators. */
export const MAX_BUNDLE_BYTES = 64 * 2 ** 20;

const FORMAT = "pleiades-share-bundle";
const VERSION = 1;

const damaged = (reason: string): PleiadesError => new PleiadesError({code: "KEEPER_BUNDLE", reason});
const contextOf = (operatorId: number, createdAt: number, bundleId: string): string =>
  `${FORMAT} v${VERSION}\n${operatorId}\n${createdAt}\n${bundleId}`;

export const newBundleId = (): string => randomBytes(16).toString("hex");

/**
 * The text of a bundle file: an envelope that says whose it is, and the rest encrypted with one scrypt key for all
 * shares: `{"format","version":1,"operator_id","created_at","bundle_id","kdf":{"function":"scrypt","n","r","p","salt"},
 * "cipher":"chacha20-poly1305","sealed": base64}`. The envelope's values are bound to the ciphertext.
 */
export async function sealShareBundle(
  content: ShareBundleContent,
  password: string,
  kdf: KdfParams = KDF,
): Promise<string> {
  const {operatorId, createdAt, bundleId} = content;
  const salt = randomBytes(SALT_BYTES);
  const key = await deriveKey(password, salt, kdf);
  const records =
    typeof content.records === "string"
      ? content.records
      : Object.fromEntries([...content.records].map(([k, record]) => [k, recordToJson(record)]));
  const shares = content.shares.map(({groupPublicKey, secret}) => ({
    group_public_key: groupPublicKey,
    share: Buffer.from(secret.reveal()).toString("hex"),
  }));
  const plain = Buffer.from(JSON.stringify({records, shares}));
  const sealed = seal(key, plain, contextOf(operatorId, createdAt, bundleId));
  plain.fill(0);
  const envelope = {
    format: FORMAT,
    version: VERSION,
    operator_id: operatorId,
    created_at: createdAt,
    bundle_id: bundleId,
    kdf: {function: "scrypt", ...kdf, salt: salt.toString("hex")},
    cipher: "chacha20-poly1305",
    sealed: sealed.toString("base64"),
  };
  return `${JSON.stringify(envelope, null, 1)}\n`;
}

/** What an envelope says without a password. */
export interface BundleEnvelope {
  readonly operatorId: OperatorId;
  readonly createdAt: number;
  readonly bundleId: string;
  readonly kdf: KdfParams & {readonly salt: Buffer};
  readonly sealed: Buffer;
}

/** @throws KEEPER_BUNDLE */
export function readBundleEnvelope(text: string): BundleEnvelope {
  if (text.length > MAX_BUNDLE_BYTES) throw damaged("larger than 64 MiB");
  const json = parseJson(text);
  if (!isJsonObject(json) || json.format !== FORMAT) throw damaged("not a share bundle");
  if (json.version !== VERSION) throw damaged(`version ${shown(json.version, 16)} is not known`);
  const {operator_id: operatorId, created_at: createdAt, bundle_id: bundleId, kdf, cipher, sealed} = json;
  if (typeof createdAt !== "number" || !Number.isSafeInteger(createdAt) || createdAt < 0) throw damaged("created_at");
  if (typeof bundleId !== "string" || !/^[0-9a-f]{32}$/.test(bundleId)) throw damaged("bundle_id");
  if (!isJsonObject(kdf) || kdf.function !== "scrypt" || cipher !== "chacha20-poly1305") throw damaged("kdf or cipher");
  const {n, r, p, salt} = kdf;
  if (typeof n !== "number" || typeof r !== "number" || typeof p !== "number") throw damaged("kdf");
  if (typeof salt !== "string" || !/^[0-9a-f]{64}$/.test(salt)) throw damaged("salt");
  if (typeof sealed !== "string") throw damaged("sealed");
  return {
    operatorId: parseOperatorId(operatorId, "operator_id"),
    createdAt,
    bundleId,
    kdf: {n, r, p, salt: Buffer.from(salt, "hex")},
    sealed: Buffer.from(sealed, "base64"),
  };
}

/** @throws KEEPER_BUNDLE · KEEPER_WRONG_PASSWORD (also when the envelope was edited) */
export async function openShareBundle(text: string, password: string): Promise<ShareBundleContent> {
  const {operatorId, createdAt, bundleId, kdf, sealed} = readBundleEnvelope(text);
  const key = await deriveKey(password, kdf.salt, kdf);
  const plain = unseal(key, sealed, contextOf(operatorId, createdAt, bundleId));
  if (plain === null) throw new PleiadesError({code: "KEEPER_WRONG_PASSWORD", what: "share bundle", bundleId});
  const json = parseJson(plain.toString("utf8"));
  plain.fill(0);
  if (!isJsonObject(json) || !Array.isArray(json.shares)) throw damaged("content");
  const shares = json.shares.map((entry: unknown, i) => {
    const {group_public_key: groupKey, share} = isJsonObject(entry) ? entry : {};
    if (typeof share !== "string" || !/^[0-9a-f]{64}$/.test(share)) throw damaged(`shares[${i}]`);
    const secret = new Secret(new Uint8Array(Buffer.from(share, "hex")));
    return {groupPublicKey: parsePubkeyHex(groupKey, `shares[${i}]`), secret};
  });
  if (new Set(shares.map(({groupPublicKey}) => groupPublicKey)).size !== shares.length) throw damaged("a key twice");
  return {operatorId, createdAt, bundleId, records: parseRecords(json.records), shares};
}

function parseRecords(raw: unknown): ShareBundleContent["records"] {
  if (raw === "floor" || raw === "never-signed") return raw;
  if (!isJsonObject(raw)) throw damaged("records");
  return new Map(Object.entries(raw).map(([key, record]) => [parsePubkeyHex(key), parseRecordJson(record)]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged("not JSON: the file may be truncated");
  }
}
