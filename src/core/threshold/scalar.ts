import {PleiadesError} from "../errors.js";

/**
 * Order r of the BLS12-381 subgroups.
 *
 * BigInt arithmetic is not constant-time, so nothing here runs on the request path: shares are made once and scaled
 * once when they are loaded.
 */
export const CURVE_ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

export const mod = (value: bigint): bigint => ((value % CURVE_ORDER) + CURVE_ORDER) % CURVE_ORDER;

/**
 * A secret scalar as a bigint in 1…r−1.
 * @param secret 32 bytes big-endian (EIP-2335's form), or the number itself.
 * @throws THRESHOLD_SCALAR_RANGE, which never carries the value
 */
export function toScalar(secret: bigint | Uint8Array, field: string): bigint {
  if (typeof secret !== "bigint" && secret.length !== 32) {
    throw new PleiadesError({code: "THRESHOLD_SCALAR_RANGE", field, reason: `${secret.length} bytes instead of 32`});
  }
  const value = typeof secret === "bigint" ? secret : BigInt(`0x${Buffer.from(secret).toString("hex")}`);
  if (value === 0n) throw new PleiadesError({code: "THRESHOLD_SCALAR_RANGE", field, reason: "zero"});
  if (value < 0n || value >= CURVE_ORDER) {
    throw new PleiadesError({code: "THRESHOLD_SCALAR_RANGE", field, reason: "not below the curve order"});
  }
  return value;
}

/** 32 bytes, big-endian. */
export function scalarBytes(scalar: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(scalar.toString(16).padStart(64, "0"), "hex"));
}

/** Inverse modulo r by the extended Euclidean algorithm; `value` must not be a multiple of r. */
export function invert(value: bigint): bigint {
  let [a, b, x, y] = [mod(value), CURVE_ORDER, 1n, 0n];
  while (a > 1n) {
    const q = b / a;
    [a, b, x, y] = [b - q * a, a, y - q * x, x];
  }
  return mod(x);
}
