import {createHash} from "node:crypto";
import {type RootHex, rootHex} from "../../core/bytes.js";
import type {DefinitionSignatures} from "../../core/dkg/definition.js";
import {PleiadesError} from "../../core/errors.js";

/** What operators of one ceremony say to each other, as bodies of a plugin's messages. */
export type CeremonyMessage =
  /** One way: a new item. */
  | {readonly kind: "item"; readonly ceremony: RootHex; readonly text: string}
  /** Which items the asker holds, by digest; the answer is some of those that it lacks. */
  | {readonly kind: "have"; readonly ceremony: RootHex; readonly held: ReadonlySet<string>}
  /** The answer is the chunk with this hash, or nothing. */
  | {readonly kind: "chunk"; readonly ceremony: RootHex; readonly hash: RootHex}
  /** Which signatures of the definition the asker holds; the answer is those that the other one holds. */
  | {readonly kind: "consents"; readonly ceremony: RootHex; readonly signatures: DefinitionSignatures};

const KINDS = ["item", "have", "chunk", "consents"] as const;
const ID_BYTES = 32;
const HEAD_BYTES = 1 + ID_BYTES;
/** Of an item's key: two that collide would only hide an item from anti-entropy, and nobody gains by making some. */
const DIGEST_BYTES = 16;
/** Items of one ceremony: revisions of verdicts and messages of the agreement above all. */
const MAX_HELD = 20_000;
/** Of one answer, so that an asker that is far behind catches up in steps; one item may be larger. */
const MAX_ANSWER_BYTES = 2 ** 18;
const LENGTH_BYTES = 4;
const CONSENT_BYTES = 65;
/** Of a reshare from 13 operators to 13 others. */
const MAX_PARTICIPANTS = 26;

/** Names an item in what an operator says it holds. */
export const itemDigest = (key: string): string =>
  createHash("sha256").update(key).digest().subarray(0, DIGEST_BYTES).toString("hex");

export function encodeMessage(message: CeremonyMessage): Uint8Array {
  const head = Buffer.concat([Buffer.from([KINDS.indexOf(message.kind)]), bytesOf(message.ceremony)]);
  switch (message.kind) {
    case "item":
      return Buffer.concat([head, Buffer.from(message.text)]);
    case "have":
      return Buffer.concat([head, ...[...message.held].map((digest) => Buffer.from(digest, "hex"))]);
    case "chunk":
      return Buffer.concat([head, bytesOf(message.hash)]);
    case "consents":
      return Buffer.concat([head, encodeConsents(message.signatures)]);
  }
}

/** @throws DKG_MESSAGE */
export function decodeMessage(body: Uint8Array): CeremonyMessage {
  const kind = KINDS[body[0] ?? -1];
  if (kind === undefined || body.length < HEAD_BYTES) throw malformed("head");
  const ceremony = rootHex(body.subarray(1, HEAD_BYTES));
  const rest = Buffer.from(body.subarray(HEAD_BYTES));
  switch (kind) {
    case "item":
      return {kind, ceremony, text: rest.toString("utf8")};
    case "have": {
      const count = rest.length / DIGEST_BYTES;
      if (!Number.isInteger(count) || count > MAX_HELD) throw malformed("held");
      const at = (i: number) => rest.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES).toString("hex");
      return {kind, ceremony, held: new Set(Array.from({length: count}, (_, i) => at(i)))};
    }
    case "chunk":
      if (rest.length !== ID_BYTES) throw malformed("chunk");
      return {kind, ceremony, hash: rootHex(rest)};
    case "consents":
      return {kind, ceremony, signatures: decodeConsents(rest)};
  }
}

/** Each participant's number in one byte, then its 64 bytes. */
export const encodeConsents = (signatures: DefinitionSignatures): Uint8Array =>
  Buffer.concat([...signatures].flatMap(([number, hex]) => [Buffer.from([number]), Buffer.from(hex.slice(2), "hex")]));

/** @throws DKG_MESSAGE */
export function decodeConsents(body: Uint8Array): DefinitionSignatures {
  const count = body.length / CONSENT_BYTES;
  if (!Number.isInteger(count) || count > MAX_PARTICIPANTS) throw malformed("consents");
  const bytes = Buffer.from(body);
  return new Map(
    Array.from({length: count}, (_, i) => {
      const at = i * CONSENT_BYTES;
      return [bytes[at]!, `0x${bytes.subarray(at + 1, at + CONSENT_BYTES).toString("hex")}`];
    }),
  );
}

/** As many items as one answer takes, each with its length before it. */
export function encodeItems(texts: Iterable<string>): Uint8Array {
  const parts: Buffer[] = [];
  let bytes = 0;
  for (const text of texts) {
    const item = Buffer.from(text);
    if (bytes > 0 && bytes + item.length > MAX_ANSWER_BYTES) break;
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(item.length);
    parts.push(length, item);
    bytes += LENGTH_BYTES + item.length;
  }
  return Buffer.concat(parts);
}

/** @throws DKG_MESSAGE */
export function decodeItems(body: Uint8Array): string[] {
  const bytes = Buffer.from(body);
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < LENGTH_BYTES) throw malformed("items");
    const length = bytes.readUInt32BE(at);
    at += LENGTH_BYTES;
    if (length === 0 || length > bytes.length - at) throw malformed("items");
    texts.push(bytes.subarray(at, at + length).toString("utf8"));
    at += length;
  }
  return texts;
}

const bytesOf = (hex: RootHex): Buffer => Buffer.from(hex.slice(2), "hex");
const malformed = (field: string): PleiadesError => new PleiadesError({code: "DKG_MESSAGE", field});
