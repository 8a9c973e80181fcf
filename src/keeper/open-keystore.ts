/** Opens EIP-2335 keystores of shares, as share-keystore.ts makes them. @see EIP-2335 */
import {createDecipheriv, createHash, pbkdf2, scrypt, timingSafeEqual} from "node:crypto";
import {type PubkeyHex, parseHexBytes, parsePubkeyHex, parseShareIndex, type ShareIndex} from "../core/bytes.js";
import {isJsonObject} from "../core/duty/strict-object.js";
import {PleiadesError} from "../core/errors.js";
import {publicKeyOf} from "./partial-signer.js";
import {Secret} from "./secret.js";
import {normalisedPassword, readShareDescription} from "./share-keystore.js";

/** One keystore takes a kilobyte. */
export const MAX_KEYSTORE_CHARACTERS = 2 ** 14;
/** A hostile file must not make us allocate without bound: what EIP-2335's own parameters need. */
const MAX_KDF_BYTES = 2 ** 28;
/** Sixteen times what we write; some 3 s. */
const MAX_ROUNDS = 2 ** 22;
const MAX_SALT_BYTES = 64;

export interface ShareKeystore {
  readonly groupPublicKey: PubkeyHex;
  readonly index: ShareIndex;
  readonly generation: number;
  readonly sharePublicKey: PubkeyHex;
  /** @throws KEEPER_WRONG_PASSWORD · SHARE_KEYSTORE */
  open(password: string): Promise<Secret>;
}

interface Fields {
  readonly [key: string]: unknown;
}

const damaged = (reason: string): PleiadesError => new PleiadesError({code: "SHARE_KEYSTORE", reason});

function object(raw: unknown, field: string): Fields {
  if (!isJsonObject(raw)) throw damaged(`${field} is missing`);
  return raw;
}

function hex(raw: unknown, bytes: {min: number; max: number}, field: string): Uint8Array {
  try {
    return parseHexBytes(raw, bytes, field);
  } catch {
    throw damaged(field);
  }
}

const exactly = (bytes: number) => ({min: bytes, max: bytes});

/** What a keystore says without its password. @throws SHARE_KEYSTORE */
export function readShareKeystore(text: string): ShareKeystore {
  if (text.length > MAX_KEYSTORE_CHARACTERS) throw damaged("too large");
  const json = object(parseJson(text), "the keystore");
  if (json.version !== 4) throw damaged("not version 4");
  const named = typeof json.description === "string" ? readShareDescription(json.description) : null;
  if (named === null) throw damaged("not of a share");
  const {kdf, checksum, cipher} = object(json.crypto, "crypto");
  const [derived, check, encrypted] = [object(kdf, "kdf"), object(checksum, "checksum"), object(cipher, "cipher")];
  const derive = readKdf(derived);
  if (check.function !== "sha256" || encrypted.function !== "aes-128-ctr") throw damaged("checksum or cipher");
  const expected = hex(check.message, exactly(32), "checksum");
  const iv = hex(object(encrypted.params, "cipher.params").iv, exactly(16), "iv");
  const message = hex(encrypted.message, exactly(32), "cipher.message");
  const sharePublicKey = pubkey(json.pubkey);
  return {
    groupPublicKey: pubkey(named.groupPublicKey),
    index: indexOf(named.index),
    generation: named.generation,
    sharePublicKey,
    async open(password) {
      const key = await derive(normalisedPassword(password));
      try {
        const found = createHash("sha256").update(key.subarray(16, 32)).update(message).digest();
        if (!timingSafeEqual(found, expected)) {
          throw new PleiadesError({code: "KEEPER_WRONG_PASSWORD", what: "share keystore"});
        }
        const decipher = createDecipheriv("aes-128-ctr", key.subarray(0, 16), iv);
        const secret = new Secret(new Uint8Array(Buffer.concat([decipher.update(message), decipher.final()])));
        if (publicKeyIn(secret) !== sharePublicKey) throw damaged("what is in it is not the key it names");
        return secret;
      } finally {
        key.fill(0);
      }
    },
  };
}

/** Bounds first: nothing is allocated for parameters that nobody needs. */
function readKdf({function: name, params: raw}: Fields): (password: Buffer) => Promise<Buffer> {
  const params = object(raw, "kdf.params");
  const {dklen, n, r, p, c, prf} = params;
  const salt = hex(params.salt, {min: 1, max: MAX_SALT_BYTES}, "salt");
  const whole = (value: unknown, max: number): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= max;
  if (dklen !== 32) throw damaged("unreasonable dklen");
  if (name === "pbkdf2") {
    if (!whole(c, MAX_ROUNDS) || prf !== "hmac-sha256") throw damaged("unreasonable pbkdf2 parameters");
    return (password) => settled((done) => pbkdf2(password, salt, c, dklen, "sha256", done), password);
  }
  if (name !== "scrypt") throw damaged("kdf is neither scrypt nor pbkdf2");
  const sized = whole(n, 2 ** 24) && n >= 2 && (n & (n - 1)) === 0 && whole(r, 64) && whole(p, 4);
  if (!sized || 128 * n * r > MAX_KDF_BYTES) throw damaged("unreasonable scrypt parameters");
  const options = {N: n, r, p, maxmem: 2 * MAX_KDF_BYTES};
  return (password) => settled((done) => scrypt(password, salt, dklen, options, done), password);
}

function settled(start: (done: (error: Error | null, key: Buffer) => void) => void, password: Buffer): Promise<Buffer> {
  return new Promise<Buffer>((resolve, reject) => {
    const done = (error: Error | null, key: Buffer): void => {
      password.fill(0);
      if (error === null) resolve(key);
      else reject(damaged("unreasonable kdf parameters"));
    };
    try {
      start(done);
    } catch {
      // The library has bounds of its own on how n, r and p go together.
      reject(damaged("unreasonable kdf parameters"));
    }
  });
}

function publicKeyIn(secret: Secret): PubkeyHex | null {
  try {
    return publicKeyOf(secret.reveal());
  } catch {
    return null;
  }
}

function pubkey(raw: unknown): PubkeyHex {
  try {
    return parsePubkeyHex(raw);
  } catch {
    throw damaged("pubkey");
  }
}

function indexOf(raw: number): ShareIndex {
  try {
    return parseShareIndex(raw);
  } catch {
    throw damaged("not of a share");
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged("not JSON");
  }
}
