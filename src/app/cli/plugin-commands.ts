import {dirname} from "node:path";
import type {Argv} from "yargs";
import {systemClock} from "../../adapters/clock/system.js";
import type {CommandArguments, CommandOption} from "../../plugin/contract.js";
import type {HostedCommand} from "../../plugin/host.js";
import {loadConfig} from "../config/load.js";
import {presetOf} from "../config/network.js";
import {processLogger} from "../logging.js";
import {loadPluginHost} from "../plugins.js";
import {BUILT_IN} from "./built-in.js";
import {text} from "./options.js";
import type {CommandContext} from "./run.js";

/**
 * Adds the commands of the plugins in the configuration, when the command line asks for one that is not built in. The
 * configuration is the one of --config, else lodestar.config.yaml here; without one there are no plugins.
 */
export async function addPluginCommands(cli: Argv, args: readonly string[], context: CommandContext): Promise<void> {
  const words = args.filter((arg) => !arg.startsWith("-"));
  const file = configArgument(args);
  const wanted = words.some((word) => word !== file) && !words.some((word) => BUILT_IN.includes(word));
  if (!wanted && file === null) return;
  if (words.some((word) => BUILT_IN.includes(word))) return;
  const loaded = await loadConfig(file ?? "lodestar.config.yaml").catch((error: unknown) => {
    if (file === null) return null;
    throw error;
  });
  if (loaded === null) return;
  const {config} = loaded;
  const host = await loadPluginHost(config, {
    logger: processLogger(config.logging),
    clock: systemClock,
    baseDir: dirname(loaded.file),
    node: {role: "cli", network: config.network.name, preset: presetOf(config.network)},
  });
  for (const command of host.commands) addCommand(cli, command, context);
}

function configArgument(args: readonly string[]): string | null {
  const at = args.indexOf("--config");
  if (at !== -1) return args[at + 1] ?? null;
  return args.find((arg) => arg.startsWith("--config="))?.slice("--config=".length) ?? null;
}

function addCommand(cli: Argv, command: HostedCommand, context: CommandContext): void {
  cli.command(
    command.name,
    `${command.describe} (plugin ${command.plugin})`,
    (builder) => {
      builder.option("config", text("the configuration file", "Options:"));
      builder.option("json", {type: "boolean", describe: "passed to the plugin", group: "Options:"});
      for (const [name, option] of Object.entries(command.options)) builder.option(name, yargsOption(option));
      return builder;
    },
    async (args) => {
      const abort = new AbortController();
      const stop = (): void => abort.abort();
      process.once("SIGINT", stop).once("SIGTERM", stop);
      try {
        const declared = Object.keys(command.options).map((name) => [name, args[name]]);
        const given = Object.fromEntries(declared) as CommandArguments;
        context.exitCode = await command.run(given, {print: (line) => context.io.out(line), signal: abort.signal});
      } finally {
        process.off("SIGINT", stop).off("SIGTERM", stop);
      }
    },
  );
}

const yargsOption = ({type, describe, required = false, default: fallback, choices}: CommandOption) => ({
  type,
  describe,
  demandOption: required,
  ...(fallback === undefined ? {} : {default: fallback}),
  ...(choices === undefined ? {} : {choices}),
});
