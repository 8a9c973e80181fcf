import {type Network, parseNetwork} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import {namedNetwork} from "../networks.js";
import type {NetworkSection} from "./schema.js";

const PINS = ["preset", "genesisTime", "secondsPerSlot", "genesisValidatorsRoot", "forks"] as const;

/** True when a name alone stands for the chain. */
export const isNamed = (section: NetworkSection): boolean =>
  !section.unpinned && PINS.every((pin) => section[pin] === null);

/** The preset a process runs with: every network known by name uses mainnet's. */
export const presetOf = (section: NetworkSection): "mainnet" | "minimal" => section.preset ?? "mainnet";

/**
 * The chain a node believes in, from its configuration.
 * @throws NETWORK_UNKNOWN · NETWORK_FORKS · NETWORK_INVALID · CONFIG_NETWORK_INCOMPLETE
 */
export async function resolveNetwork(section: NetworkSection): Promise<Network> {
  if (isNamed(section)) return namedNetwork(section.name);
  const missing = PINS.filter((pin) => section[pin] === null);
  if (!section.unpinned && missing.length > 0) throw incomplete(section, missing);
  const {name, genesisTime, secondsPerSlot, genesisValidatorsRoot, forks} = section;
  if ((genesisTime === null) !== (secondsPerSlot === null)) {
    throw incomplete(section, [genesisTime === null ? "genesisTime" : "secondsPerSlot"]);
  }
  return parseNetwork({
    name,
    preset: presetOf(section),
    forks: forks?.map((fork) => ({...fork, epoch: fork.epoch.toString()})) ?? null,
    genesisValidatorsRoot,
    clock: genesisTime === null ? null : {genesisTime, secondsPerSlot},
  });
}

const incomplete = ({name}: NetworkSection, missing: readonly string[]): PleiadesError =>
  new PleiadesError({code: "CONFIG_NETWORK_INCOMPLETE", network: name, missing: missing.join(", ")});

/** The configuration section that pins a network: every value as written in YAML. */
export function networkSection(network: Network, {unpinned = false} = {}): {[key: string]: unknown} {
  return {
    name: network.name,
    preset: network.preset.name,
    genesisTime: network.clock?.genesisTime ?? null,
    secondsPerSlot: network.clock?.secondsPerSlot ?? null,
    genesisValidatorsRoot: network.genesisValidatorsRoot,
    forks: network.forks?.map(({name, version, epoch}) => ({name, version, epoch: Number(epoch)})) ?? null,
    unpinned,
  };
}
