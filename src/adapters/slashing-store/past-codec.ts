import {parseLifeId, parseUint64} from "../../core/bytes.js";
import {isJsonObject} from "../../core/duty/strict-object.js";
import {PleiadesError} from "../../core/errors.js";
import {NO_PAST, type Past} from "../../core/slashing/past.js";
import {openValue, sealValue} from "./record-codec.js";

/** Under which name the meta table holds it. The sequence, which every record raises, stands beside it. */
export const PAST = "past";

export function encodePast({life, lives, dropped, flooredAt}: Past): Buffer {
  const body = {
    life,
    lives: lives.map((ended) => [ended.life, ended.last.toString()]),
    dropped: dropped.toString(),
    flooredAt,
  };
  return sealValue(PAST, Buffer.from(JSON.stringify(body)));
}

/** @throws SLASHING_STORE_CORRUPT */
export function decodePast(value: Uint8Array | undefined, sequence: bigint): Past {
  if (value === undefined) return {...NO_PAST, sequence};
  const body = openValue(PAST, value);
  try {
    const json: unknown = JSON.parse(body.toString("utf8"));
    if (!isJsonObject(json) || !Array.isArray(json.lives)) throw new Error("not a past");
    const {life, dropped, flooredAt} = json;
    if (flooredAt !== null && !Number.isSafeInteger(flooredAt)) throw new Error("flooredAt");
    return {
      sequence,
      life: life === null ? null : parseLifeId(life),
      lives: json.lives.map((entry: unknown) => {
        const [ended, last] = entry as readonly unknown[];
        return {life: parseLifeId(ended), last: parseUint64(last, "last")};
      }),
      dropped: parseUint64(dropped, "dropped"),
      flooredAt: flooredAt as number | null,
    };
  } catch (error) {
    throw new PleiadesError({code: "SLASHING_STORE_CORRUPT", key: PAST}, {cause: error});
  }
}
