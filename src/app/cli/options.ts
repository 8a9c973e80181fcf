import type {Argv} from "yargs";
import {parseRootHex, type RootHex} from "../../core/bytes.js";
import type {Network} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import {pinFromBeaconNode} from "../config/beacon-node.js";
import {readText} from "../files.js";
import {namedNetwork, networkFromSpec, parseSpecText} from "../networks.js";

export const usage = (reason: string): PleiadesError => new PleiadesError({code: "CLI_USAGE", reason});

/** A string option that may stand once. */
export const text = (describe: string, group: string) =>
  ({type: "string", requiresArg: true, describe, group, coerce: once}) as const;

/** A whole number that may stand once. */
export const whole = (describe: string, group: string) =>
  ({
    type: "string",
    requiresArg: true,
    describe,
    group,
    coerce: (raw: unknown): number | undefined => {
      const value = once(raw);
      if (value === undefined) return undefined;
      if (!/^\d{1,15}$/.test(value)) throw usage(`expected a whole number, got "${value}"`);
      return Number(value);
    },
  }) as const;

function once(raw: unknown): string | undefined {
  if (raw === undefined) return undefined;
  if (Array.isArray(raw)) throw usage("an option that may stand once stands twice");
  return String(raw);
}

export interface NetworkArgs {
  readonly network?: string | undefined;
  readonly beaconNode?: string | undefined;
  readonly spec?: string | undefined;
  readonly genesisTime?: number | undefined;
  readonly genesisValidatorsRoot?: string | undefined;
}

export function networkOptions<T>(cli: Argv<T>): Argv<T & NetworkArgs> {
  const group = "The chain (one of the first three):";
  return cli
    .option("network", text("a chain known by name: mainnet, hoodi, sepolia, …", group))
    .option("beacon-node", text("URL of a beacon node to pin the specification and genesis from", group))
    .option("spec", text("file with the chain's specification (config.yaml or JSON of /eth/v1/config/spec)", group))
    .option("genesis-time", whole("with --spec: genesis in unix seconds", group))
    .option(
      "genesis-validators-root",
      text("with --spec: genesis_validators_root, 0x and 64 hex digits", group),
    ) as Argv<T & NetworkArgs>;
}

/** The chain the options name: a complete one. @throws CLI_USAGE · CLI_FILE · CONFIG_BEACON_NODE and the NETWORK_ codes */
export async function networkFrom(args: NetworkArgs): Promise<Network> {
  const given = [args.network, args.beaconNode, args.spec].filter((value) => value !== undefined).length;
  if (given !== 1) throw usage("name the chain by exactly one of --network, --beacon-node and --spec");
  if (args.spec === undefined && (args.genesisTime !== undefined || args.genesisValidatorsRoot !== undefined)) {
    throw usage("--genesis-time and --genesis-validators-root belong to --spec; the other sources know the genesis");
  }
  if (args.network !== undefined) return namedNetwork(args.network);
  if (args.beaconNode !== undefined) return pinFromBeaconNode(args.beaconNode);
  if (args.genesisTime === undefined || args.genesisValidatorsRoot === undefined) {
    throw usage("--spec needs --genesis-time and --genesis-validators-root, which no specification contains");
  }
  const spec = parseSpecText(await readText(args.spec ?? ""));
  return networkFromSpec(spec, {
    genesisTime: args.genesisTime,
    genesisValidatorsRoot: rootFlag(args.genesisValidatorsRoot),
  });
}

/** @throws CLI_USAGE */
export function rootFlag(raw: string): RootHex {
  try {
    return parseRootHex(raw);
  } catch {
    throw usage("--genesis-validators-root is not 0x and 64 hex digits");
  }
}

export function configOption<T>(cli: Argv<T>): Argv<T & {config: string}> {
  return cli.option("config", {
    ...text("the configuration file", "Options:"),
    default: "lodestar.config.yaml",
  }) as unknown as Argv<T & {config: string}>;
}

export function jsonOption<T>(
  cli: Argv<T>,
  describe = "print the result as one line of JSON",
): Argv<T & {json: boolean}> {
  return cli.option("json", {type: "boolean", default: false, describe, group: "Options:"}) as unknown as Argv<
    T & {json: boolean}
  >;
}
