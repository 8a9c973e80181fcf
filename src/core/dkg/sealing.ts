import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
} from "node:crypto";
import {join, type Part} from "./digest.js";

/** X25519 private keys in DER are these bytes and then the 32 of the key. @see RFC 8410 */
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const BASE_POINT = new Uint8Array(32).fill(9, 0, 1);
const TAG_BYTES = 16;
/** A key seals one message, so the nonce may be fixed. */
const NONCE = Buffer.alloc(12);

/** Bytes that a sealed message is longer than what is in it. */
export const SEAL_OVERHEAD = TAG_BYTES;

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

/**
 * As a JWK, which loads ten times as fast as DER: a ceremony loads thousands. A JWK repeats the public key in x, of which
 * Node takes no notice; should a later one compare it, what is not known yet is loaded as DER.
 */
function privateKey(secret: Uint8Array, known: Uint8Array = BASE_POINT): KeyObject {
  try {
    const key = {kty: "OKP", crv: "X25519", d: base64url(secret), x: base64url(known)};
    return createPrivateKey({key, format: "jwk"});
  } catch {
    return createPrivateKey({key: Buffer.concat([PRIVATE_PREFIX, secret]), format: "der", type: "pkcs8"});
  }
}

const publicKey = (bytes: Uint8Array): KeyObject =>
  createPublicKey({key: {kty: "OKP", crv: "X25519", x: base64url(bytes)}, format: "jwk"});

/** 32 bytes. @see RFC 7748 */
export function sealingPublicKey(secret: Uint8Array): Uint8Array {
  const {x} = createPublicKey(privateKey(secret)).export({format: "jwk"});
  return new Uint8Array(Buffer.from(x!, "base64url"));
}

/** HKDF-SHA-256. @see RFC 5869 */
export function deriveBytes(
  {secret, salt}: {secret: Uint8Array; salt: Uint8Array},
  length: number,
  domain: string,
  ...parts: readonly Part[]
): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, salt, join(domain, parts), length));
}

/** Null for a key of small order, with which everybody could open the seal. */
function sharedSecret(own: KeyObject, other: Uint8Array): Uint8Array | null {
  try {
    // OpenSSL refuses an all-zero result. @see RFC 7748 section 6.1
    return diffieHellman({privateKey: own, publicKey: publicKey(other)});
  } catch {
    return null;
  }
}

/** Any key tells: the product of a point of small order with it is zero. Loading it takes longer than using it. */
const PROBE = privateKey(new Uint8Array(32).fill(1));
/** Whether something can be sealed to this key at all: it has not a small order. */
export const isSealingKey = (key: Uint8Array): boolean => sharedSecret(PROBE, key) !== null;

/** Who seals what to whom. Everything goes into the key. */
export interface SealContext {
  readonly ceremony: Uint8Array;
  readonly dealer: number;
  readonly recipient: number;
  readonly chunk: number;
  /** The dealer's public key for this recipient. */
  readonly ephemeral: Uint8Array;
  /** The recipient's public key for this dealer. */
  readonly sealingKey: Uint8Array;
  /** What the shares are checked against: authenticated with them. */
  readonly publicHash: Uint8Array;
}

function sealKey(shared: Uint8Array, context: SealContext): Uint8Array {
  const {ceremony, dealer, recipient, chunk, ephemeral, sealingKey} = context;
  const from = {secret: shared, salt: ceremony};
  return deriveBytes(from, 32, "seal v1", dealer, recipient, chunk, ephemeral, sealingKey);
}

/** ChaCha20-Poly1305. @see RFC 8439 @returns null when the recipient's key has a small order */
export function seal(ephemeralSecret: Uint8Array, context: SealContext, plain: Uint8Array): Uint8Array | null {
  const shared = sharedSecret(privateKey(ephemeralSecret, context.ephemeral), context.sealingKey);
  return shared === null ? null : encrypt(sealKey(shared, context), context.publicHash, plain);
}

/** @returns null when this was not sealed by the dealer's key for this recipient and place */
export function openSeal(sealingSecret: Uint8Array, context: SealContext, sealed: Uint8Array): Uint8Array | null {
  const shared = sharedSecret(privateKey(sealingSecret, context.sealingKey), context.ephemeral);
  return shared === null ? null : decrypt(sealKey(shared, context), context.publicHash, sealed);
}

/** A message to the holder of a long-lived key, under a key pair made for it alone. */
export interface LetterContext {
  /** Keeps this use apart from every other one. */
  readonly domain: string;
  readonly salt: Uint8Array;
  /** What it is about: all of it goes into the key. */
  readonly parts: readonly Part[];
  readonly ephemeral: Uint8Array;
  readonly recipient: Uint8Array;
  readonly authenticated: Uint8Array;
}

const letterKey = (shared: Uint8Array, {domain, salt, parts, ephemeral, recipient}: LetterContext): Uint8Array =>
  deriveBytes({secret: shared, salt}, 32, domain, ...parts, ephemeral, recipient);

/** As {@link seal}. @returns null when the recipient's key has a small order */
export function sealLetter(ephemeralSecret: Uint8Array, context: LetterContext, plain: Uint8Array): Uint8Array | null {
  const shared = sharedSecret(privateKey(ephemeralSecret, context.ephemeral), context.recipient);
  return shared === null ? null : encrypt(letterKey(shared, context), context.authenticated, plain);
}

/** @returns null when it was not sealed for this key and about this */
export function openLetter(secret: Uint8Array, context: LetterContext, sealed: Uint8Array): Uint8Array | null {
  const shared = sharedSecret(privateKey(secret, context.recipient), context.ephemeral);
  return shared === null ? null : decrypt(letterKey(shared, context), context.authenticated, sealed);
}

function encrypt(key: Uint8Array, authenticated: Uint8Array, plain: Uint8Array): Uint8Array {
  const cipher = createCipheriv("chacha20-poly1305", key, NONCE, {authTagLength: TAG_BYTES});
  cipher.setAAD(authenticated, {plaintextLength: plain.length});
  return new Uint8Array(Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
}

function decrypt(key: Uint8Array, authenticated: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  if (sealed.length < TAG_BYTES) return null;
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv("chacha20-poly1305", key, NONCE, {authTagLength: TAG_BYTES});
  decipher.setAAD(authenticated, {plaintextLength: end});
  decipher.setAuthTag(sealed.subarray(end));
  const plain = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    return null;
  }
  return new Uint8Array(plain);
}
