import {createHash} from "node:crypto";
import {type PeerIdText, parsePeerIdText} from "../../core/bytes.js";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** Multihash: SHA-256, 32 bytes. */
const SHA_256 = [0x12, 0x20];

/**
 * What a participant without a libp2p identity is called in committee files and logs: a peer id of the old kind, the
 * base58 multihash of its origin. No node has it.
 */
export function participantPeerId(origin: string): PeerIdText {
  const digest = createHash("sha256").update(`pleiades participant\n${origin}`).digest();
  let rest = BigInt(`0x${Buffer.from([...SHA_256, ...digest]).toString("hex")}`);
  let text = "";
  for (; rest > 0n; rest /= 58n) text = ALPHABET[Number(rest % 58n)] + text;
  return parsePeerIdText(text);
}
