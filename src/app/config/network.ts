import type {Fork, Network} from "../../core/duty/network.js";
import {PRESETS} from "../../core/duty/preset.js";
import {PleiadesError} from "../../core/errors.js";
import type {NetworkSection} from "./schema.js";

const PINS = ["preset", "genesisTime", "secondsPerSlot", "genesisValidatorsRoot", "forks"] as const;

/** True when a name alone stands for the chain. */
export const isNamed = (section: NetworkSection): boolean =>
  !section.unpinned && PINS.every((pin) => section[pin] === null);

/**
 * The preset a process must run with, known before anything that depends on it is imported: every network known by
 * name uses mainnet's.
 */
export const presetOf = (section: NetworkSection): "mainnet" | "minimal" => section.preset ?? "mainnet";

/**
 * The chain a node believes in, from its configuration.
 * @throws CONFIG_NETWORK_UNKNOWN · CONFIG_NETWORK_INCOMPLETE
 */
export async function resolveNetwork(section: NetworkSection): Promise<Network> {
  if (isNamed(section)) return namedNetworkOrThrow(section.name);
  const {name, genesisTime, secondsPerSlot, genesisValidatorsRoot} = section;
  const preset = PRESETS[presetOf(section)];
  const forks = section.forks === null ? null : checkedForks(section.forks);
  if (!section.unpinned) {
    const missing = PINS.filter((pin) => section[pin] === null);
    if (missing.length > 0) {
      throw new PleiadesError({code: "CONFIG_NETWORK_INCOMPLETE", network: name, missing: missing.join(", ")});
    }
  }
  if ((genesisTime === null) !== (secondsPerSlot === null)) {
    throw new PleiadesError({
      code: "CONFIG_NETWORK_INCOMPLETE",
      network: name,
      missing: genesisTime === null ? "genesisTime" : "secondsPerSlot",
    });
  }
  const clock = genesisTime === null || secondsPerSlot === null ? null : {genesisTime, secondsPerSlot};
  return {name, preset, forks, genesisValidatorsRoot, clock};
}

function checkedForks(forks: readonly Fork[]): readonly Fork[] {
  forks.forEach((fork, i) => {
    const before = forks[i - 1];
    if (before === undefined ? fork.epoch !== 0n : fork.epoch < before.epoch) {
      const missing = before === undefined ? "a fork at epoch 0" : `forks in order of epoch (${fork.name} is too early)`;
      throw new PleiadesError({code: "CONFIG_NETWORK_INCOMPLETE", missing});
    }
  });
  return forks;
}

/** A chain known by name. @throws CONFIG_NETWORK_UNKNOWN */
export async function namedNetworkOrThrow(name: string): Promise<Network> {
  // Imported late: the table pulls in the preset, which is frozen at its first import.
  const {namedNetwork, NETWORK_NAMES} = await import("../networks.js");
  const network = namedNetwork(name);
  if (network === null) {
    throw new PleiadesError({code: "CONFIG_NETWORK_UNKNOWN", name, known: NETWORK_NAMES.join(", ")});
  }
  return network;
}

/** The configuration section that pins a network: every value as written in YAML. */
export function networkSection(network: Network, {unpinned = false} = {}): {[key: string]: unknown} {
  return {
    name: network.name,
    preset: network.preset.name,
    genesisTime: network.clock?.genesisTime ?? null,
    secondsPerSlot: network.clock?.secondsPerSlot ?? null,
    genesisValidatorsRoot: network.genesisValidatorsRoot,
    forks:
      network.forks?.map((fork) => ({name: fork.name, version: fork.version, epoch: Number(fork.epoch)})) ?? null,
    unpinned,
  };
}
