import type {Argv} from "yargs";
import {loadConfig, type LoadedConfig} from "../../config/load.js";
import {PleiadesError} from "../../../core/errors.js";
import {runUntilStopped, startedByNpm} from "../../lifecycle.js";
import {processLogger} from "../../logging.js";
import {presetOf} from "../../config/network.js";
import {tellParent, type ServiceReady} from "../../service-messages.js";
import {toJsonLine} from "../io.js";
import {configOption, jsonOption, text} from "../options.js";
import {promptPassword} from "../password.js";
import type {CommandContext} from "../run.js";

interface ServiceArgs {
  readonly config: string;
  readonly passwordFile?: string | undefined;
  readonly json: boolean;
}

const SIGNALS =
  "SIGHUP reads the committee files again. SIGTERM and Ctrl-C stop it cleanly; nothing is lost by any other end.";

export const operatorCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "operator",
    "Run an operator: holds one share per validator and signs its part",
    (command) =>
      jsonOption(configOption(command), "print one line of JSON when ready")
        .option("password-file", text("file that opens shares and bundles; overrides operator.passwordFile", "Options:"))
        .example("$0 operator", "with lodestar.config.yaml of this folder")
        .epilogue(SIGNALS),
    async (args) => {
      const {config, passwordFile, json} = args as unknown as ServiceArgs;
      const loaded = await loadFor("operator", config);
      const {startOperator, withPassword} = await import("../../operator.js");
      const password = await withPassword(loaded, {
        file: passwordFile,
        prompt: () => promptPassword("password of this operator's shares"),
      });
      context.exitCode = await serve(loaded, context, json, (logger) => startOperator(loaded, {logger, password}));
    },
  );

export const signerCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "signer",
    "Run the remote signer: the Web3Signer API in front of the committee",
    (command) =>
      jsonOption(configOption(command), "print one line of JSON when ready")
        .example("$0 signer --config signer/lodestar.config.yaml", "then: lodestar validator --externalSigner.url http://127.0.0.1:9000 --externalSigner.fetch")
        .epilogue(SIGNALS),
    async (args) => {
      const {config, json} = args as unknown as ServiceArgs;
      const loaded = await loadFor("signer", config);
      const {startSigner} = await import("../../signer.js");
      context.exitCode = await serve(loaded, context, json, (logger) => startSigner(loaded, {logger}));
    },
  );

async function loadFor(role: "operator" | "signer", file: string): Promise<LoadedConfig> {
  const loaded = await loadConfig(file);
  if (loaded.config[role] === undefined) {
    throw new PleiadesError({code: "CONFIG_ROLE_MISSING", file: loaded.file, section: role});
  }
  // Frozen at the first import of the Lodestar packages, and inherited by the keeper.
  process.env.LODESTAR_PRESET = presetOf(loaded.config.network);
  return loaded;
}

/** What the two services have in common once started. */
export interface Service {
  readonly ready: ServiceReady;
  reload(): Promise<{errors: readonly string[]}>;
  stop(): Promise<void>;
}

async function serve(
  {config}: LoadedConfig,
  {io}: CommandContext,
  json: boolean,
  start: (logger: ReturnType<typeof processLogger>) => Promise<Service>,
): Promise<number> {
  const logger = processLogger(config.logging);
  return runUntilStopped(
    async () => {
      const service = await start(logger);
      const {ready} = service;
      if (json) io.out(toJsonLine({ready: true, ...ready, kind: undefined}));
      else io.out(ready.url === null ? `ready: ${ready.addresses.join(" ")}` : `ready: ${ready.url}`);
      tellParent(ready);
      return {
        stop: () => service.stop(),
        reload: async () => {
          const {errors} = await service.reload();
          logger[errors.length === 0 ? "info" : "warn"]("reloaded committee files", {errors});
        },
      };
    },
    {logger, watchParent: startedByNpm() && process.send === undefined},
  );
}
