import type {Bytes4Hex, Epoch, RootHex} from "../bytes.js";
import type {Preset} from "./preset.js";

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
