/** A partial signature of an exit, sealed for the escrow holder. */
import {
  fromHex,
  type PubkeyHex,
  parseBytes4Hex,
  parseEpoch,
  parseHexBytes,
  parsePubkeyHex,
  parseRootHex,
  parseShareIndex,
  parseUint64,
  type RootHex,
  rootHex,
  type ShareIndex,
  toHex,
} from "../bytes.js";
import {type LetterContext, openLetter, SEAL_OVERHEAD, sealingPublicKey, sealLetter} from "../dkg/sealing.js";
import {isJsonObject, strictObject} from "../duty/strict-object.js";
import {PleiadesError} from "../errors.js";
import {shown} from "../shown.js";
import {type EscrowedExit, escrowedSigningRoot} from "./exit.js";

/** Compressed. */
const SIGNATURE_BYTES = 96;
const SEALED_BYTES = SIGNATURE_BYTES + SEAL_OVERHEAD;
/** Twice what one has. */
const MAX_CHARACTERS = 2_048;
const CODE = "ESCROW_PARTIAL_MALFORMED";
const FIELDS = [
  "version",
  "group_public_key",
  "committee_hash",
  "share_index",
  "validator_index",
  "epoch",
  "fork_version",
  "holder",
  "ephemeral",
  "sealed",
] as const;

/** Whose share signed what for whom. */
export interface SealedExitContext {
  readonly groupPublicKey: PubkeyHex;
  readonly committeeHash: RootHex;
  readonly shareIndex: ShareIndex;
  readonly exit: EscrowedExit;
  /** The holder's X25519 key. */
  readonly holder: RootHex;
}

/** Nothing in it is secret: only the holder can open it. */
export interface SealedExit extends SealedExitContext {
  readonly ephemeral: RootHex;
  /** 0x and hex of 112 bytes. */
  readonly sealed: string;
}

function letter(context: SealedExitContext, ephemeral: Uint8Array, chain: RootHex): LetterContext {
  const {groupPublicKey, committeeHash, shareIndex, exit, holder} = context;
  return {
    domain: "escrowed exit v1",
    salt: fromHex(committeeHash),
    parts: [fromHex(groupPublicKey), shareIndex],
    ephemeral,
    recipient: fromHex(holder),
    authenticated: escrowedSigningRoot(exit, chain),
  };
}

/**
 * @param partial the plain share's signature, compressed
 * @param secret 32 random bytes for this partial alone
 * @throws KEEPER_NO_ESCROW for a holder's key of small order, which no checked definition has
 */
export function sealExit(
  context: SealedExitContext,
  {partial, secret, chain}: {partial: Uint8Array; secret: Uint8Array; chain: RootHex},
): SealedExit {
  const ephemeral = sealingPublicKey(secret);
  const sealed = sealLetter(secret, letter(context, ephemeral, chain), partial);
  if (sealed === null) throw new PleiadesError({code: "KEEPER_NO_ESCROW", key: context.groupPublicKey});
  return {...context, ephemeral: rootHex(ephemeral), sealed: toHex(sealed)};
}

/** @param secret the holder's @returns null when it was not sealed for this key, or about something else */
export function openExit(one: SealedExit, {secret, chain}: {secret: Uint8Array; chain: RootHex}): Uint8Array | null {
  const sealed = parseHexBytes(one.sealed, {min: SEALED_BYTES, max: SEALED_BYTES}, "sealed");
  return openLetter(secret, letter(one, fromHex(one.ephemeral), chain), sealed);
}

export function sealedExitJson(one: SealedExit): {readonly [key: string]: unknown} {
  const {groupPublicKey, committeeHash, shareIndex, exit, holder, ephemeral, sealed} = one;
  return {
    version: 1,
    group_public_key: groupPublicKey,
    committee_hash: committeeHash,
    share_index: shareIndex,
    validator_index: String(exit.validatorIndex),
    epoch: String(exit.epoch),
    fork_version: exit.forkVersion,
    holder,
    ephemeral,
    sealed,
  };
}

/** The file an operator sends to the holder. */
export const formatSealedExit = (one: SealedExit): string => `${JSON.stringify(sealedExitJson(one), null, 1)}\n`;

/** @throws ESCROW_PARTIAL_MALFORMED · CODEC_* with the field */
export function parseSealedExit(text: string): SealedExit {
  if (text.length > MAX_CHARACTERS)
    throw new PleiadesError({code: CODE, reason: `more than ${MAX_CHARACTERS} characters`});
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new PleiadesError({code: CODE, reason: "not JSON"});
  }
  return readSealedExit(json);
}

/** @throws ESCROW_PARTIAL_MALFORMED · CODEC_* with the field */
export function readSealedExit(json: unknown): SealedExit {
  if (isJsonObject(json) && json.version !== 1) {
    throw new PleiadesError({code: CODE, field: "version", reason: `${shown(json.version, 32)} is not 1`});
  }
  const raw = strictObject(json, FIELDS, "partial", CODE);
  const sealed = parseHexBytes(raw.sealed, {min: SEALED_BYTES, max: SEALED_BYTES}, "sealed");
  return {
    groupPublicKey: parsePubkeyHex(raw.group_public_key, "group_public_key"),
    committeeHash: parseRootHex(raw.committee_hash, "committee_hash"),
    shareIndex: parseShareIndex(raw.share_index, "share_index"),
    exit: {
      validatorIndex: parseUint64(raw.validator_index, "validator_index"),
      epoch: parseEpoch(raw.epoch, "epoch"),
      forkVersion: parseBytes4Hex(raw.fork_version, "fork_version"),
    },
    holder: parseRootHex(raw.holder, "holder"),
    ephemeral: parseRootHex(raw.ephemeral, "ephemeral"),
    sealed: toHex(sealed),
  };
}
