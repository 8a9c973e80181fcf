import {blstDkgGroup as group} from "../../adapters/bls/blst.js";
import {asEpoch, type PeerIdText, type RootHex, rootHex, type SignatureHex, signatureHex} from "../../core/bytes.js";
import type {Committee} from "../../core/committee/committee.js";
import {committeeHash, parseCommitteeFile} from "../../core/committee/committee-file.js";
import {type Ceremony, ceremonyOf} from "../../core/dkg/ceremony.js";
import {checkChunk, isNamedChunk, malformationOf, openChunk} from "../../core/dkg/checking.js";
import {chunkLayout, publicHash} from "../../core/dkg/chunk.js";
import {type DealerSecrets, dealChunk, dealingCommitment, publicPart, sealingPairs} from "../../core/dkg/dealing.js";
import {parseDefinition} from "../../core/dkg/definition.js";
import {hexBytes} from "../../core/dkg/digest.js";
import {type AnyItem, headerOf, type Item, isItem, type RetireBody} from "../../core/dkg/items.js";
import {decodeItem, hasEnoughAnnounces} from "../../core/dkg/items-codec.js";
import {chunkKeys, sumShares, type ValidatorKeys} from "../../core/dkg/keys.js";
import {verifyNodeSignature} from "../../core/dkg/node-signature.js";
import {chunkCount, contributions, validatorsOf} from "../../core/dkg/plan.js";
import {isRetirement, proveRetirement} from "../../core/dkg/retirement.js";
import {sealingKeys} from "../../core/dkg/seed.js";
import {shareMessage} from "../../core/dkg/share-proof.js";
import {PleiadesError, type ReasonCode} from "../../core/errors.js";
import {scaleShare} from "../../core/threshold/polynomial.js";
import {scalarBytes} from "../../core/threshold/scalar.js";
import type {ShareName} from "../tenure-book.js";
import {depositSigningRoots, withdrawalOf} from "./deposits.js";

const SCALAR = 32;
/** Definitions as last read: each job names one, and checking its signatures takes a millisecond. */
const MAX_KNOWN = 8;
const known = new Map<string, Ceremony>();

function ceremonyIn(definition: string): Ceremony {
  const found =
    known.get(definition) ?? ceremonyOf(parseDefinition(definition, verifyNodeSignature), verifyNodeSignature);
  known.delete(definition);
  known.set(definition, found);
  for (const text of known.keys()) if (known.size > MAX_KNOWN) known.delete(text);
  return found;
}

/** What a job is told of this operator. */
export interface Own {
  readonly definition: string;
  readonly seed: Uint8Array;
  readonly number: number;
}

/** A chunk of a dealing as the vault keeps it. */
export interface KeptChunk {
  readonly dealer: number;
  readonly shown: Uint8Array;
  readonly shares: Uint8Array;
}

const scalars = (bytes: Uint8Array): bigint[] =>
  Array.from({length: bytes.length / SCALAR}, (_, i) => {
    return BigInt(`0x${Buffer.from(bytes.subarray(i * SCALAR, (i + 1) * SCALAR)).toString("hex")}`);
  });

const refuse = (code: ReasonCode, data: {readonly [key: string]: unknown} = {}): PleiadesError =>
  new PleiadesError({...data, code});

function decode<K extends AnyItem["kind"]>(ceremony: Ceremony, text: string, kind: K): Item<K> {
  const item = decodeItem(ceremony, text);
  if (!isItem(item, kind)) throw refuse("DKG_ITEM_MALFORMED", {field: "kind", reason: `not ${kind}`});
  return item;
}

function dealerOf({participants}: Ceremony, number: number): number {
  const dealer = participants[number - 1]?.dealer ?? null;
  if (dealer === null) throw refuse("KEEPER_CEREMONY_PEER", {participant: number, reason: "deals nothing"});
  return dealer;
}

function recipientOf({participants}: Ceremony, number: number): number {
  const recipient = participants[number - 1]?.recipient ?? null;
  if (recipient === null) throw refuse("KEEPER_CEREMONY_PEER", {participant: number, reason: "receives nothing"});
  return recipient;
}

/** A dealer of a reshare deals its old shares, given by the chunk's validators in order. */
function secretsOf({plan}: Ceremony, seed: Uint8Array, chunk: number, old: readonly Uint8Array[]): DealerSecrets {
  if (plan.kind !== "reshare") return {seed};
  const [first] = validatorsOf(plan, chunk);
  return {seed, share: (validator) => scalars(old[validator - first!]!)[0]!};
}

