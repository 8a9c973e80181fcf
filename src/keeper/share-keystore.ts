/**
 * A share as an EIP-2335 keystore, for backups. It is encrypted where the share lives, in the keeper, so that only the
 * keystore leaves; node:crypto alone does it, for the keeper loads nothing it does not need.
 * @see EIP-2335
 */
import {createCipheriv, createHash, pbkdf2, randomBytes, randomUUID, scrypt} from "node:crypto";
import type {PubkeyHex, ShareIndex} from "../core/bytes.js";
import {PleiadesError} from "../core/errors.js";
import {publicKeyOf} from "./partial-signer.js";
import type {Secret} from "./secret.js";

/** Both at the cost that EIP-2335's own examples and the deposit tool have: about a second. */
const SCRYPT = {dklen: 32, n: 2 ** 18, r: 8, p: 1} as const;
const PBKDF2 = {dklen: 32, c: 2 ** 18, prf: "hmac-sha256"} as const;
/** scrypt needs 128·n·r bytes, 256 MB; the library counts some more. */
const SCRYPT_MEMORY = 2 * 128 * SCRYPT.n * SCRYPT.r;

export type KeystoreKdf = "scrypt" | "pbkdf2";

/** What is random in a keystore. Given only to reproduce a known one. */
export interface KeystoreRandom {
  readonly salt: Uint8Array;
  readonly iv: Uint8Array;
  readonly uuid: string;
}

export interface KeystoreText {
  readonly description: string;
  /** Of a derived key; "" for one that has no path. */
  readonly path: string;
}

/** The share of one key, unscaled. */
export interface ShareToBackUp {
  readonly groupPublicKey: PubkeyHex;
  readonly index: ShareIndex;
  /** The committee file's. */
  readonly generation: number;
  readonly secret: Secret;
}

/**
 * The keystore's JSON. `pubkey` is the share's own public key, as EIP-2335 wants it; which key it is a share of stands in
 * the description. @throws KEEPER_PASSWORD for a password of nothing but control characters
 */
export function shareKeystore(
  {groupPublicKey, index, generation, secret}: ShareToBackUp,
  password: string,
  kdf: KeystoreKdf = "scrypt",
): Promise<string> {
  const description = `Pleiades share ${index} of ${groupPublicKey}, generation ${generation}`;
  return encryptKeystore(secret, {description, path: ""}, {password, kdf});
}

/** One field of a description that shareKeystore wrote; null for any other. */
export function readShareDescription(
  description: string,
): {readonly groupPublicKey: string; readonly index: number; readonly generation: number} | null {
  const match = /^Pleiades share (\d{1,2}) of (0x[0-9a-f]{96}), generation (\d{1,10})$/.exec(description);
  if (match === null) return null;
  const [, index = "", groupPublicKey = "", generation = ""] = match;
  return {groupPublicKey, index: Number(index), generation: Number(generation)};
}

/** A unique file name that tells keys and generations apart, without being read by anything. */
export const shareKeystoreName = ({groupPublicKey, index, generation}: Omit<ShareToBackUp, "secret">): string =>
  `share-keystore-${groupPublicKey.slice(2, 18)}-operator-${index}-generation-${generation}.json`;

/** Any secret key of 32 bytes as a keystore. @throws KEEPER_PASSWORD */
export async function encryptKeystore(
  secret: Secret,
  {description, path}: KeystoreText,
  {password, kdf, random = freshRandom()}: {password: string; kdf: KeystoreKdf; random?: KeystoreRandom},
): Promise<string> {
  const {salt, iv, uuid} = random;
  const key = await derive(normalisedPassword(password), salt, kdf);
  try {
    const cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), iv);
    const message = Buffer.concat([cipher.update(secret.reveal()), cipher.final()]);
    const checksum = createHash("sha256").update(key.subarray(16, 32)).update(message).digest();
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
    const params = {...(kdf === "scrypt" ? SCRYPT : PBKDF2), salt: hex(salt)};
    const keystore = {
      crypto: {
        kdf: {function: kdf, params, message: ""},
        checksum: {function: "sha256", params: {}, message: hex(checksum)},
        cipher: {function: "aes-128-ctr", params: {iv: hex(iv)}, message: hex(message)},
      },
      description,
      pubkey: publicKeyOf(secret.reveal()).slice(2),
      path,
      uuid,
      version: 4,
    };
    return `${JSON.stringify(keystore, null, 2)}\n`;
  } finally {
    key.fill(0);
  }
}

const freshRandom = (): KeystoreRandom => ({salt: randomBytes(32), iv: randomBytes(16), uuid: randomUUID()});

/** NFKD without control characters, as EIP-2335 has it. @throws KEEPER_PASSWORD */
export function normalisedPassword(password: string): Buffer {
  const kept = [...password.normalize("NFKD")].filter((char) => {
    const code = char.codePointAt(0) ?? 0;
    return code > 0x1f && !(code >= 0x7f && code <= 0x9f);
  });
  if (kept.length === 0) throw new PleiadesError({code: "KEEPER_PASSWORD", reason: "empty"});
  return Buffer.from(kept.join(""), "utf8");
}

/** On a thread of the pool: signing goes on meanwhile. */
function derive(password: Buffer, salt: Uint8Array, kdf: KeystoreKdf): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, key: Buffer): void => {
      password.fill(0);
      if (error === null) resolve(key);
      else reject(error);
    };
    if (kdf === "pbkdf2") return pbkdf2(password, salt, PBKDF2.c, PBKDF2.dklen, "sha256", done);
    const {dklen, n, r, p} = SCRYPT;
    scrypt(password, salt, dklen, {N: n, r, p, maxmem: SCRYPT_MEMORY}, done);
  });
}
