/** The escrow holder's key pair in a file. */
import {fromHex, parseRootHex, type RootHex, rootHex} from "../bytes.js";
import {sealingPublicKey} from "../dkg/sealing.js";
import {strictObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";

const MAX_CHARACTERS = 1_024;
const CODE = "ESCROW_KEY_FILE";

/** @param secret 32 random bytes @returns the file's text, and the public key for definitions */
export function formatHolderKey(secret: Uint8Array): {readonly text: string; readonly publicKey: RootHex} {
  const publicKey = rootHex(sealingPublicKey(secret));
  const json = {version: 1, kind: "pleiades escrow holder", public_key: publicKey, secret_key: rootHex(secret)};
  return {text: `${JSON.stringify(json, null, 1)}\n`, publicKey};
}

/** The secret key. Nothing of the text is ever in an error. @throws ESCROW_KEY_FILE */
export function parseHolderKey(text: string): Uint8Array {
  if (text.length > MAX_CHARACTERS) throw new PleiadesError({code: CODE, reason: "too long"});
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new PleiadesError({code: CODE, reason: "not JSON"});
  }
  const raw = strictObject(json, ["version", "kind", "public_key", "secret_key"], "key", CODE);
  if (raw.version !== 1 || raw.kind !== "pleiades escrow holder")
    throw new PleiadesError({code: CODE, reason: "another kind of file"});
  const hex = (value: unknown, field: string): RootHex => {
    try {
      return parseRootHex(value, field);
    } catch {
      throw new PleiadesError({code: CODE, field, reason: "not 32 bytes in hex"});
    }
  };
  const secret = fromHex(hex(raw.secret_key, "secret_key"));
  if (rootHex(sealingPublicKey(secret)) !== hex(raw.public_key, "public_key")) {
    throw new PleiadesError({code: CODE, reason: "the two keys are no pair"});
  }
  return secret;
}
