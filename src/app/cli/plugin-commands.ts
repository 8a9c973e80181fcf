import {dirname} from "node:path";
import type {Argv} from "yargs";
import {systemClock} from "../../adapters/clock/system.js";
import {currentEpoch, type Network} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import type {CommandArguments, CommandOption, PublicChain} from "../../plugin/contract.js";
import type {HostedCommand} from "../../plugin/host.js";
import {loadConfig} from "../config/load.js";
import {presetOf, resolveNetwork} from "../config/network.js";
import type {Config} from "../config/schema.js";
import {processLogger} from "../logging.js";
import {loadPluginHost} from "../plugins.js";
import {BUILT_IN} from "./built-in.js";
import {confirmOnTerminal} from "./confirm.js";
import type {CommandContext} from "./context.js";
import {controlClient} from "./control-client.js";
import {text} from "./options.js";

/**
 * Adds the commands of the plugins in the configuration, unless the command line asks for a built-in one. The
 * configuration is the one of --config, else lodestar.config.yaml here; without one there are no plugins. Errors of a
 * configuration that nobody named are left to the commands that need it.
 */
export async function addPluginCommands(cli: Argv, args: readonly string[], context: CommandContext): Promise<void> {
  if (BUILT_IN.includes(args[0] ?? "")) return;
  const named = configArgument(args);
  const loaded = await loadConfig(named ?? "lodestar.config.yaml").catch((error: unknown) => {
    if (named === null) return null;
    throw error;
  });
  const config = loaded?.config ?? null;
  const plugins = {...ALWAYS, ...config?.plugins};
  const host = await loadPluginHost(
    {plugins},
    {
      logger: processLogger(config?.logging ?? {level: "warn", format: "text"}),
      clock: systemClock,
      baseDir: loaded === null ? process.cwd() : dirname(loaded.file),
      node: {role: "cli", ...nodeOf(config)},
    },
  );
  const root: Branch = {children: new Map()};
  for (const command of host.commands) {
    let branch = root;
    for (const word of command.name.split(" ")) {
      const next: Branch = branch.children.get(word) ?? {children: new Map()};
      branch.children.set(word, next);
      branch = next;
      // The first word belongs to one plugin alone.
      branch.summary ??= command.summary;
    }
    branch.command = command;
  }
  addBranches(cli, root, {context, config});
}

/** Built-in plugins whose commands are of use without a configuration, too: whoever wants to can verify a ceremony. */
const ALWAYS: Config["plugins"] = {dkg: {config: {}}};

const nodeOf = (config: Config | null) =>
  config === null
    ? {network: "unknown", preset: "mainnet" as const}
    : {network: config.network.name, preset: presetOf(config.network)};

/** `dkg` and `dkg join` are a command and a command below it. */
interface Branch {
  readonly children: Map<string, Branch>;
  command?: HostedCommand;
  /** What several commands below it are for. */
  summary?: string | null;
}

interface Surroundings {
  readonly context: CommandContext;
  /** Null where there is none. */
  readonly config: Config | null;
}

function addBranches(cli: Argv, {children}: Branch, surroundings: Surroundings): void {
  for (const [word, branch] of children) {
    const {command, summary} = branch;
    const below = [...branch.children.keys()];
    const group = [...(summary ? [summary] : []), below.join(", ")].join(": ");
    const describe = command === undefined ? group : `${command.describe} (plugin ${command.plugin})`;
    cli.command(
      word,
      describe,
      (builder) => {
        addBranches(builder, branch, surroundings);
        if (command === undefined) return builder.demandCommand(1, `Name one of: ${below.join(", ")}.`);
        builder.option("config", text("the configuration file", "Options:"));
        builder.option("json", {type: "boolean", describe: "print JSON", group: "Options:"});
        for (const [name, option] of Object.entries(command.options)) builder.option(name, yargsOption(option));
        return builder;
      },
      command === undefined ? () => {} : (args) => runCommand(command, args, surroundings),
    );
  }
}

function configArgument(args: readonly string[]): string | null {
  const at = args.indexOf("--config");
  if (at !== -1) return args[at + 1] ?? null;
  return args.find((arg) => arg.startsWith("--config="))?.slice("--config=".length) ?? null;
}

async function runCommand(
  command: HostedCommand,
  args: {readonly [name: string]: unknown},
  {context, config}: Surroundings,
): Promise<void> {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const declared = Object.keys(command.options).map((name) => [name, args[name]]);
    const given = Object.fromEntries(declared) as CommandArguments;
    const {signal} = abort;
    const control = config === null ? {} : {control: controlClient(command.plugin, {dataDir: config.dataDir, signal})};
    context.exitCode = await command.run(given, {
      print: (line) => context.io.out(line),
      note: (line) => context.io.err(line),
      progress: (line, details) => context.io.progress(line, details),
      json: args.json === true,
      confirm: (question) => confirmOnTerminal(question, signal),
      chain: async () => {
        if (config !== null) return publicChain(await resolveNetwork(config.network));
        throw new PleiadesError({code: "CLI_FILE", file: "lodestar.config.yaml", reason: "there is none here"});
      },
      signal,
      ...control,
    });
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function publicChain(network: Network): PublicChain {
  const {name, genesisValidatorsRoot, forks} = network;
  return {
    name,
    genesisValidatorsRoot,
    genesisForkVersion: forks?.[0]?.version ?? null,
    epochAt: (seconds) => currentEpoch(network, seconds * 1000),
  };
}

const yargsOption = ({type, describe, required = false, default: fallback, choices}: CommandOption) => ({
  type,
  describe,
  demandOption: required,
  ...(fallback === undefined ? {} : {default: fallback}),
  ...(choices === undefined ? {} : {choices}),
});
