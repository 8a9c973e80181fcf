import {createHash} from "node:crypto";
import {fromHex, type PubkeyHex, type RootHex, rootHex} from "../bytes.js";

/** Keeps these hashes apart from any other use of SHA-256. */
const DOMAIN = "pleiades committee v1\n";

/**
 * Names one validator's committee: SHA-256 over the domain text, generation (8 bytes big-endian), n, t (1 byte each),
 * the group public key and the n share public keys. Requests and partials carry it.
 */
export function committeeHash({
  generation,
  n,
  threshold,
  groupPublicKey,
  sharePublicKeys,
}: {
  generation: number;
  n: number;
  threshold: number;
  groupPublicKey: PubkeyHex;
  sharePublicKeys: readonly PubkeyHex[];
}): RootHex {
  const numbers = Buffer.alloc(10);
  numbers.writeBigUInt64BE(BigInt(generation), 0);
  numbers.writeUInt8(n, 8);
  numbers.writeUInt8(threshold, 9);
  const hash = createHash("sha256").update(DOMAIN).update(numbers).update(fromHex(groupPublicKey));
  for (const key of sharePublicKeys) hash.update(fromHex(key));
  return rootHex(hash.digest());
}
