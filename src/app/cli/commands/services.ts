import type {Argv} from "yargs";
import {PleiadesError} from "../../../core/errors.js";
import type {Logger} from "../../../ports/logger.js";
import type {RunningService} from "../../compose/base.js";
import {type LoadedConfig, loadConfig} from "../../config/load.js";
import {presetOf} from "../../config/network.js";
import type {OperatorConfig, SignerConfig} from "../../config/schema.js";
import {secretFile, secretPath} from "../../credentials.js";
import {type Running, runUntilStopped, startedByNpm} from "../../lifecycle.js";
import {processLogger} from "../../logging.js";
import {type ServiceReady, tellParent} from "../../service-messages.js";
import type {CommandContext} from "../context.js";
import {toJsonLine} from "../io.js";
import {configOption, jsonOption, text} from "../options.js";
import {promptPassword} from "../password.js";
import {tolerancesLine} from "../tolerances.js";

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
        .option(
          "password-file",
          text("file (or credential:name) that opens shares and bundles; overrides operator.passwordFile", "Options:"),
        )
        .example("$0 operator", "with lodestar.config.yaml of this folder")
        .epilogue(SIGNALS),
    async (args) => {
      const {config, passwordFile, json} = args as unknown as ServiceArgs;
      const loaded = await loadFor("operator", config);
      const operator = loaded.config.operator as OperatorConfig;
      const file = passwordFile === undefined ? operator.passwordFile : secretPath(passwordFile, ".");
      const password =
        file === null ? {value: await promptPassword("password of this operator's shares")} : secretFile(file);
      const {composeOperator} = await import("../../compose/operator.js");
      context.exitCode = await serve(loaded, context, json, async (logger) => {
        const running = await composeOperator(loaded, {config: operator, logger, password});
        const {peerId, addresses, url} = running;
        const distributedUrl = running.distributedUrl ?? undefined;
        return {...running, ready: {kind: "ready", pid: process.pid, peerId, url, distributedUrl, addresses}};
      });
    },
  );

export const signerCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "signer",
    "Run the remote signer: the Web3Signer API in front of the committee",
    (command) =>
      jsonOption(configOption(command), "print one line of JSON when ready")
        .example(
          "$0 signer --config signer/lodestar.config.yaml",
          "then: lodestar validator --externalSigner.url http://127.0.0.1:9000 --externalSigner.fetch",
        )
        .epilogue(SIGNALS),
    async (args) => {
      const {config, json} = args as unknown as ServiceArgs;
      const loaded = await loadFor("signer", config);
      const signer = loaded.config.signer as SignerConfig;
      const {composeSigner} = await import("../../compose/signer.js");
      context.exitCode = await serve(loaded, context, json, async (logger) => {
        const running = await composeSigner(loaded, {config: signer, logger});
        const {peerId, url} = running;
        return {...running, ready: {kind: "ready", pid: process.pid, peerId, url, addresses: []}};
      });
    },
  );

export async function loadFor(role: "operator" | "signer", file: string): Promise<LoadedConfig> {
  const loaded = await loadConfig(file);
  if (loaded.config[role] === undefined) {
    throw new PleiadesError({code: "CONFIG_ROLE_MISSING", file: loaded.file, section: role});
  }
  // Frozen at the first import of the Lodestar packages, and inherited by the keeper.
  process.env.LODESTAR_PRESET = presetOf(loaded.config.network);
  return loaded;
}

/** A service that runs, and what it says when ready. */
type Service = RunningService & Pick<Running, "failed"> & {readonly ready: ServiceReady};

export async function serve(
  {config}: LoadedConfig,
  {io}: CommandContext,
  json: boolean,
  start: (logger: Logger) => Promise<Service>,
): Promise<number> {
  const logger = processLogger(config.logging);
  return runUntilStopped(
    async () => {
      const service = await start(logger);
      tell(service, logger);
      const {ready} = service;
      if (json) io.out(toJsonLine({ready: true, ...ready, kind: undefined}));
      else {
        const served = [...ready.addresses, ready.url, ready.distributedUrl].filter((address) => address != null);
        io.out(`ready: ${served.join(" ")}`);
      }
      tellParent(ready);
      return {
        ...(service.failed === undefined ? {} : {failed: service.failed}),
        stop: () => service.stop(),
        reload: async () => {
          const {errors} = await service.reload();
          logger[errors.length === 0 ? "info" : "warn"]("reloaded committee files", {errors});
          tell(service, logger);
        },
      };
    },
    {logger, watchParent: startedByNpm() && process.send === undefined},
  );
}

/** What each committee promises. */
function tell({committees, ready}: Service, logger: Logger): void {
  const {peerId} = ready;
  if (committees().length === 0) logger.warn("there are no committees: nothing can be signed", {peerId});
  for (const {operators, threshold, validators, generation} of committees()) {
    const n = operators.length;
    logger.info(tolerancesLine({n, t: threshold}), {peerId, n, threshold, keys: validators.length, generation});
  }
}
