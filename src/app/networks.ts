/** Networks by name, and from the spec that consensus clients write and serve. */
import {parse as parseYaml} from "yaml";
import {type Bytes4Hex, parseBytes4Hex, parseRootHex, parseUint64, toHex, UINT64_MAX} from "../core/bytes.js";
import {checkForks, FORK_NAMES, type Network, parseNetworkClock, parsePresetName} from "../core/duty/network.js";
import type {Preset} from "../core/duty/preset.js";
import {isJsonObject} from "../core/duty/strict-object.js";
import {PleiadesError} from "../core/errors.js";

/**
 * Public networks that can be chosen by name. Gnosis and Chiado have a preset of their own, Ephemery's
 * genesis changes every week, and @lodestar/config no longer carries Holesky.
 */
export const NETWORK_NAMES = ["mainnet", "sepolia", "hoodi"] as const;
export type NetworkName = (typeof NETWORK_NAMES)[number];

/** A consensus spec as flat text: `{PRESET_BASE: "mainnet", ALTAIR_FORK_EPOCH: "74240", …}`. */
export type SpecText = {readonly [key: string]: string};

/**
 * A public network as @lodestar/config knows it. Loading that package fixes the process's @lodestar preset to
 * LODESTAR_PRESET, else mainnet (the preset of every network here); a signer that runs another preset must not call it.
 * @throws NETWORK_UNKNOWN
 */
export async function namedNetwork(name: string): Promise<Network> {
  const known = NETWORK_NAMES.find((candidate) => candidate === name);
  if (known === undefined) {
    throw new PleiadesError({code: "NETWORK_UNKNOWN", name: name.slice(0, 64), known: NETWORK_NAMES});
  }
  const {genesisData, networksChainConfig} = await import("@lodestar/config/networks");
  const spec: {[key: string]: string} = {};
  for (const [key, value] of Object.entries(networksChainConfig[known])) {
    if (value instanceof Uint8Array) spec[key] = toHex(value);
    else if (value === Number.POSITIVE_INFINITY) spec[key] = UINT64_MAX.toString();
    else if (typeof value !== "object") spec[key] = String(value);
  }
  const {genesisTime, genesisValidatorsRoot} = genesisData[known];
  return networkFromSpec(spec, {name, genesisTime, genesisValidatorsRoot});
}

/**
 * The flat spec of a config file (YAML) or of a beacon node's `/eth/v1/config/spec` answer (JSON, with or without its
 * `data`). Lists such as BLOB_SCHEDULE are dropped. Numbers stay text: YAML would read fork version 0x00000001 as 1.
 * @throws NETWORK_INVALID
 */
export function parseSpecText(text: string): SpecText {
  let parsed: unknown;
  try {
    parsed = parseYaml(text, {schema: "failsafe", logLevel: "error"});
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : "unreadable";
    throw new PleiadesError({code: "NETWORK_INVALID", field: "spec", reason}, {cause});
  }
  if (isJsonObject(parsed) && isJsonObject(parsed.data)) parsed = parsed.data;
  if (!isJsonObject(parsed)) throw new PleiadesError({code: "NETWORK_INVALID", field: "spec", reason: "not a mapping"});
  return Object.fromEntries(
    Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

export interface SpecOptions {
  /** Default: the spec's CONFIG_NAME, else "custom". */
  readonly name?: string;
  /** Unix seconds of the actual genesis; null: not known, so the network has no clock. */
  readonly genesisTime: number | null;
  /** Null: not known; pinned later. */
  readonly genesisValidatorsRoot: string | null;
}

/**
 * A Network from a spec. Forks without an epoch (2^64-1) are left out; a scheduled fork that is unknown here is an
 * error, because this version could not sign after it.
 * @throws NETWORK_INVALID · NETWORK_FORKS · NETWORK_PRESET · CODEC_HEX · CODEC_UINT64
 */
export function networkFromSpec(spec: SpecText, {name, genesisTime, genesisValidatorsRoot}: SpecOptions): Network {
  const preset = parsePresetName(text(spec, "PRESET_BASE"));
  checkPreset(spec, preset);
  const clock = genesisTime === null ? null : parseNetworkClock({genesisTime, secondsPerSlot: secondsPerSlot(spec)});
  return {
    name: name ?? spec.CONFIG_NAME ?? "custom",
    preset,
    forks: checkForks(schedule(spec)),
    genesisValidatorsRoot:
      genesisValidatorsRoot === null ? null : parseRootHex(genesisValidatorsRoot, "genesis_validators_root"),
    clock,
  };
}

function schedule(spec: SpecText): {name: string; version: Bytes4Hex; epoch: bigint}[] {
  const scheduled = Object.keys(spec)
    .map((key) => /^([A-Z0-9]+)_FORK_EPOCH$/.exec(key)?.[1])
    .filter((prefix) => prefix !== undefined)
    .map((prefix) => ({prefix, epoch: parseUint64(text(spec, `${prefix}_FORK_EPOCH`), `spec.${prefix}_FORK_EPOCH`)}))
    .filter(({epoch}) => epoch !== UINT64_MAX)
    .map(({prefix, epoch}) => ({name: prefix.toLowerCase(), version: version(spec, prefix), epoch}));
  const order: readonly string[] = FORK_NAMES;
  // Unknown names go last, where checkForks names them.
  const rank = (fork: string): number => (order.includes(fork) ? order.indexOf(fork) : order.length);
  scheduled.sort((a, b) => rank(a.name) - rank(b.name));
  return [{name: "phase0", version: version(spec, "GENESIS"), epoch: 0n}, ...scheduled];
}

/** With 0x only: 0x01000001 read by YAML as a number would be 16777217, which is hex too. */
function version(spec: SpecText, prefix: string): Bytes4Hex {
  const key = `${prefix}_FORK_VERSION`;
  const value = text(spec, key);
  if (!/^0[xX]/.test(value))
    throw new PleiadesError({code: "NETWORK_INVALID", field: `spec.${key}`, reason: "not 0x hex"});
  return parseBytes4Hex(value, `spec.${key}`);
}

/** SLOT_DURATION_MS is the newer name and wins. */
function secondsPerSlot(spec: SpecText): number {
  if (spec.SLOT_DURATION_MS !== undefined) {
    return Number(parseUint64(spec.SLOT_DURATION_MS, "SLOT_DURATION_MS")) / 1000;
  }
  return Number(parseUint64(text(spec, "SECONDS_PER_SLOT"), "SECONDS_PER_SLOT"));
}

/** A beacon node's spec lists the preset's constants too: a changed one would change roots without a word. */
function checkPreset(spec: SpecText, preset: Preset): void {
  const expected = {
    SLOTS_PER_EPOCH: preset.slotsPerEpoch,
    MAX_COMMITTEES_PER_SLOT: preset.maxCommitteesPerSlot,
    MAX_VALIDATORS_PER_COMMITTEE: preset.maxValidatorsPerCommittee,
    SYNC_COMMITTEE_SIZE: preset.syncSubcommitteeSize * 4,
  };
  for (const [key, value] of Object.entries(expected)) {
    const given = spec[key];
    if (given !== undefined && given !== String(value)) {
      throw new PleiadesError({
        code: "NETWORK_PRESET",
        preset: preset.name,
        field: key,
        given: given.slice(0, 32),
        value,
      });
    }
  }
}

function text(spec: SpecText, key: string): string {
  const value = spec[key];
  if (value === undefined) throw new PleiadesError({code: "NETWORK_INVALID", field: `spec.${key}`, reason: "missing"});
  return value;
}
