import {
  asEpoch,
  asSlot,
  type Bytes4Hex,
  type Epoch,
  epochOfSlot,
  parseBytes4Hex,
  parseEpoch,
  parseRootHex,
  type RootHex,
  type Slot,
} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {shown} from "../shown.js";
import {PRESETS, type Preset} from "./preset.js";
import {strictObject} from "./strict-object.js";

export const FORK_NAMES = ["phase0", "altair", "bellatrix", "capella", "deneb", "electra", "fulu", "gloas"] as const;
export type ForkName = (typeof FORK_NAMES)[number];

export interface Fork {
  readonly name: ForkName;
  readonly version: Bytes4Hex;
  /** First epoch of the fork; forks that have no epoch yet are left out of a schedule. */
  readonly epoch: Epoch;
}

/**
 * What a node believes about its chain, from its own configuration, never from a request. `null` is allowed only in
 * `pleiades local`, which says so: fork versions then come from the request, the first genesis_validators_root is
 * pinned, and no clock bound applies.
 */
export interface Network {
  readonly name: string;
  readonly preset: Preset;
  /** Ascending by epoch; the first has epoch 0. */
  readonly forks: readonly Fork[] | null;
  readonly genesisValidatorsRoot: RootHex | null;
  readonly clock: {
    /** Unix seconds. */
    readonly genesisTime: number;
    readonly secondsPerSlot: number;
  } | null;
}

/** The fork version in force at an epoch. @see consensus-specs "compute_fork_version" */
export function forkVersionAt(forks: readonly Fork[], epoch: bigint): Bytes4Hex {
  // Several forks may start at the same epoch (0 on a test network): the last of them is in force.
  const fork = forks.findLast((candidate) => candidate.epoch <= epoch);
  if (fork === undefined) throw new PleiadesError({code: "NETWORK_FORKS", field: "forks", epoch: epoch.toString()});
  return fork.version;
}

/**
 * The slot at a moment (unix milliseconds), 0 before genesis; null for a network without a clock.
 * A wall clock behind genesis must not give a slot below zero, which would refuse duties of slot 0.
 */
export function currentSlot({clock}: Pick<Network, "clock">, nowMs: number): Slot | null {
  if (clock === null) return null;
  // Whole milliseconds: 1.001 s is 1000.9999999999999 ms in floating point.
  const slot = Math.floor((nowMs - clock.genesisTime * 1000) / Math.round(clock.secondsPerSlot * 1000));
  return asSlot(BigInt(Math.max(0, slot)));
}

/** The epoch at a moment (unix milliseconds), 0 before genesis; null for a network without a clock. */
export function currentEpoch(network: Pick<Network, "clock" | "preset">, nowMs: number): Epoch | null {
  const slot = currentSlot(network, nowMs);
  return slot === null ? null : epochOfSlot(slot, network.preset.slotsPerEpoch);
}

/** The first slot of an epoch. */
export const startSlot = ({slotsPerEpoch}: Preset, epoch: bigint): Slot => asSlot(epoch * BigInt(slotsPerEpoch));

const KEYS = ["name", "preset", "forks", "genesisValidatorsRoot", "clock"] as const;

/**
 * A Network from the plain JSON that networkToJson writes. Every key must be there; null stands for "not known".
 * @throws NETWORK_INVALID · NETWORK_FORKS · NETWORK_PRESET · CODEC_HEX · CODEC_UINT64
 */
export function parseNetwork(json: unknown): Network {
  const {name, preset, forks, genesisValidatorsRoot, clock} = strictObject(json, KEYS, "network", "NETWORK_INVALID");
  if (typeof name !== "string" || name === "" || name.length > 64) throw invalid("network.name", "not a short text");
  return {
    name,
    preset: parsePresetName(preset),
    forks: forks === null ? null : parseForks(forks),
    genesisValidatorsRoot:
      genesisValidatorsRoot === null ? null : parseRootHex(genesisValidatorsRoot, "network.genesisValidatorsRoot"),
    clock: clock === null ? null : parseNetworkClock(clock),
  };
}

/** Plain JSON, for configuration files and the channel to the keeper. */
export const networkToJson = ({name, preset, forks, genesisValidatorsRoot, clock}: Network): unknown => ({
  name,
  preset: preset.name,
  forks: forks === null ? null : forks.map((fork) => ({...fork, epoch: fork.epoch.toString()})),
  genesisValidatorsRoot,
  clock: clock === null ? null : {...clock},
});

/** @throws NETWORK_PRESET */
export function parsePresetName(raw: unknown): Preset {
  if (raw !== "mainnet" && raw !== "minimal") {
    throw new PleiadesError({code: "NETWORK_PRESET", preset: shown(raw), known: Object.keys(PRESETS)});
  }
  return PRESETS[raw];
}

/** @throws NETWORK_INVALID */
export function parseNetworkClock(json: unknown): NonNullable<Network["clock"]> {
  const field = "network.clock";
  const {genesisTime, secondsPerSlot} = strictObject(json, ["genesisTime", "secondsPerSlot"], field, "NETWORK_INVALID");
  if (typeof genesisTime !== "number" || !Number.isSafeInteger(genesisTime) || genesisTime < 0) {
    throw invalid(`${field}.genesisTime`, "not a unix time in seconds");
  }
  // Fractions are allowed for fast test networks, down to a millisecond.
  if (typeof secondsPerSlot !== "number" || !Number.isFinite(secondsPerSlot) || secondsPerSlot < 0.001) {
    throw invalid(`${field}.secondsPerSlot`, "not a positive number of seconds");
  }
  return {genesisTime, secondsPerSlot};
}

function parseForks(json: unknown): readonly Fork[] {
  if (!Array.isArray(json)) throw invalid("network.forks", "not an array");
  return checkForks(
    // Not `map`, which passes over the holes that a list from another process may have.
    Array.from(json, (item: unknown, i) => {
      const field = `network.forks[${i}]`;
      const {name, version, epoch} = strictObject(item, ["name", "version", "epoch"], field, "NETWORK_INVALID");
      return {
        name,
        version: parseBytes4Hex(version, `${field}.version`),
        epoch: parseEpoch(epoch, `${field}.epoch`),
      };
    }),
  );
}

/**
 * The schedule itself when it is one: forks in order of FORK_NAMES without a gap, from phase0 at epoch 0. A gap would
 * leave Capella's version unknown to exits, and a later fork in force without its version.
 * @throws NETWORK_FORKS
 */
export function checkForks(
  forks: readonly {readonly name: unknown; readonly version: Bytes4Hex; readonly epoch: bigint}[],
): readonly Fork[] {
  const wrong = (reason: string): PleiadesError => new PleiadesError({code: "NETWORK_FORKS", reason});
  if (forks[0]?.epoch !== 0n) throw wrong("phase0 must start at epoch 0");
  return forks.map(({name, version, epoch}, i) => {
    const expected = FORK_NAMES[i];
    if (expected === undefined || name !== expected) {
      throw wrong(`fork ${i + 1} is ${shown(name, 32)} and should be ${expected ?? "absent"}`);
    }
    const before = forks[i - 1];
    if (before !== undefined && before.epoch > epoch)
      throw wrong(`${expected} starts before the fork that precedes it`);
    return {name: expected, version, epoch: asEpoch(epoch)};
  });
}

const invalid = (field: string, reason: string): PleiadesError =>
  new PleiadesError({code: "NETWORK_INVALID", field, reason});
