import {Keystore} from "@chainsafe/bls-keystore";
import {publicKeyOf} from "../../src/app/bls.js";

/** Real keystores whose key derivation is cheap. */
export async function makeKeystore(
  secret: Uint8Array,
  password: string,
  publicKey: Uint8Array = publicKeyOf(secret),
): Promise<string> {
  const kdf = {
    function: "pbkdf2" as const,
    params: {dklen: 32, c: 2, prf: "hmac-sha256" as const, salt: "00".repeat(32)},
  };
  return (await Keystore.create(password, secret, publicKey, "m/12381/3600/0/0/0", null, kdf)).stringify();
}
