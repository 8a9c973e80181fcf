import {createHash} from "node:crypto";
import {type RootHex, rootHex} from "../bytes.js";

/** Texts, bytes and whole numbers below 2³² (4 bytes big-endian) in the order given. Only fixed-length parts may meet. */
export type Part = string | Uint8Array | number;

/** The domain keeps each use of a hash or key derivation apart from every other one. */
export function join(domain: string, parts: readonly Part[]): Buffer {
  return Buffer.concat([
    Buffer.from(`pleiades dkg ${domain}\n`),
    ...parts.map((part) => {
      if (typeof part === "string") return Buffer.from(part);
      if (typeof part !== "number") return part;
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(part);
      return bytes;
    }),
  ]);
}

/** SHA-256. */
export const digest = (domain: string, ...parts: readonly Part[]): Uint8Array =>
  createHash("sha256").update(join(domain, parts)).digest();

export const digestHex = (domain: string, ...parts: readonly Part[]): RootHex => rootHex(digest(domain, ...parts));

/** Bytes of any 0x hex text that was parsed before. */
export const hexBytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.slice(2), "hex"));
