import {PleiadesError, type ReasonCode} from "../errors.js";

export type JsonObject = {readonly [key: string]: unknown};

/** A JSON object: not null, not an array. */
export const isJsonObject = (json: unknown): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json);

/**
 * The members of a JSON object of our own configuration: exactly `keys`, which must all be there (`optional` may be
 * absent and are then undefined). Unlike a client's request, a configuration with an unknown key has a typing mistake.
 * @throws `code`, with the path of the member
 */
export function strictObject<K extends string, O extends string = never>(
  json: unknown,
  keys: readonly K[],
  field: string,
  code: ReasonCode,
  optional: readonly O[] = [],
): {readonly [key in K | O]: unknown} {
  if (!isJsonObject(json)) throw new PleiadesError({code, field, reason: "not an object"});
  const known: readonly string[] = [...keys, ...optional];
  for (const key of Object.keys(json)) {
    if (!known.includes(key)) {
      throw new PleiadesError({code, field: `${field}.${key.slice(0, 64)}`, reason: "unknown key", known});
    }
  }
  const members: {[key: string]: unknown} = Object.create(null);
  for (const key of known) {
    members[key] = Object.hasOwn(json, key) ? json[key] : undefined;
  }
  for (const key of keys) {
    if (members[key] === undefined) throw new PleiadesError({code, field: `${field}.${key}`, reason: "missing"});
  }
  return members as {[key in K | O]: unknown};
}
