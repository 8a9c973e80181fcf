import {parseHexBytes, parseRootHex, type RootHex, toHex} from "../../core/bytes.js";
import {isJsonObject} from "../../core/duty/strict-object.js";
import {PleiadesError} from "../../core/errors.js";
import {MAX_REPAIR_KEYS} from "../../core/repair/request.js";
import type {RepairSummed} from "../../ports/share-repair.js";

/** What an operator asks of a helper, one after the other. What is inside of them the keepers parse. */
export type Ask =
  | {readonly step: "announce"; readonly request: string; readonly signature: string}
  | {readonly step: "deal"; readonly session: RootHex; readonly announces: readonly unknown[]}
  | {
      readonly step: "sum";
      readonly session: RootHex;
      readonly dealings: readonly {readonly head: unknown; readonly column: unknown}[];
    };

/** Thirteen helpers' columns of fifty keys are 110 KB of hex; a dealing is as much. */
const MAX_BYTES = 2 ** 19;
const MAX_HELPERS = 13;
const MAX_SEALED = MAX_REPAIR_KEYS * 32 + 16;

const bad = (field: string): PleiadesError => new PleiadesError({code: "SHARE_REPAIR_MESSAGE", field});

interface Fields {
  readonly [key: string]: unknown;
}

/** @throws SHARE_REPAIR_MESSAGE */
export function decode(body: Uint8Array): Fields {
  if (body.length > MAX_BYTES) throw bad("size");
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    throw bad("json");
  }
  if (!isJsonObject(json)) throw bad("json");
  return json;
}

export const encode = (value: object): Uint8Array => new Uint8Array(Buffer.from(JSON.stringify(value)));

/** @throws SHARE_REPAIR_MESSAGE · CODEC_* */
export function parseAsk(body: Uint8Array): Ask {
  const {step, request, signature, session, announces, dealings} = decode(body);
  switch (step) {
    case "announce":
      if (typeof request !== "string" || typeof signature !== "string") throw bad("announce");
      return {step, request, signature};
    case "deal":
      return {step, session: parseRootHex(session, "session"), announces: list(announces, "announces")};
    case "sum": {
      const columns = list(dealings, "dealings").map((one) => {
        if (!isJsonObject(one)) throw bad("dealings");
        return {head: one.head, column: one.column};
      });
      return {step, session: parseRootHex(session, "session"), dealings: columns};
    }
    default:
      throw bad("step");
  }
}

export const summedJson = (summed: RepairSummed): object =>
  summed.kind === "sums" ? {...summed, sealed: toHex(summed.sealed)} : summed;

/** @throws SHARE_REPAIR_MESSAGE · CODEC_* */
export function parseSummed(body: Uint8Array): RepairSummed {
  const {kind, ephemeral, sealed, from, secret} = decode(body);
  if (kind === "sums") {
    const bytes = parseHexBytes(sealed, {min: 1, max: MAX_SEALED}, "sealed");
    return {kind, ephemeral: parseRootHex(ephemeral, "ephemeral"), sealed: bytes};
  }
  if (kind !== "complaint") throw bad("sums");
  if (typeof from !== "number" || !Number.isInteger(from) || from < 0 || from >= MAX_HELPERS) throw bad("from");
  return {kind, from, secret: parseRootHex(secret, "secret")};
}

export function list(raw: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(raw) || raw.length > MAX_HELPERS) throw bad(field);
  return raw;
}
