import {loadSecretKey} from "../adapters/bls/blst.js";
import {fromHex} from "../core/bytes.js";

/** Compressed public key (48 bytes) of a secret key of 32 bytes big-endian. @throws THRESHOLD_SCALAR_RANGE */
export const publicKeyOf = (secret: Uint8Array): Uint8Array => fromHex(loadSecretKey(secret).publicKey);
