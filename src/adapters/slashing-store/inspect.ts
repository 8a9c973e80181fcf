import {existsSync} from "node:fs";
import {join} from "node:path";
import {open} from "lmdb";
import {type PubkeyHex, parsePubkeyHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {SlashingRecord} from "../../core/slashing/record.js";
import {refuseForeignFile} from "./lmdb-environment.js";
import {decodeRecord} from "./record-codec.js";

/** What stands in a keeper's store, without its secrets. */
export interface StoreContent {
  readonly schema: number | null;
  readonly records: ReadonlyMap<PubkeyHex, SlashingRecord>;
  /** Group public keys of the shares at rest. */
  readonly shares: ReadonlySet<PubkeyHex>;
}

/**
 * Reads a store without changing it, also while its keeper runs; null when there is none.
 * @throws SLASHING_STORE_OPEN · SLASHING_STORE_CORRUPT
 */
export async function inspectStore(path: string): Promise<StoreContent | null> {
  const file = join(path, "data.mdb");
  if (!existsSync(file)) return null;
  let root: ReturnType<typeof open>;
  try {
    refuseForeignFile(file);
    root = open({path, noSubdir: false, maxDbs: 4, encoding: "binary", readOnly: true});
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : String(error);
    throw new PleiadesError({code: "SLASHING_STORE_OPEN", path, reason}, {cause: error});
  }
  try {
    const [meta, records, shares] = ["meta", "records", "shares"].map((name) =>
      root.openDB<Uint8Array, string>({name, encoding: "binary"}),
    );
    const schema = meta?.get("schema");
    return {
      schema: schema === undefined ? null : Number(Buffer.from(schema).toString("utf8")),
      records: new Map(
        [...(records?.getRange({}) ?? [])].map(({key: raw, value}) => {
          const key = parsePubkeyHex(raw);
          return [key, decodeRecord(key, value)] as const;
        }),
      ),
      shares: new Set([...(shares?.getKeys({}) ?? [])].map((key) => parsePubkeyHex(key))),
    };
  } finally {
    await root.close();
  }
}
