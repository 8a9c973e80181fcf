import {createCipheriv, createDecipheriv, randomBytes, scrypt} from "node:crypto";
import {PleiadesError} from "../core/errors.js";

/** ChaCha20-Poly1305 (RFC 8439): 12 bytes of nonce, then ciphertext, then 16 bytes of tag. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export const KEY_BYTES = 32;
export const SALT_BYTES = 32;

export interface KdfParams {
  /** scrypt's cost N, a power of two. */
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB and about 0.3 s: one derivation for a whole bundle or store. */
export const KDF: KdfParams = {n: 2 ** 17, r: 8, p: 1};
/** A hostile file must not make us allocate without bound. */
const MAX_KDF_BYTES = 2 ** 28;

const unreasonable = (cause?: unknown): PleiadesError =>
  new PleiadesError({code: "KEEPER_BUNDLE", reason: "unreasonable scrypt parameters"}, {cause});

/** 32 bytes from a password (NFKD, as EIP-2335 normalises) by scrypt, on a thread of the pool. @throws KEEPER_BUNDLE */
export async function deriveKey(password: string, salt: Uint8Array, {n, r, p}: KdfParams): Promise<Buffer> {
  const powerOfTwo = Number.isSafeInteger(n) && n >= 2 && n <= 2 ** 24 && (n & (n - 1)) === 0;
  const whole = Number.isInteger(r) && Number.isInteger(p) && r >= 1 && p >= 1 && p <= 4;
  if (!powerOfTwo || !whole || 128 * n * r > MAX_KDF_BYTES) {
    throw unreasonable();
  }
  return new Promise((resolve, reject) => {
    const options = {N: n, r, p, maxmem: 2 * MAX_KDF_BYTES};
    const done = (error: unknown, key: Buffer): void => (error ? reject(unreasonable(error)) : resolve(key));
    try {
      scrypt(password.normalize("NFKD"), salt, KEY_BYTES, options, done);
    } catch (error) {
      // The library has bounds of its own on how n, r and p go together.
      reject(unreasonable(error));
    }
  });
}

/** @param context bound to the ciphertext: it opens only with the same context */
export function seal(key: Uint8Array, plain: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, {authTagLength: TAG_BYTES});
  cipher.setAAD(Buffer.from(context), {plaintextLength: plain.length});
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Null when key, context or bytes are not the ones it was sealed with. */
export function unseal(key: Uint8Array, sealed: Uint8Array, context: string): Buffer | null {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv("chacha20-poly1305", key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  const end = sealed.length - TAG_BYTES;
  decipher.setAAD(Buffer.from(context), {plaintextLength: end - NONCE_BYTES});
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]);
  } catch {
    return null;
  }
}
