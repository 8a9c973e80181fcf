import {parseUint64} from "../../core/bytes.js";
import type {Network} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import {shown} from "../../core/shown.js";
import {networkFromSpec, parseSpecText, type SpecText} from "../networks.js";

/** A node that takes longer for two small answers is not one to pin a chain from. */
const TIMEOUT_MS = 10_000;

/**
 * Pins a chain from a beacon node's own specification and genesis.
 * @throws CONFIG_BEACON_NODE, and the NETWORK_ codes of a specification that cannot be used
 * @see beacon-APIs: getSpec, getGenesis
 */
export async function pinFromBeaconNode(url: string, options?: {timeoutMs?: number}): Promise<Network> {
  return (await chainOfBeaconNode(url, options)).network;
}

/** The same, with the specification as the node gave it. @throws as {@link pinFromBeaconNode} */
export async function chainOfBeaconNode(
  url: string,
  {timeoutMs = TIMEOUT_MS} = {},
): Promise<{spec: SpecText; network: Network}> {
  const signal = AbortSignal.timeout(timeoutMs);
  const [specText, genesis] = await Promise.all([
    get(url, "/eth/v1/config/spec", signal),
    get(url, "/eth/v1/beacon/genesis", signal),
  ]);
  const {genesisTime, genesisValidatorsRoot} = parseGenesis(url, genesis);
  const spec = parseSpecText(specText);
  return {spec, network: networkFromSpec(spec, {genesisTime, genesisValidatorsRoot})};
}

function parseGenesis(url: string, text: string): {genesisTime: number; genesisValidatorsRoot: string} {
  try {
    const {data} = JSON.parse(text) as {data: {[key: string]: unknown}};
    return {
      genesisTime: Number(parseUint64(data.genesis_time, "genesis_time")),
      genesisValidatorsRoot: shown(data.genesis_validators_root, 80),
    };
  } catch (error) {
    throw failure(url, "its genesis is malformed", error);
  }
}

async function get(base: string, path: string, signal: AbortSignal): Promise<string> {
  let target: URL;
  try {
    target = new URL(`${base.replace(/\/+$/, "")}${path}`);
  } catch (error) {
    throw failure(base, "not a URL", error);
  }
  try {
    const response = await fetch(target, {signal, headers: {accept: "application/json"}});
    if (!response.ok) throw failure(base, `status ${response.status} for ${path}`);
    return await response.text();
  } catch (error) {
    if (error instanceof PleiadesError) throw error;
    throw failure(base, signal.aborted ? `no answer in time for ${path}` : "cannot be reached", error);
  }
}

const failure = (url: string, reason: string, cause?: unknown): PleiadesError =>
  new PleiadesError({code: "CONFIG_BEACON_NODE", url: withoutCredentials(url), reason}, {cause});

/** A URL may carry a user and a password, which have no place in an error. */
export function withoutCredentials(url: string): string {
  try {
    const {origin, pathname} = new URL(url);
    return `${origin}${pathname}`;
  } catch {
    return "(not a URL)";
  }
}
