import type {Epoch, RootHex, SignatureHex} from "../bytes.js";
import type {Ceremony} from "./ceremony.js";
import type {DealingHeader, Pairs} from "./dealing.js";
import {digestHex, hexBytes, join} from "./digest.js";
import {bodyJson} from "./items-json.js";

/** Ed25519, 64 bytes: 0x and 128 lower-case hex digits. */
export type NodeSignatureHex = string;

/** First of each participant: keys to seal to (recipients), the hash of the dealing to come (dealers). */
export interface AnnounceBody {
  /** One X25519 key for each dealer; empty for a participant that receives nothing. */
  readonly sealingKeys: readonly RootHex[];
  /** @see dealingCommitment; null for a participant that deals nothing */
  readonly commitment: RootHex | null;
}

/** The header of a dealing; its chunks travel beside it and are named by their hashes. */
export interface DealBody {
  /** All announces the dealer held when it dealt, by author: who sealed to which key is plain from the dealing itself. */
  readonly announces: readonly Item<"announce">[];
  /** The dealer's X25519 keys, one for each recipient among those announces. */
  readonly ephemerals: readonly RootHex[];
  /** By chunk. */
  readonly publicHashes: readonly RootHex[];
  readonly chunkHashes: readonly RootHex[];
}

export type Outcome =
  /** All of it is held, well formed, and each share in it is right. */
  | {readonly kind: "ok"}
  /** A share is wrong: the secret opens the sealed shares for everybody. */
  | {readonly kind: "complaint"; readonly chunk: number; readonly secret: RootHex}
  /** Everybody can see it; chunk null for the header. */
  | {readonly kind: "malformed"; readonly chunk: number | null};

/** What a recipient found of one dealer. With the dealer's own signature, so that two entries can prove two dealings. */
export interface VerdictEntry {
  readonly dealer: number;
  readonly dealing: RootHex;
  readonly signature: NodeSignatureHex;
  readonly outcome: Outcome;
}

/** Two items with one author for one place: both signatures prove it, whatever is in them. */
export interface Equivocation {
  readonly participant: number;
  readonly kind: ItemKind;
  readonly sequence: number;
  readonly items: readonly [SignedHash, SignedHash];
}
export interface SignedHash {
  readonly hash: RootHex;
  readonly signature: NodeSignatureHex;
}

/** A recipient's findings so far. Each later revision (sequence 0, 1, …) only adds. */
export interface VerdictBody {
  /** By dealer, at most one each. */
  readonly entries: readonly VerdictEntry[];
  /** By participant, at most one each. */
  readonly equivocations: readonly Equivocation[];
}

/** A message of the agreement among the recipients. */
export interface AgreeBody {
  /** As the agreement's own codec writes it. */
  readonly message: string;
}

export interface ResultBody {
  /** @see transcriptHash */
  readonly transcript: RootHex;
  /** Σ of signatures by each share over its own message: whoever made it holds all shares. */
  readonly proof: SignatureHex;
  /** Partial signatures of the deposits, by validator and then by amount. */
  readonly deposits: readonly SignatureHex[];
}

export interface AbortBody {
  readonly reason: string;
}

/** Reshare only: an old operator that signs no later epoch any more, durably, says so. */
export interface RetireBody {
  /** Of the ceremony it retires for. */
  readonly transcript: RootHex;
  /** The handover epoch, or a later one up to which it has signed meanwhile. */
  readonly epoch: Epoch;
  /** Made with its old shares, which only its keeper has. @see retirementMessage */
  readonly proof: SignatureHex;
}

export interface Bodies {
  readonly announce: AnnounceBody;
  readonly deal: DealBody;
  readonly verdict: VerdictBody;
  readonly agree: AgreeBody;
  readonly result: ResultBody;
  readonly abort: AbortBody;
  readonly retire: RetireBody;
}
export type ItemKind = keyof Bodies;

/** The order is part of what is signed. */
export const ITEM_KINDS: readonly ItemKind[] = ["announce", "deal", "verdict", "agree", "result", "abort", "retire"];

/** A signed statement of one participant. Its place is (author, kind, sequence): two items for one place are a lie. */
export interface Item<K extends ItemKind = ItemKind> {
  readonly ceremony: RootHex;
  /** The participant's number. */
  readonly author: number;
  readonly kind: K;
  /** Counts revisions of a verdict and messages of the agreement; 0 for all others. */
  readonly sequence: number;
  readonly body: Bodies[K];
  readonly signature: NodeSignatureHex;
  /** Of kind and body: names the item within its place. Not of the signature, which may have several spellings. */
  readonly hash: RootHex;
}
export type AnyItem = {[K in ItemKind]: Item<K>}[ItemKind];

export const isItem = <K extends ItemKind>(item: AnyItem | Item, kind: K): item is Item<K> => item.kind === kind;

export const bodyHash = <K extends ItemKind>(kind: K, body: Bodies[K]): RootHex =>
  digestHex("item body v1", ITEM_KINDS.indexOf(kind), JSON.stringify(bodyJson(kind, body)));

/** What the author's node key signs. */
export function signingMessage(at: {
  ceremony: RootHex;
  author: number;
  kind: ItemKind;
  sequence: number;
  hash: RootHex;
}): Uint8Array {
  const {ceremony, author, kind, sequence, hash} = at;
  const parts = [hexBytes(ceremony), author, ITEM_KINDS.indexOf(kind), sequence, hexBytes(hash)];
  return new Uint8Array(join("item v1", parts));
}

/** Signs with the node key: 64 bytes, the same for the same message (RFC 8032). */
export type SignAsNode = (message: Uint8Array) => Uint8Array;

export function signItem<K extends ItemKind>(
  {id}: Pick<Ceremony, "id">,
  {author, kind, sequence, body}: Pick<Item<K>, "author" | "kind" | "sequence" | "body">,
  sign: SignAsNode,
): Item<K> {
  const hash = bodyHash(kind, body);
  const message = signingMessage({ceremony: id, author, kind, sequence, hash});
  const signature = `0x${Buffer.from(sign(message)).toString("hex")}`;
  return {ceremony: id, author, kind, sequence, body, signature, hash};
}

/** Author, kind and sequence as one text. */
export const placeOf = ({author, kind, sequence}: Pick<Item, "author" | "kind" | "sequence">): string =>
  `${kind}/${author}/${sequence}`;

/** Asked for at every step; it follows from the item alone. */
const headers = new WeakMap<Item<"deal">, DealingHeader>();

/** What chunks are checked against. @param dealing of a dealer of this ceremony */
export function headerOf(ceremony: Pick<Ceremony, "participants">, dealing: Item<"deal">): DealingHeader {
  const known = headers.get(dealing);
  if (known !== undefined) return known;
  const {participants} = ceremony;
  const dealer = participants[dealing.author - 1]!.dealer!;
  const {announces, ephemerals, publicHashes, chunkHashes} = dealing.body;
  const recipients = announces.filter(({author}) => participants[author - 1]!.recipient !== null);
  const pairs: Pairs = new Map(
    recipients.map(({author, body}, i) => [
      participants[author - 1]!.recipient!,
      {sealingKey: hexBytes(body.sealingKeys[dealer - 1]!), ephemeral: hexBytes(ephemerals[i]!)},
    ]),
  );
  const header = {pairs, publicHashes, chunkHashes};
  headers.set(dealing, header);
  return header;
}
