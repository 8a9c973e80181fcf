import type {Network} from "../../core/duty/network.js";
import {PRESETS} from "../../core/duty/preset.js";

/** Nothing is known of the chain but its preset. Only `pleiades local` runs with this. */
export const noNetwork = (preset: "mainnet" | "minimal"): Network => ({
  name: "local",
  preset: PRESETS[preset],
  forks: null,
  genesisValidatorsRoot: null,
  clock: null,
});
