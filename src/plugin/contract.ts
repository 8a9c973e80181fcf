import type {DependencyContainer} from "tsyringe";
import type {Bytes4Hex, PubkeyHex, RootHex} from "../core/bytes.js";
import type {SignRequest, SignType} from "../core/duty/sign-request.js";
import type {CeremonyVault} from "../ports/ceremony-vault.js";
import type {Clock} from "../ports/clock.js";
import type {ControlRoute, PluginRoute} from "../ports/http-route.js";
import type {Logger} from "../ports/logger.js";
import type {Observer} from "../ports/observer.js";
import type {PeerMessages} from "../ports/peer-messages.js";
import type {ShareRepair} from "../ports/share-repair.js";

/** The version of everything in this file. It rises when a plugin written for it could break. */
export const PLUGIN_API_VERSION = 1;

/** Kebab-case, at most 40 characters; the plugin's key under `plugins:` in lodestar.config.yaml. */
export type PluginName = string;
const PLUGIN_NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
export const isPluginName = (raw: unknown): raw is PluginName =>
  typeof raw === "string" && raw.length <= 40 && PLUGIN_NAME.test(raw);

/** The least the host needs of a schema; a zod schema has it. */
export interface Schema<C> {
  safeParse(
    input: unknown,
  ):
    | {readonly success: true; readonly data: C}
    | {readonly success: false; readonly error: {readonly issues: readonly SchemaIssue[]}};
}
export interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** "unrecognized_keys" (with `keys`) is told apart, as zod's strict objects give it. */
  readonly code?: string | undefined;
  readonly keys?: readonly string[];
}

/**
 * A plugin: the default export of its module. It can add commands, committee sources, observers and routes, and it can
 * veto; nothing it returns can permit what policy or a keeper refuses.
 */
export interface Plugin<C = unknown> {
  readonly name: PluginName;
  readonly apiVersion: typeof PLUGIN_API_VERSION;
  /** One line for `--help`, where a word that is no command itself stands for several of this plugin's. */
  readonly summary?: string;
  /** Started before this plugin and stopped after it; each must be configured too. */
  readonly dependsOn?: readonly PluginName[];
  /** What stands under `config:` of the plugin (an empty object when nothing does). May add defaults, not drop keys. */
  readonly configSchema: Schema<C>;
  /** Synchronous and without I/O: it also runs for `--help`. The container is the plugin's own (see PLUGIN_TOKENS). */
  register(container: DependencyContainer, config: C): Contributions;
  /** Must settle within 30 s; what takes longer goes on after it. */
  start?(context: PluginContext): Promise<void>;
  /**
   * Called once for every plugin whose start was called, also when that failed, within 5 s, in reverse order of start.
   */
  stop?(): Promise<void>;
}

export interface Contributions {
  readonly commands?: readonly Command[];
  readonly committeeSources?: readonly CommitteeSource[];
  readonly vetoes?: readonly Veto[];
  readonly observers?: readonly Observer[];
  readonly routes?: readonly RouteContribution[];
  /** What plugins that depend on this one may call in process. */
  readonly service?: object;
}

/**
 * A route without its plugin's name, which the host adds. With `control` it is served on the operator's control socket and
 * never over the network: for what only the owner of this node may ask.
 */
export type RouteContribution =
  | (Omit<PluginRoute, "plugin"> & {readonly control?: false})
  | (Omit<ControlRoute, "plugin"> & {readonly control: true});

export interface PluginContext {
  /** Adds the plugin's name to every line. */
  readonly logger: Logger;
  readonly clock: Clock;
  readonly node: PublicConfig;
  /** Aborts when the plugin is to stop. */
  readonly signal: AbortSignal;
  /** In an operator alone: messages to this plugin on other operators' nodes. Nobody is connected before `start` is over. */
  readonly peers?: PeerMessages;
  /** In an operator alone: a folder of this plugin's own, mode 0700, on the disk that holds the node's durable data. */
  readonly dataDir?: string;
  /** In an operator alone: the keeper's side of key ceremonies. No call of it returns a share. */
  readonly vault?: CeremonyVault;
  /** In an operator alone: the keeper's side of rebuilding lost shares. No call of it returns a share. */
  readonly repair?: ShareRepair;
  /** In an operator alone: this node's Ed25519 signature (64 bytes) of {@link pluginMessage}, so in this plugin's name only. */
  readonly sign?: (message: Uint8Array) => Uint8Array;
  /** In an operator alone: the node asks its committee sources again. Resolves with what could not be used, in words. */
  readonly committeesChanged?: () => Promise<readonly string[]>;
  /** The service of a plugin that this one depends on; it has been started. @throws PLUGIN_SERVICE_MISSING */
  use(plugin: PluginName): object;
}

