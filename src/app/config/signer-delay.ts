import type {Network} from "../../core/duty/network.js";
import {defaultSignerDelayMs} from "../../core/ranking/delay.js";
import type {Config} from "./schema.js";

/** Milliseconds between the ranks of a committee's signers: what is configured, else the chain's default. */
export const signerDelayMs = (config: Pick<Config, "signerDelayMs">, network: Pick<Network, "clock">): number =>
  config.signerDelayMs ?? defaultSignerDelayMs(network);
