/**
 * JSON of the Web3Signer API ↔ SignRequest, and nothing else: whether a request may be signed is decided elsewhere.
 *
 * @see https://github.com/Consensys/web3signer openapi-specs/eth2/signing
 */
import type {Type} from "@chainsafe/ssz";
import {parseBytes4Hex, parseRootHex, parseUint64, type RootHex} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {FORK_NAMES, type ForkName} from "./network.js";
import type {Preset} from "./preset.js";
import {type ForkInfo, SIGN_TYPES, type SignRequest, type WireRequest} from "./sign-request.js";
import {hasForkInfo, isSignType, signTypeRow} from "./sign-types.js";
import {member, readSsz} from "./ssz-json.js";

/**
 * The typed request and the root its sender claims for it (null: none claimed; compare it with the computed one).
 * Blocks are taken as `{version, block_header}` only; members that the type does not know are ignored.
 * @throws CODEC_UNKNOWN_TYPE · CODEC_FIELD · CODEC_UINT64 · CODEC_HEX · CODEC_BITS · CODEC_VERSION · CODEC_BLOCK ·
 * CODEC_ROOT_CONFLICT
 */
export function parseSignRequest(raw: unknown, preset: Preset): {request: SignRequest; claimedRoot: RootHex | null} {
  const type = member(raw, "type", "request");
  if (!isSignType(type)) {
    throw new PleiadesError({
      code: "CODEC_UNKNOWN_TYPE",
      type: typeof type === "string" ? type.slice(0, 64) : typeof type,
      known: SIGN_TYPES,
    });
  }
  const row = signTypeRow(type);
  const body = member(raw, row.jsonKey, "request");
  const version = row.versionedKey === null ? null : parseForkName(member(body, "version", row.jsonKey), row.jsonKey);
  const message = row.versionedKey === null ? body : versionedMember(body, row.versionedKey, row.jsonKey);
  const container: Type<unknown> = row.container(preset, version ?? "phase0");
  const request = {
    type,
    message: readSsz(container, message, row.jsonKey),
    forkInfo: hasForkInfo(row.domainRule) ? parseForkInfo(member(raw, "fork_info", "request")) : null,
    version,
  };
  // The row of `type` has read `message`, which is what makes this pair a member of the union.
  return {request: request as SignRequest, claimedRoot: parseClaimedRoot(raw)};
}

/** The JSON that parseSignRequest reads back as the same request, in the spelling Web3Signer documents. */
export function toWire(request: SignRequest, preset: Preset): WireRequest {
  const row = signTypeRow(request.type);
  const container: Type<unknown> = row.container(preset, request.version ?? "phase0");
  const message = container.toJson(request.message);
  const body =
    row.versionedKey === null ? message : {version: request.version?.toUpperCase(), [row.versionedKey]: message};
  return {
    type: request.type,
    [row.jsonKey]: body,
    ...(request.forkInfo === null ? {} : {fork_info: forkInfoToJson(request.forkInfo)}),
  };
}

/** A fork's name in any case. @throws CODEC_VERSION */
export function parseForkName(raw: unknown, field: string): ForkName {
  const name = typeof raw === "string" && raw.length <= 16 ? raw.toLowerCase() : null;
  const known = FORK_NAMES.find((fork) => fork === name);
  if (known === undefined)
    throw new PleiadesError({code: "CODEC_VERSION", field: `${field}.version`, known: FORK_NAMES});
  return known;
}

function versionedMember(body: unknown, key: string, field: string): unknown {
  // A full block is turned into its header at the HTTP edge; said here because the message about a missing member
  // would mislead.
  if (key === "block_header" && !Object.hasOwn(body as object, key) && Object.hasOwn(body as object, "block")) {
    throw new PleiadesError({code: "CODEC_BLOCK", field, reason: "a full block where only a header is taken"});
  }
  return member(body, key, field);
}

function parseForkInfo(raw: unknown): ForkInfo {
  const fork = member(raw, "fork", "fork_info");
  const field = "fork_info.fork";
  return {
    previousVersion: parseBytes4Hex(member(fork, "previous_version", field), `${field}.previous_version`),
    currentVersion: parseBytes4Hex(member(fork, "current_version", field), `${field}.current_version`),
    epoch: parseUint64(member(fork, "epoch", field), `${field}.epoch`),
    genesisValidatorsRoot: parseRootHex(
      member(raw, "genesis_validators_root", "fork_info"),
      "fork_info.genesis_validators_root",
    ),
  };
}

const forkInfoToJson = ({previousVersion, currentVersion, epoch, genesisValidatorsRoot}: ForkInfo): unknown => ({
  fork: {previous_version: previousVersion, current_version: currentVersion, epoch: epoch.toString()},
  genesis_validators_root: genesisValidatorsRoot,
});

/** Lodestar sends `signingRoot`, the standard says `signing_root`; both at once must agree. */
function parseClaimedRoot(raw: unknown): RootHex | null {
  const [camel, snake] = ["signingRoot", "signing_root"].map((key) => {
    const value = Object.hasOwn(raw as object, key) ? (raw as {[key: string]: unknown})[key] : undefined;
    return value === undefined || value === null ? null : parseRootHex(value, key);
  });
  if (camel && snake && camel !== snake) {
    throw new PleiadesError({code: "CODEC_ROOT_CONFLICT", signingRoot: camel, signing_root: snake});
  }
  return camel ?? snake ?? null;
}
