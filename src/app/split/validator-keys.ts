import {pubkeyHex} from "../../core/bytes.js";
import {publicKeyOf} from "../bls.js";
import type {ValidatorKey} from "./decrypt.js";

/** Keys with their public keys. Takes the secrets over. */
export const validatorKeys = (secrets: readonly Uint8Array[]): ValidatorKey[] =>
  secrets.map((secret) => ({publicKey: pubkeyHex(publicKeyOf(secret)), secret}));
