import {createPublicKey, verify} from "node:crypto";
import type {PeerIdText} from "../bytes.js";

/** Whether the 64 bytes are this node's Ed25519 signature of the message. A parameter, as simulations sign more cheaply. */
export type VerifyNodeSignature = (peer: PeerIdText, message: Uint8Array, signature: Uint8Array) => boolean;

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** Identity multihash of 36 bytes: the protobuf of an Ed25519 key (type 1) of 32 bytes. @see libp2p specs, peer-ids */
const ED25519_PEER_PREFIX = "002408011220";
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** The 32 bytes of the key a peer id of this kind contains; null for a peer id of another kind. */
export function nodePublicKey(peer: PeerIdText): Uint8Array | null {
  let value = 0n;
  for (const character of peer) {
    const digit = BASE58.indexOf(character);
    if (digit === -1) return null;
    value = value * 58n + BigInt(digit);
  }
  // The first byte of the multihash is zero, for which base58btc writes a "1" before the number.
  const hex = `00${value.toString(16).padStart(74, "0")}`;
  const shaped = peer.startsWith("1") && !peer.startsWith("11") && hex.length === 76;
  return shaped && hex.startsWith(ED25519_PEER_PREFIX) ? new Uint8Array(Buffer.from(hex.slice(12), "hex")) : null;
}

/**
 * What a node signs when one of its plugins asks: the plugin's name comes first, so that no plugin can speak for another
 * one, for the node's own protocols, or for libp2p.
 */
export const pluginMessage = (plugin: string, message: Uint8Array): Uint8Array =>
  new Uint8Array(Buffer.concat([Buffer.from(`pleiades plugin ${plugin}\n`), message]));

/** Node keys as libp2p has them, in the name of that plugin. @see RFC 8032 */
export const verifyPluginSignature =
  (plugin: string): VerifyNodeSignature =>
  (peer, message, signature) => {
    const bytes = nodePublicKey(peer);
    if (bytes === null || signature.length !== 64) return false;
    try {
      const key = createPublicKey({key: Buffer.concat([SPKI_PREFIX, bytes]), format: "der", type: "spki"});
      return verify(null, pluginMessage(plugin, message), key, signature);
    } catch {
      return false;
    }
  };

/** Statements of ceremonies. */
export const verifyNodeSignature: VerifyNodeSignature = verifyPluginSignature("dkg");
