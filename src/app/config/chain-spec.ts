import {readFile} from "node:fs/promises";
import {parse as parseYaml} from "yaml";
import {parseBytes4Hex, parseRootHex, parseUint64, type RootHex, asEpoch, UINT64_MAX} from "../../core/bytes.js";
import {FORK_NAMES, type Fork, type Network} from "../../core/duty/network.js";
import {PRESETS, type Preset} from "../../core/duty/preset.js";
import {PleiadesError} from "../../core/errors.js";
import {errnoOf} from "./load.js";

/** What a chain specification decides; genesis comes from elsewhere. */
export interface ChainSpec {
  readonly name: string;
  readonly preset: Preset;
  readonly forks: readonly Fork[];
  readonly secondsPerSlot: number;
}
export interface Genesis {
  readonly genesisTime: number;
  readonly genesisValidatorsRoot: RootHex;
}

/**
 * Reads the key-value form of a chain specification: a consensus-specs config.yaml or the answer of
 * /eth/v1/config/spec. Forks without an epoch (2^64-1) are left out.
 * @throws CONFIG_SPEC_INVALID · CONFIG_PRESET_UNSUPPORTED
 * @see consensus-specs configs/
 */
export function parseChainSpec(raw: unknown): ChainSpec {
  const spec = isRecord(raw) && isRecord(raw.data) ? raw.data : raw;
  if (!isRecord(spec)) throw new PleiadesError({code: "CONFIG_SPEC_INVALID", reason: "not a map of names to values"});
  const text = (key: string): string => {
    const value = spec[key];
    if (typeof value === "string" || typeof value === "number") return String(value);
    throw new PleiadesError({code: "CONFIG_SPEC_INVALID", key, reason: "missing"});
  };
  const read = <T>(key: string, parse: (raw: string, key: string) => T): T => {
    try {
      return parse(text(key), key);
    } catch (error) {
      if (error instanceof PleiadesError && error.code === "CONFIG_SPEC_INVALID") throw error;
      throw new PleiadesError({code: "CONFIG_SPEC_INVALID", key, reason: "malformed"}, {cause: error});
    }
  };

  const presetName = text("PRESET_BASE");
  if (presetName !== "mainnet" && presetName !== "minimal") {
    throw new PleiadesError({code: "CONFIG_PRESET_UNSUPPORTED", preset: presetName});
  }
  const forks = FORK_NAMES.flatMap((name): Fork[] => {
    const upper = name.toUpperCase();
    if (name === "phase0") return [{name, version: read("GENESIS_FORK_VERSION", parseBytes4Hex), epoch: asEpoch(0n)}];
    // An older client does not know the newest forks.
    if (spec[`${upper}_FORK_EPOCH`] === undefined) return [];
    const epoch = read(`${upper}_FORK_EPOCH`, parseUint64);
    return epoch === UINT64_MAX ? [] : [{name, version: read(`${upper}_FORK_VERSION`, parseBytes4Hex), epoch: asEpoch(epoch)}];
  });
  const secondsPerSlot =
    spec.SECONDS_PER_SLOT === undefined && spec.SLOT_DURATION_MS !== undefined
      ? Number(read("SLOT_DURATION_MS", parseUint64)) / 1000
      : Number(read("SECONDS_PER_SLOT", parseUint64));
  if (!Number.isInteger(secondsPerSlot) || secondsPerSlot < 1) {
    throw new PleiadesError({code: "CONFIG_SPEC_INVALID", key: "SECONDS_PER_SLOT", reason: "not whole seconds"});
  }
  const name = typeof spec.CONFIG_NAME === "string" && spec.CONFIG_NAME !== "" ? spec.CONFIG_NAME : "pinned";
  return {name, preset: PRESETS[presetName], forks, secondsPerSlot};
}

const isRecord = (raw: unknown): raw is Record<string, unknown> =>
  typeof raw === "object" && raw !== null && !Array.isArray(raw);

/** A chain specification from a YAML or JSON file. @throws CLI_FILE · CONFIG_SPEC_INVALID · CONFIG_PRESET_UNSUPPORTED */
export async function readChainSpec(file: string): Promise<ChainSpec> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new PleiadesError({code: "CLI_FILE", file, reason: errnoOf(error)}, {cause: error});
  }
  let raw: unknown;
  try {
    // "failsafe" keeps every scalar as it is written: 0x00000001 stays four bytes, 2^64-1 keeps its digits.
    raw = parseYaml(text, {schema: "failsafe"});
  } catch (error) {
    throw new PleiadesError({code: "CONFIG_SPEC_INVALID", file, reason: "not YAML or JSON"}, {cause: error});
  }
  return parseChainSpec(raw);
}

/** One answer of a beacon node's REST API is small; a node that takes longer is not one to pin a chain from. */
const BEACON_NODE_TIMEOUT_MS = 10_000;

/**
 * Pins a chain from a beacon node's own configuration and genesis.
 * @throws CONFIG_BEACON_NODE · CONFIG_SPEC_INVALID · CONFIG_PRESET_UNSUPPORTED
 * @see beacon-APIs: getSpec, getGenesis
 */
export async function pinFromBeaconNode(url: string, timeoutMs = BEACON_NODE_TIMEOUT_MS): Promise<Network> {
  const signal = AbortSignal.timeout(timeoutMs);
  const [spec, genesis] = await Promise.all([
    getJson(url, "/eth/v1/config/spec", signal),
    getJson(url, "/eth/v1/beacon/genesis", signal),
  ]);
  const data = isRecord(genesis) && isRecord(genesis.data) ? genesis.data : {};
  try {
    return networkOf(parseChainSpec(spec), {
      genesisTime: Number(parseUint64(data.genesis_time, "genesis_time")),
      genesisValidatorsRoot: parseRootHex(data.genesis_validators_root, "genesis_validators_root"),
    });
  } catch (error) {
    if (error instanceof PleiadesError && error.code.startsWith("CODEC_")) {
      throw new PleiadesError({code: "CONFIG_BEACON_NODE", url, reason: "malformed genesis"}, {cause: error});
    }
    throw error;
  }
}

/** Joins a specification and a genesis to a pinned network. */
export const networkOf = (spec: ChainSpec, genesis: Genesis): Network => ({
  name: spec.name,
  preset: spec.preset,
  forks: spec.forks,
  genesisValidatorsRoot: genesis.genesisValidatorsRoot,
  clock: {genesisTime: genesis.genesisTime, secondsPerSlot: spec.secondsPerSlot},
});

async function getJson(base: string, path: string, signal: AbortSignal): Promise<unknown> {
  const fail = (reason: string, cause?: unknown) =>
    new PleiadesError({code: "CONFIG_BEACON_NODE", url: withoutCredentials(base), path, reason}, {cause});
  let response: Response;
  try {
    response = await fetch(new URL(`${base.replace(/\/+$/, "")}${path}`), {signal, headers: {accept: "application/json"}});
  } catch (error) {
    throw fail(signal.aborted ? "no answer in time" : "cannot be reached", error);
  }
  if (!response.ok) throw fail(`status ${response.status}`);
  try {
    return await response.json();
  } catch (error) {
    throw fail("not JSON", error);
  }
}

/** A URL may carry a user and a password, which have no place in an error. */
function withoutCredentials(url: string): string {
  try {
    const {origin, pathname} = new URL(url);
    return `${origin}${pathname}`;
  } catch {
    return "not a URL";
  }
}
