import "./polyfill.js";
import {createPrivateKey, randomBytes, sign} from "node:crypto";
import {constants} from "node:fs";
import {type FileHandle, link, open, rm} from "node:fs/promises";
import {dirname} from "node:path";
import {inspect} from "node:util";
import {generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf} from "@libp2p/crypto/keys";
import {peerIdFromPrivateKey, peerIdFromString} from "@libp2p/peer-id";
import type {Libp2pOptions} from "libp2p";
import {type PeerIdText, parsePeerIdText} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";

export type PrivateKey = NonNullable<Libp2pOptions["privateKey"]>;

/** Before the 32 bytes of an Ed25519 key. @see RFC 8410 */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
/** A key file holds one line of about 90 characters. */
const MAX_FILE_BYTES = 1024;

/** Who this node is to other nodes. Prints and serialises as its peer id; the private key comes out only through privateKey(). */
export class Identity {
  readonly peerId: PeerIdText;
  readonly #privateKey: PrivateKey;

  constructor(privateKey: PrivateKey) {
    this.#privateKey = privateKey;
    this.peerId = parsePeerIdText(peerIdFromPrivateKey(privateKey).toString());
  }

  privateKey(): PrivateKey {
    return this.#privateKey;
  }
  /** Ed25519, 64 bytes; the same for the same message. @see RFC 8032 */
  sign(message: Uint8Array): Uint8Array {
    const seed = this.#privateKey.raw.subarray(0, 32);
    const key = createPrivateKey({key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8"});
    return new Uint8Array(sign(null, message, key));
  }
  toString(): string {
    return this.peerId;
  }
  toJSON(): {peerId: PeerIdText} {
    return {peerId: this.peerId};
  }
  [inspect.custom](): string {
    return `Identity(${this.peerId})`;
  }
}

/** The peer id in the spelling libp2p uses, checked as a whole and not only by shape. @throws CODEC_PEER_ID */
export function peerIdText(raw: string): PeerIdText {
  const text = parsePeerIdText(raw);
  try {
    return parsePeerIdText(peerIdFromString(text).toString());
  } catch (error) {
    throw new PleiadesError({code: "CODEC_PEER_ID", peerId: text}, {cause: error});
  }
}

/** A new identity that is not written anywhere. */
export async function generateIdentity(): Promise<Identity> {
  return new Identity(await generateKeyPair("Ed25519"));
}

/**
 * The identity in the file, which is created first when it does not exist: mode 0600, complete or not there at all, and
 * never in place of another. Of several processes that create it at once one wins and all get the same.
 * @throws LINK_IDENTITY_PERMISSIONS · LINK_IDENTITY_INVALID · LINK_IDENTITY_FAILED
 */
export async function loadOrCreateIdentity(path: string): Promise<Identity> {
  const existing = await read(path);
  if (existing !== null) return existing;
  await create(path, await generateIdentity());
  return readIdentity(path);
}

/** @throws LINK_IDENTITY_MISSING · LINK_IDENTITY_PERMISSIONS · LINK_IDENTITY_INVALID · LINK_IDENTITY_FAILED */
export async function readIdentity(path: string): Promise<Identity> {
  const identity = await read(path);
  if (identity === null) throw new PleiadesError({code: "LINK_IDENTITY_MISSING", path});
  return identity;
}

async function read(path: string): Promise<Identity | null> {
  let file: FileHandle;
  try {
    // O_NONBLOCK: a pipe in place of the file must not stop the start.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw failed(path, error);
  }
  try {
    // The open file is asked, not the path, so that it cannot be another one by then.
    const stats = await file.stat();
    if (!stats.isFile()) throw new PleiadesError({code: "LINK_IDENTITY_INVALID", path, reason: "not a file"});
    const {mode, size} = stats;
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new PleiadesError({code: "LINK_IDENTITY_PERMISSIONS", path, mode: (mode & 0o777).toString(8)});
    }
    if (size > MAX_FILE_BYTES) throw new PleiadesError({code: "LINK_IDENTITY_INVALID", path, bytes: size});
    return decode(path, await file.readFile("utf8"));
  } catch (error) {
    throw error instanceof PleiadesError ? error : failed(path, error);
  } finally {
    await file.close();
  }
}

/** One line: the private key as libp2p's protobuf, in base64. */
function decode(path: string, text: string): Identity {
  try {
    const key = privateKeyFromProtobuf(Buffer.from(text.trim(), "base64"));
    if (key.type === "Ed25519") return new Identity(key);
  } catch {
    // The cause could carry bytes of the key.
  }
  throw new PleiadesError({code: "LINK_IDENTITY_INVALID", path});
}

async function create(path: string, identity: Identity): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    try {
      const file = await open(temporary, "wx", 0o600);
      try {
        await file.writeFile(`${Buffer.from(privateKeyToProtobuf(identity.privateKey())).toString("base64")}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      // A hard link fails when the name is taken: unlike a rename it cannot replace a key that came in between.
      await link(temporary, path);
    } finally {
      await rm(temporary, {force: true});
    }
    const directory = await open(dirname(path), "r");
    await directory.sync().finally(() => directory.close());
  } catch (error) {
    // Somebody else was quicker; theirs is read.
    if (errnoOf(error) !== "EEXIST") throw failed(path, error);
  }
}

const failed = (path: string, cause: unknown): PleiadesError =>
  new PleiadesError({code: "LINK_IDENTITY_FAILED", path, errno: errnoOf(cause)}, {cause});
const errnoOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;
