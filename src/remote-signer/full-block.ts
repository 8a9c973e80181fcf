/**
 * Full blocks become headers at the HTTP edge. hash_tree_root(BeaconBlock) = hash_tree_root(BeaconBlockHeader), so
 * nothing behind this file ever carries a block body, and the keeper needs no block types.
 */
import type {Type} from "@chainsafe/ssz";
import {toHex} from "../core/bytes.js";
import type {ForkName} from "../core/duty/network.js";
import type {Preset} from "../core/duty/preset.js";
import {parseForkName} from "../core/duty/request-codec.js";
import {member, readSsz} from "../core/duty/ssz-json.js";
import {isJsonObject, type JsonObject} from "../core/duty/strict-object.js";
import {PleiadesError} from "../core/errors.js";
import {blockBodiesOf} from "./block-bodies.js";

/** Turns a request body with a full block into one with its header; anything else comes back as it is. */
export type FullBlockReader = (body: unknown) => unknown;

/** The body root of a fork whose blocks normally come as headers; null for a fork it does not know. */
export type LaterBodyRoot = (fork: ForkName, body: unknown) => Uint8Array | null;

/**
 * A reader of every fork's blocks. Sets the preset of @lodestar/params for the whole process, so it has to be called
 * before anything else imports a @lodestar package.
 * @throws NETWORK_PRESET when another preset is already in force
 */
export async function loadFullBlockReader(preset: Preset): Promise<FullBlockReader> {
  const {PresetName, setActivePreset} = await import("@lodestar/params/setPreset");
  try {
    setActivePreset(PresetName[preset.name]);
  } catch {
    // Already frozen: fine if it is the same preset, which the next lines find out.
  }
  const {ACTIVE_PRESET} = await import("@lodestar/params");
  if (ACTIVE_PRESET !== preset.name) {
    throw new PleiadesError({code: "NETWORK_PRESET", preset: preset.name, active: ACTIVE_PRESET});
  }
  const {ssz} = await import("@lodestar/types");
  return createFullBlockReader(preset, (fork, body) => {
    const type = ssz[fork].BeaconBlockBody as unknown as Type<unknown>;
    const value = type.fromJson(body);
    // fromJson reads "zz" as a zero byte and "1e3" as 1: what it read must be what was written.
    if (!sameJson(type.toJson(value), body)) throw new Error("not the canonical JSON of a block body");
    return type.hashTreeRoot(value);
  });
}

/**
 * A reader of phase0 and Altair blocks, the forks whose blocks the API sends whole; `laterBodyRoot` adds others.
 * The reader takes BLOCK_V2 with `{version, block}` and the deprecated BLOCK (a phase0 or Altair block).
 * @throws CODEC_BLOCK · CODEC_VERSION, from the reader
 */
export function createFullBlockReader(preset: Preset, laterBodyRoot: LaterBodyRoot = () => null): FullBlockReader {
  const ours = blockBodiesOf(preset);

  function bodyRoot(fork: ForkName, body: unknown): Uint8Array | null {
    if (fork !== "phase0" && fork !== "altair") return laterBodyRoot(fork, body);
    const type: Type<unknown> = ours[fork];
    return type.hashTreeRoot(readSsz(type, body, "body"));
  }

  function header(fork: ForkName, block: unknown): unknown {
    try {
      const root = bodyRoot(fork, member(block, "body", "block"));
      if (root === null) throw new Error(`full ${fork} blocks are not read here; send block_header`);
      return {
        slot: member(block, "slot", "block"),
        proposer_index: member(block, "proposer_index", "block"),
        parent_root: member(block, "parent_root", "block"),
        state_root: member(block, "state_root", "block"),
        body_root: toHex(root),
      };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : "unreadable";
      throw new PleiadesError({code: "CODEC_BLOCK", version: fork, reason}, {cause});
    }
  }

  return (body) => {
    if (!isJsonObject(body)) return body;
    if (own(body, "type") === "BLOCK") {
      const block = own(body, "block");
      const fork = isJsonObject(block) && hasSyncAggregate(own(block, "body")) ? "altair" : "phase0";
      return {...body, type: "BLOCK_V2", beacon_block: {version: fork, block_header: header(fork, block)}};
    }
    const wrapped = own(body, "beacon_block");
    if (own(body, "type") !== "BLOCK_V2" || !isJsonObject(wrapped)) return body;
    if (own(wrapped, "block") === undefined || own(wrapped, "block_header") !== undefined) return body;
    const version = own(wrapped, "version");
    const fork = parseForkName(version, "beacon_block");
    return {...body, beacon_block: {version, block_header: header(fork, wrapped.block)}};
  };
}

const own = (json: JsonObject, key: string): unknown => (Object.hasOwn(json, key) ? json[key] : undefined);
const hasSyncAggregate = (body: unknown): boolean => isJsonObject(body) && Object.hasOwn(body, "sync_aggregate");

/** What a block's leaves look like: hex or an unsigned decimal (fromJson lets "-1" through as it is). */
const LEAF = /^(?:0x[0-9a-f]*|[0-9]+)$/;

/** Whether `given` spells `canonical`, but for the case of hex, numbers for decimal strings, and unknown members. */
function sameJson(canonical: unknown, given: unknown): boolean {
  if (typeof canonical === "string") {
    if (typeof given !== "string" && typeof given !== "number") return false;
    return LEAF.test(canonical.toLowerCase()) && String(given).toLowerCase() === canonical.toLowerCase();
  }
  if (Array.isArray(canonical)) {
    if (!Array.isArray(given) || given.length !== canonical.length) return false;
    return canonical.every((item, i) => sameJson(item, given[i]));
  }
  if (!isJsonObject(canonical)) return canonical === given;
  return isJsonObject(given) && Object.entries(canonical).every(([key, value]) => sameJson(value, own(given, key)));
}