/** What a plugin may know of the node it runs in; nothing secret. */
export interface PublicConfig {
  readonly role: "operator" | "signer" | "cli";
  /** Name of the network, as configured. */
  readonly network: string;
  readonly preset: "mainnet" | "minimal";
}

/** A chain as far as ceremonies and deposits name it. */
export interface PublicChain {
  readonly name: string;
  /** Null when the configuration does not pin it. */
  readonly genesisValidatorsRoot: RootHex | null;
  /** Null when the configuration has no fork schedule. */
  readonly genesisForkVersion: Bytes4Hex | null;
  /** The epoch at a time in unix seconds; null when the configuration has no genesis time. */
  epochAt(seconds: number): bigint | null;
}

/** What a plugin's container resolves before the plugin registers anything: exactly these. */
export const PLUGIN_TOKENS = {
  /** Logger that adds the plugin's name. */
  logger: "pleiades:logger",
  /** Clock. */
  clock: "pleiades:clock",
  /** PublicConfig. */
  node: "pleiades:node",
} as const;

/** One request as a veto sees it: a copy, so that nothing a veto does to it reaches another veto or the keeper. */
export interface VetoContext {
  readonly key: PubkeyHex;
  readonly type: SignType;
  readonly request: SignRequest;
}

/**
 * Null: no objection. An object with a message: this request is refused with PLUGIN_VETO, whatever others say. A throw,
 * a promise or any other answer refuses too (PLUGIN_VETO_FAILED). Synchronous, because it stands on the path of every duty.
 */
export type Veto = (context: VetoContext) => {readonly message: string} | null;

/** Where committee files come from besides `committees:` in the configuration. The caller verifies each text itself. */
export interface CommitteeSource {
  readonly name: string;
  /** Texts of committee files; asked at start and at each reload; must settle within 10 s. */
  committeeFiles(): Promise<readonly string[]>;
}

/** A command of the CLI, without the CLI's library. */
export interface Command {
  /** One kebab-case word, or several: `dkg`, `dkg join`. The first word belongs to one plugin alone. */
  readonly name: string;
  /** One line for `--help`. */
  readonly describe: string;
  /** By kebab-case name, without dashes in front. `help`, `version`, `config` and `json` are taken. */
  readonly options: Readonly<Record<string, CommandOption>>;
  /** Resolves with the exit code. */
  run(args: CommandArguments, io: CommandIo): Promise<number>;
}
export interface CommandOption {
  readonly type: "string" | "number" | "boolean";
  readonly describe: string;
  readonly required?: boolean;
  readonly default?: string | number | boolean;
  readonly choices?: readonly string[];
}
/** Under the option's name as declared (`dry-run`, not `dryRun`). */
export type CommandArguments = Readonly<Record<string, string | number | boolean | undefined>>;
export interface CommandIo {
  /** One line to standard output: a result. */
  print(line: string): void;
  /** One line to standard error: a remark. */
  note(line: string): void;
  /**
   * Takes the place of the progress before on a terminal, and is a line of its own elsewhere; on standard error.
   * @param details lines below it, on a terminal only
   */
  progress(line: string, details?: readonly string[]): void;
  /** Whether --json was given: results are then one JSON value, for programs. */
  readonly json: boolean;
  /** Asks a person, who must answer "yes"; null when nobody is there to answer. */
  confirm(question: string): Promise<boolean | null>;
  /** The chain of the configuration. @throws the codes of a network that cannot be known */
  chain(): Promise<PublicChain>;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Talks to this plugin's control routes in the running operator of the same configuration. */
  readonly control: ControlClient;
}

/** Every failure has a code: CONTROL_NO_OPERATOR · CONTROL_ANSWER · LINK_ABORTED · the one that the operator answered with. */
export interface ControlClient {
  /** The JSON of the answer of the plugin's route with this path; null when it has none. */
  ask(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown>;
  /** The values of an answer in lines, as they come; ends when the answer does, or quietly when the command is stopped. */
  follow(method: "GET" | "POST", path: string, body?: unknown): AsyncIterable<unknown>;
}
