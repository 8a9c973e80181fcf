import {CURVE_ORDER} from "../threshold/scalar.js";
import type {Plan} from "./plan.js";
import {deriveBytes, sealingPublicKey} from "./sealing.js";

/**
 * Everything random of one operator in one ceremony follows from one seed of 32 bytes, which is durable before anything
 * made of it leaves: after a crash the same dealing comes out, so no operator ever makes two.
 */
export type CeremonySeed = Uint8Array;

/** A coefficient in 1…r−1. 64 bytes are reduced, so that the bias is below 2⁻²⁵⁶. */
export function coefficient(seed: CeremonySeed, {id}: Plan, dealer: number, validator: number, power: number): bigint {
  const bytes = deriveBytes({secret: seed, salt: id}, 64, "coefficient v1", dealer, validator, power);
  return (BigInt(`0x${Buffer.from(bytes).toString("hex")}`) % (CURVE_ORDER - 1n)) + 1n;
}

/** The recipient's secret for what this dealer seals. */
export const sealingSecret = (seed: CeremonySeed, {id}: Plan, recipient: number, dealer: number): Uint8Array =>
  deriveBytes({secret: seed, salt: id}, 32, "sealing key v1", recipient, dealer);

/** A recipient's public keys, for dealer 1, 2, … */
export const sealingKeys = (seed: CeremonySeed, plan: Plan, recipient: number): Uint8Array[] =>
  Array.from({length: plan.dealers}, (_, k) => sealingPublicKey(sealingSecret(seed, plan, recipient, k + 1)));

/** The dealer's secret for what it seals to this key of the recipient. */
export const ephemeralSecret = (
  seed: CeremonySeed,
  {id}: Plan,
  dealer: number,
  recipient: number,
  sealingKey: Uint8Array,
): Uint8Array => deriveBytes({secret: seed, salt: id}, 32, "ephemeral key v1", dealer, recipient, sealingKey);