function oldShareOf({definition}: Ceremony, validator: number): ShareName {
  const {generation, threshold, operators, validators} = definition.previous!;
  const keys = validators[validator]!;
  return {
    key: keys.groupPublicKey,
    committeeHash: committeeHash({...keys, generation, n: operators.length, threshold}),
  };
}

function checkChunkNumber({plan}: Ceremony, chunk: number): void {
  if (chunk >= chunkCount(plan)) throw refuse("KEEPER_CEREMONY_CHUNK", {chunk, chunks: chunkCount(plan)});
}

/** What a vault computes; pure functions of what they are given, so that they can run anywhere. */
export const DKG_JOBS = {
  dkgRead({definition, peerId}: {definition: string; peerId: PeerIdText}) {
    const {id, definition: read, participants, plan} = ceremonyIn(definition);
    const own = participants.find((one) => one.peerId === peerId);
    if (own === undefined) throw refuse("KEEPER_CEREMONY_PEER", {peerId, reason: "takes no part"});
    const {nonce, kind, network, escrow = null} = read;
    const oldKeys = plan.previous?.groupPublicKeys ?? [];
    const deals = own.dealer !== null;
    return {id, nonce, kind, network, number: own.number, deals, chunks: chunkCount(plan), escrow, oldKeys};
  },

  /** The hash of one chunk's public part. */
  dkgShown({definition, seed, number, chunk, old}: Own & {chunk: number; old: readonly Uint8Array[]}): RootHex {
    const ceremony = ceremonyIn(definition);
    const at = {dealer: dealerOf(ceremony, number), chunk};
    const secrets = secretsOf(ceremony, seed, chunk, old);
    return publicHash(ceremony.plan, at.dealer, chunk, publicPart(group, ceremony.plan, secrets, at));
  },

  dkgAnnounce({definition, seed, number, hashes}: Own & {hashes: readonly RootHex[]}) {
    const {plan, participants} = ceremonyIn(definition);
    const {dealer, recipient} = participants[number - 1]!;
    return {
      sealingKeys: recipient === null ? [] : sealingKeys(seed, plan, recipient).map((key) => rootHex(key)),
      commitment: dealer === null ? null : dealingCommitment(plan, dealer, hashes),
    };
  },

  /** Which announces may be dealt on: signed, enough, and our own the one that this vault made. */
  dkgAnnounces({definition, seed, number, announces}: Own & {announces: readonly string[]}): void {
    const ceremony = ceremonyIn(definition);
    dealerOf(ceremony, number);
    const items = announces.map((text) => decode(ceremony, text, "announce"));
    const ascending = items.every(({author}, i) => i === 0 || author > items[i - 1]!.author);
    const {recipient} = ceremony.participants[number - 1]!;
    const expected = recipient === null ? [] : sealingKeys(seed, ceremony.plan, recipient).map((key) => rootHex(key));
    const own = items.find(({author}) => author === number)?.body.sealingKeys.join();
    if (!ascending || !hasEnoughAnnounces(ceremony, items) || own !== expected.join()) {
      throw refuse("KEEPER_CEREMONY_ANNOUNCES", {announces: items.length});
    }
  },

  dkgDeal({
    definition,
    seed,
    number,
    announces,
    chunk,
    old,
  }: Own & {announces: readonly string[]; chunk: number; old: readonly Uint8Array[]}) {
    const ceremony = ceremonyIn(definition);
    const {plan, participants} = ceremony;
    checkChunkNumber(ceremony, chunk);
    const dealer = dealerOf(ceremony, number);
    const keys = new Map<number, Uint8Array>();
    for (const {author, body} of announces.map((text) => decode(ceremony, text, "announce"))) {
      const {recipient} = participants[author - 1]!;
      if (recipient !== null) keys.set(recipient, hexBytes(body.sealingKeys[dealer - 1]!));
    }
    const pairs = sealingPairs(plan, seed, dealer, keys);
    const dealt = dealChunk(group, plan, secretsOf(ceremony, seed, chunk, old), {dealer, chunk, pairs});
    return {...dealt, ephemerals: [...pairs.values()].map(({ephemeral}) => rootHex(ephemeral))};
  },

  dkgHeader({definition, dealing}: {definition: string; dealing: string}) {
    const ceremony = ceremonyIn(definition);
    const item = decode(ceremony, dealing, "deal");
    return {dealer: ceremony.participants[item.author - 1]!.dealer!, hash: item.hash};
  },

  /** @throws KEEPER_CEREMONY_CHUNK for bytes the header does not name, which say nothing about the dealer */
  dkgOpen({
    definition,
    seed,
    number,
    ...given
  }: Own & {dealing: string; chunk: number; bytes: Uint8Array}):
    | {readonly kind: "ok"; readonly kept: KeptChunk}
    | {readonly kind: "complaint"; readonly secret: RootHex}
    | {readonly kind: "malformed"; readonly reason: string} {
    const ceremony = ceremonyIn(definition);
    const {plan} = ceremony;
    const recipient = recipientOf(ceremony, number);
    checkChunkNumber(ceremony, given.chunk);
    const item = decode(ceremony, given.dealing, "deal");
    const dealer = ceremony.participants[item.author - 1]!.dealer!;
    const {chunk, bytes} = given;
    const at = {dealer, header: headerOf(ceremony, item), chunk, bytes};
    // A dealer that had not our announce has dealt us nothing, and a complaint would convict nobody.
    if (!isNamedChunk(at) || !at.header.pairs.has(recipient)) throw refuse("KEEPER_CEREMONY_CHUNK", {dealer, chunk});
    try {
      checkChunk(group, plan, at);
    } catch (error) {
      const reason = malformationOf(error);
      if (reason === null) throw error;
      return {kind: "malformed", reason};
    }
    const opened = openChunk(group, plan, seed, recipient, at);
    if (!opened.ok) return {kind: "complaint", secret: rootHex(opened.sealingSecret)};
    const {publicBytes} = chunkLayout(plan, chunk, at.header.pairs.size);
    const shares = new Uint8Array(Buffer.concat(opened.shares.map((share) => scalarBytes(share))));
    return {kind: "ok", kept: {dealer, shown: bytes.slice(0, publicBytes), shares}};
  },

  /** Dealers whose shares are added up. @throws THRESHOLD_SIGNER_SET */
  dkgCounted({definition, qualified}: {definition: string; qualified: readonly number[]}): readonly number[] {
    const {plan} = ceremonyIn(definition);
    const ascending = qualified.every((dealer, i) => i === 0 || dealer > qualified[i - 1]!);
    if (!ascending || qualified.length < plan.dealerThreshold || qualified.some((dealer) => dealer > plan.dealers)) {
      throw refuse("KEEPER_CEREMONY_QUALIFIED", {reason: "too few, or not in order"});
    }
    return contributions(plan, qualified).map(({dealer}) => dealer);
  },

  /** The old shares of a chunk's validators, by name. */
  dkgOldShares({definition, chunk}: {definition: string; chunk: number}): readonly ShareName[] {
    const ceremony = ceremonyIn(definition);
    return validatorsOf(ceremony.plan, chunk).map((validator) => oldShareOf(ceremony, validator));
  },

  /** What is handed over, when, and on which terms; null for a fresh key. */
  dkgHandover({definition}: {definition: string}) {
    const ceremony = ceremonyIn(definition);
    const {kind, previous, deadline, permits = []} = ceremony.definition;
    if (kind === "fresh" || previous === null) return null;
    return {
      kind,
      epoch: previous.handoverEpoch,
      deadline,
      /** Retirements that let the new shares sign. */
      needed: ceremony.plan.dealerThreshold,
      permits,
      /** Participants up to this number receive shares. */
      recipients: ceremony.plan.recipients,
      dealers: ceremony.participants.filter(({dealer}) => dealer !== null).map(({number}) => number),
      old: previous.validators.map(({groupPublicKey}, validator) => ({
        share: oldShareOf(ceremony, validator),
        withdrawal: withdrawalOf(ceremony.definition, groupPublicKey),
      })),
    };
  },

  dkgRetire({
    definition,
    transcript,
    epoch,
    secrets,
  }: {
    definition: string;
    transcript: RootHex;
    epoch: bigint;
    secrets: readonly Uint8Array[];
  }): RetireBody {
    const {id} = ceremonyIn(definition);
    const shares = secrets.map((secret) => scalars(secret)[0]!);
    return proveRetirement(group, id, {transcript, epoch: asEpoch(epoch)}, shares);
  },

  /** The first valid retirement of each old operator. */
  dkgRetirements({
    definition,
    transcript,
    retirements,
  }: {
    definition: string;
    transcript: RootHex;
    retirements: readonly string[];
  }): readonly {author: number; epoch: bigint}[] {
    const ceremony = ceremonyIn(definition);
    const items = retirements.map((text) => decode(ceremony, text, "retire"));
    const valid = items.filter((item) => isRetirement(group, ceremony, transcript, item));
    return valid
      .filter(({author}, i) => valid.findIndex((one) => one.author === author) === i)
      .map(({author, body}) => ({author, epoch: body.epoch}));
  },

  /** Keys and our shares of one chunk; our share is checked against its public key. */
  dkgSum({
    definition,
    number,
    chunk,
    kept,
    qualified,
    old,
  }: {
    definition: string;
    number: number;
    chunk: number;
    kept: readonly KeptChunk[];
    qualified: readonly number[];
    /** Refresh only: the shares so far of the chunk's validators. */
    old: readonly Uint8Array[];
  }) {
    const ceremony = ceremonyIn(definition);
    const {plan} = ceremony;
    const recipient = recipientOf(ceremony, number);
    const header = {pairs: new Map(), publicHashes: [], chunkHashes: []};
    const chunks = new Map(kept.map(({dealer, shown}) => [dealer, {header, bytes: shown}]));
    const keys = chunkKeys(group, plan, qualified, {chunk, chunks});
    const dealt = kept.map(({dealer, shares}) => [dealer, scalars(shares)] as const);
    const shares = validatorsOf(plan, chunk).map((_, place) => {
      const before = old[place] === undefined ? 0n : scalars(old[place])[0]!;
      const share = sumShares(plan, qualified, new Map(dealt.map(([dealer, all]) => [dealer, all[place]!])), before);
      const shown = `0x${Buffer.from(group.publicKeys.bytes(group.base(share))).toString("hex")}`;
      if (shown !== keys[place]!.sharePublicKeys[recipient - 1]) {
        throw refuse("KEEPER_SHARE_MISMATCH", {key: keys[place]!.groupPublicKey, index: recipient});
      }
      return scalarBytes(share);
    });
    const withdrawals = keys.map(({groupPublicKey}) => withdrawalOf(ceremony.definition, groupPublicKey));
    const {escrow = null} = ceremony.definition;
    return {keys, shares: new Uint8Array(Buffer.concat(shares)), withdrawals, escrow};
  },

  dkgProve({
    definition,
    chunk,
    keys,
    shares,
    transcript,
  }: {
    definition: string;
    chunk: number;
    keys: readonly ValidatorKeys[];
    shares: Uint8Array;
    transcript: RootHex;
  }): {proof: SignatureHex; deposits: readonly SignatureHex[]} {
    const {plan, definition: read} = ceremonyIn(definition);
    const own = scalars(shares);
    const proofs = validatorsOf(plan, chunk).map((validator, place) =>
      group.signatures.load(group.sign(own[place]!, shareMessage(transcript, validator)), "curve"),
    );
    const size = {n: plan.recipients, t: plan.threshold};
    const deposits = keys.flatMap(({groupPublicKey}, place) => {
      const roots = depositSigningRoots(read, groupPublicKey);
      if (roots.length === 0) return [];
      const [scaled] = scalars(scaleShare(own[place]!, size));
      return roots.map((root) => signatureHex(group.sign(scaled!, root)));
    });
    return {proof: signatureHex(group.signatures.bytes(group.signatures.sum(proofs))), deposits};
  },

  /** The committee file, if it is this ceremony's and of these keys. @throws KEEPER_CEREMONY_COMMITTEE */
  dkgCommittee({
    definition,
    text,
    keys,
  }: {
    definition: string;
    text: string;
    keys: readonly ValidatorKeys[];
  }): Committee {
    const {definition: read} = ceremonyIn(definition);
    const generation = read.previous === null ? 0 : read.previous.generation + 1;
    const {threshold} = read;
    const n = read.operators.length;
    const hashes = keys.map((one) => committeeHash({...one, generation, n, threshold}));
    // Their points follow from commitments that were checked here.
    const committee = parseCommitteeFile(text, group, new Set(hashes));
    const peers = (of: readonly {readonly peerId: PeerIdText}[]): string => of.map(({peerId}) => peerId).join();
    const same =
      committee.validators.map((one) => one.committeeHash).join() === hashes.join() &&
      peers(committee.operators) === peers(read.operators) &&
      committee.coordinators.join() === read.coordinators.join() &&
      committee.genesisValidatorsRoot === read.network.genesisValidatorsRoot;
    if (!same) throw refuse("KEEPER_CEREMONY_COMMITTEE");
    return committee;
  },
} as const;
