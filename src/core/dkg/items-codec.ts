import {parseEpoch, parseHexBytes, parseRootHex, parseSignatureHex, type RootHex, toHex} from "../bytes.js";
import {isJsonObject, strictObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";
import {type Ceremony, dealerParticipant, participant} from "./ceremony.js";
import {hexBytes} from "./digest.js";
import {
  type AnnounceBody,
  type AnyItem,
  type Bodies,
  bodyHash,
  type DealBody,
  type Equivocation,
  ITEM_KINDS,
  type Item,
  type ItemKind,
  type NodeSignatureHex,
  type Outcome,
  type ResultBody,
  type SignedHash,
  signingMessage,
  type VerdictBody,
  type VerdictEntry,
} from "./items.js";
import {encodeItem} from "./items-json.js";
import {chunkCount} from "./plan.js";
import {isSealingKey} from "./sealing.js";

/** Four deposits of 1,000 validators each: partial signatures of 197 characters. */
export const MAX_ITEM_CHARACTERS = 2 ** 20;
/** A revision adds at least one of: an entry per dealer, an equivocation per participant. */
export const MAX_REVISION = 13 + 26;
/** Five places in each of more rounds than there is time for. */
export const MAX_AGREE_SEQUENCE = 2 ** 16;
/** A value, and two votes of each of 13 recipients with their signatures. */
const MAX_AGREE_CHARACTERS = 2 ** 14;
const MAX_REASON_CHARACTERS = 200;
const CODE = "DKG_ITEM_MALFORMED";

const malformed = (field: string, reason: string): PleiadesError => new PleiadesError({code: CODE, field, reason});

/**
 * Reads an item from anywhere and believes nothing: size, shape, one spelling, this ceremony, an author who may say such
 * a thing, and the author's signature; for a dealing also those of the announces in it.
 * @throws DKG_ITEM_MALFORMED · DKG_ITEM_SIGNATURE · DKG_ITEM_OTHER_CEREMONY · CODEC_HEX
 */
export function decodeItem(ceremony: Ceremony, text: string): AnyItem {
  if (text.length > MAX_ITEM_CHARACTERS) throw malformed("item", `more than ${MAX_ITEM_CHARACTERS} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw malformed("item", "not JSON");
  }
  const item = readItem(ceremony, json, null);
  if (encodeItem(item) !== text) throw malformed("item", "another spelling");
  return item;
}

function readItem(ceremony: Ceremony, json: unknown, expected: ItemKind | null): AnyItem {
  const keys = ["ceremony", "author", "kind", "sequence", "body", "signature"] as const;
  const raw = strictObject(json, keys, "item", CODE);
  const id = parseRootHex(raw.ceremony, "ceremony");
  if (id !== ceremony.id) throw new PleiadesError({code: "DKG_ITEM_OTHER_CEREMONY", ceremony: id});
  const kind = ITEM_KINDS.find((one) => one === raw.kind);
  if (kind === undefined || (expected !== null && kind !== expected)) throw malformed("kind", "not a kind of item");
  const author = number(raw.author, "author", 1, ceremony.participants.length);
  const sequence = number(raw.sequence, "sequence", 0, maxSequence(kind));
  const body = READERS[kind](ceremony, raw.body, author);
  const signature = nodeSignature(raw.signature);
  const item = {ceremony: id, author, kind, sequence, body, signature, hash: hashOf(kind, body)} as AnyItem;
  const memo = `${author}/${item.hash}/${signature}`;
  if (ceremony.checked.has(memo)) return item;
  if (!isSigned(ceremony, item)) throw new PleiadesError({code: "DKG_ITEM_SIGNATURE", author, kind});
  if (kind !== "announce") return item;
  checkSealingKeys((body as AnnounceBody).sealingKeys);
  if (ceremony.checked.size < MAX_CHECKED) ceremony.checked.add(memo);
  return item;
}

/** Two announces of each participant and some to spare: who signs more of them has them checked each time. */
const MAX_CHECKED = 64;

function checkSealingKeys(keys: readonly RootHex[]): void {
  if (!keys.every((key) => isSealingKey(hexBytes(key)))) throw malformed("body.sealing_keys", "of small order");
}

const maxSequence = (kind: ItemKind): number =>
  kind === "verdict" ? MAX_REVISION : kind === "agree" ? MAX_AGREE_SEQUENCE : 0;

const hashOf = (kind: ItemKind, body: Bodies[ItemKind]): RootHex => bodyHash(kind, body);

/** Whether the author signed this hash for this place. */
function isSigned(
  ceremony: Ceremony,
  at: {author: number; kind: ItemKind; sequence: number; hash: RootHex; signature: NodeSignatureHex},
): boolean {
  const {peerId} = participant(ceremony, at.author);
  return ceremony.verify(peerId, signingMessage({...at, ceremony: ceremony.id}), hexBytes(at.signature));
}

const READERS: {readonly [K in ItemKind]: (ceremony: Ceremony, raw: unknown, author: number) => Bodies[K]} = {
  announce: readAnnounce,
  deal: readDeal,
  verdict: readVerdict,
  agree(ceremony, raw, author) {
    const {message} = strictObject(raw, ["message"], "body", CODE);
    if (participant(ceremony, author).recipient === null) throw malformed("author", "not a recipient");
    return {message: printable(message, "body.message", MAX_AGREE_CHARACTERS)};
  },
  result: readResult,
  abort(_, raw) {
    const {reason} = strictObject(raw, ["reason"], "body", CODE);
    if (isAbortReason(reason)) return {reason};
    throw malformed("body.reason", "not a text that may be one");
  },
  retire(ceremony, raw, author) {
    const {transcript, epoch, proof} = strictObject(raw, ["transcript", "epoch", "proof"], "body", CODE);
    const {kind, previous} = ceremony.definition;
    if (kind !== "reshare" || participant(ceremony, author).dealer === null) {
      throw malformed("author", "not of an old committee");
    }
    const at = parseEpoch(epoch, "body.epoch");
    if (at < previous!.handoverEpoch) throw malformed("body.epoch", "before the handover epoch");
    return {
      transcript: parseRootHex(transcript, "body.transcript"),
      epoch: at,
      proof: parseSignatureHex(proof, "body.proof"),
    };
  },
};

function readAnnounce(ceremony: Ceremony, raw: unknown, author: number): AnnounceBody {
  const {sealing_keys, commitment} = strictObject(raw, ["sealing_keys", "commitment"], "body", CODE);
  const {dealer, recipient} = participant(ceremony, author);
  const expected = recipient === null ? 0 : ceremony.plan.dealers;
  const sealingKeys = roots(sealing_keys, "body.sealing_keys", expected);
  // Twice one key would open two dealers' seals at once when one of them lies.
  if (new Set(sealingKeys).size !== expected) throw malformed("body.sealing_keys", "one key twice");
  if ((dealer === null) !== (commitment === null)) throw malformed("body.commitment", "only dealers have one");
  return {sealingKeys, commitment: commitment === null ? null : parseRootHex(commitment, "body.commitment")};
}

function readDeal(ceremony: Ceremony, raw: unknown, author: number): DealBody {
  const keys = ["announces", "ephemerals", "public_hashes", "chunk_hashes"] as const;
  const {announces: listed, ephemerals, public_hashes, chunk_hashes} = strictObject(raw, keys, "body", CODE);
  if (participant(ceremony, author).dealer === null) throw malformed("author", "not a dealer");
  const max = ceremony.participants.length;
  const announces = list(listed, "body.announces", 0, max).map(
    (one): Item<"announce"> => readItem(ceremony, one, "announce") as Item<"announce">,
  );
  ascending(
    announces.map((one) => one.author),
    "body.announces",
  );
  if (!hasEnoughAnnounces(ceremony, announces)) throw malformed("body.announces", "too few");
  if (!announces.some((one) => one.author === author)) throw malformed("body.announces", "not the dealer's own");
  const sealedTo = announces.filter((one) => participant(ceremony, one.author).recipient !== null).length;
  const chunks = chunkCount(ceremony.plan);
  return {
    announces,
    ephemerals: roots(ephemerals, "body.ephemerals", sealedTo),
    publicHashes: roots(public_hashes, "body.public_hashes", chunks),
    chunkHashes: roots(chunk_hashes, "body.chunk_hashes", chunks),
  };
}

/** Whether a dealer may deal on these: as many recipients as the definition requires, and enough dealers for a key. */
export function hasEnoughAnnounces(ceremony: Ceremony, announces: readonly {readonly author: number}[]): boolean {
  const authors = announces.map(({author}) => participant(ceremony, author));
  const recipients = authors.filter(({recipient}) => recipient !== null).length;
  const dealers = authors.filter(({dealer}) => dealer !== null).length;
  return recipients >= ceremony.definition.require && dealers >= ceremony.plan.dealerThreshold;
}

function readVerdict(ceremony: Ceremony, raw: unknown, author: number): VerdictBody {
  const {entries: listed, equivocations: pairs} = strictObject(raw, ["entries", "equivocations"], "body", CODE);
  if (participant(ceremony, author).recipient === null) throw malformed("author", "not a recipient");
  const entries = list(listed, "body.entries", 0, ceremony.plan.dealers).map((one) => readEntry(ceremony, one));
  ascending(
    entries.map(({dealer}) => dealer),
    "body.entries",
  );
  const max = ceremony.participants.length;
  const equivocations = list(pairs, "body.equivocations", 0, max).map((one) => readEquivocation(ceremony, one));
  ascending(
    equivocations.map((one) => one.participant),
    "body.equivocations",
  );
  return {entries, equivocations};
}

function readEntry(ceremony: Ceremony, raw: unknown): VerdictEntry {
  const keys = ["dealer", "dealing", "signature", "outcome"] as const;
  const entry = strictObject(raw, keys, "body.entries", CODE, ["chunk", "secret"]);
  const dealer = number(entry.dealer, "body.entries.dealer", 1, ceremony.plan.dealers);
  const hash = parseRootHex(entry.dealing, "body.entries.dealing");
  const signature = nodeSignature(entry.signature);
  const {number: signer} = dealerParticipant(ceremony, dealer);
  if (!isSigned(ceremony, {author: signer, kind: "deal", sequence: 0, hash, signature})) {
    throw new PleiadesError({code: "DKG_ITEM_SIGNATURE", author: signer, kind: "deal"});
  }
  return {dealer, dealing: hash, signature, outcome: readOutcome(ceremony, entry)};
}

function readOutcome(ceremony: Ceremony, raw: {outcome: unknown; chunk: unknown; secret: unknown}): Outcome {
  const chunk = (): number => number(raw.chunk, "body.entries.chunk", 0, chunkCount(ceremony.plan) - 1);
  switch (raw.outcome) {
    case "ok":
      return {kind: "ok"};
    case "malformed":
      return {kind: "malformed", chunk: raw.chunk === null ? null : chunk()};
    case "complaint":
      return {kind: "complaint", chunk: chunk(), secret: parseRootHex(raw.secret, "body.entries.secret")};
    default:
      throw malformed("body.entries.outcome", "not an outcome");
  }
}

function readEquivocation(ceremony: Ceremony, raw: unknown): Equivocation {
  const shown = strictObject(raw, ["participant", "kind", "sequence", "items"], "body.equivocations", CODE);
  const author = number(shown.participant, "body.equivocations.participant", 1, ceremony.participants.length);
  const kind = ITEM_KINDS.find((one) => one === shown.kind);
  if (kind === undefined) throw malformed("body.equivocations.kind", "not a kind of item");
  const sequence = number(shown.sequence, "body.equivocations.sequence", 0, maxSequence(kind));
  const items = list(shown.items, "body.equivocations.items", 2, 2).map((one): SignedHash => {
    const {hash, signature} = strictObject(one, ["hash", "signature"], "body.equivocations.items", CODE);
    return {hash: parseRootHex(hash, "body.equivocations.hash"), signature: nodeSignature(signature)};
  });
  const [first, second] = [items[0]!, items[1]!];
  if (first.hash >= second.hash) throw malformed("body.equivocations.items", "not two different ones in order");
  const proven = items.every((one) => isSigned(ceremony, {...one, author, kind, sequence}));
  if (!proven) throw new PleiadesError({code: "DKG_ITEM_SIGNATURE", author, kind});
  return {participant: author, kind, sequence, items: [first, second]};
}

function readResult(ceremony: Ceremony, raw: unknown, author: number): ResultBody {
  const {transcript, proof, deposits} = strictObject(raw, ["transcript", "proof", "deposits"], "body", CODE);
  if (participant(ceremony, author).recipient === null) throw malformed("author", "not a recipient");
  const {validators, depositAmounts} = ceremony.definition;
  const expected = validators * depositAmounts.length;
  return {
    transcript: parseRootHex(transcript, "body.transcript"),
    proof: parseSignatureHex(proof, "body.proof"),
    deposits: list(deposits, "body.deposits", expected, expected).map((one) => parseSignatureHex(one, "body.deposits")),
  };
}

const nodeSignature = (raw: unknown): NodeSignatureHex => toHex(parseHexBytes(raw, {min: 64, max: 64}, "signature"));

function roots(raw: unknown, field: string, count: number): RootHex[] {
  return list(raw, field, count, count).map((one) => parseRootHex(one, field));
}

function list(raw: unknown, field: string, min: number, max: number): readonly unknown[] {
  if (!Array.isArray(raw)) throw malformed(field, "not a list");
  if (raw.length < min || raw.length > max) throw malformed(field, `not ${min} to ${max} entries`);
  return raw;
}

function number(raw: unknown, field: string, min: number, max: number): number {
  if (typeof raw === "number" && Number.isSafeInteger(raw) && raw >= min && raw <= max) return raw;
  throw malformed(field, `not a whole number from ${min} to ${max}`);
}

const isPrintable = (raw: unknown, max: number): raw is string =>
  typeof raw === "string" && raw.length <= max && /^[\x20-\x7e]*$/.test(raw);

function printable(raw: unknown, field: string, max: number): string {
  if (isPrintable(raw, max)) return raw;
  throw malformed(field, `not a text of at most ${max} printable characters`);
}

function ascending(values: readonly number[], field: string): void {
  if (values.some((value, i) => i > 0 && value <= values[i - 1]!)) throw malformed(field, "not in ascending order");
}

/** Whether other operators will read it. */
export const isAbortReason = (raw: unknown): raw is string => isPrintable(raw, MAX_REASON_CHARACTERS);

/** The ceremony an item claims to be of, without believing anything else of it; null when it has none. */
export function claimedCeremony(text: string): RootHex | null {
  if (text.length > MAX_ITEM_CHARACTERS) return null;
  try {
    const json: unknown = JSON.parse(text);
    return isJsonObject(json) ? parseRootHex(json.ceremony, "ceremony") : null;
  } catch {
    return null;
  }
}
