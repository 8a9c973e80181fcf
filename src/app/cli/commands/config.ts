import {stat} from "node:fs/promises";
import {dirname} from "node:path";
import type {Argv} from "yargs";
import {systemClock} from "../../../adapters/clock/system.js";
import {readIdentity} from "../../../adapters/libp2p/identity.js";
import {PleiadesError} from "../../../core/errors.js";
import {ceremonySources} from "../../ceremony-committees.js";
import {committeesOfOperator, loadCommittees, requireCoordinator} from "../../committee-files.js";
import {loadConfig} from "../../config/load.js";
import {presetOf, resolveNetwork} from "../../config/network.js";
import type {Config} from "../../config/schema.js";
import {listenerOptions, listenerWarning} from "../../listener.js";
import {processLogger} from "../../logging.js";
import {withAddresses} from "../../moved-operators.js";
import {participantContext, requireParticipantTls} from "../../participants/context.js";
import {loadPluginHost} from "../../plugins.js";
import type {CommandContext} from "../context.js";
import {formatError} from "../errors.js";
import {toJsonLine} from "../io.js";
import {configOption, jsonOption} from "../options.js";
import {readPasswordFile} from "../password.js";
import {plural} from "../plural.js";
import {tolerancesLine} from "../tolerances.js";

export const configCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command("config", "Look at the configuration", (group) =>
    group
      .command(
        "check",
        "Check lodestar.config.yaml and every file it names, without starting anything",
        (command) =>
          jsonOption(configOption(command)).example("$0 config check", "prints what is wrong, with file and line"),
        async (args) => {
          await check(args as unknown as {config: string; json: boolean}, context);
        },
      )
      .demandCommand(1, "Name what to do with the configuration: check."),
  );

/** Everything is looked at before the verdict, so that one run shows every mistake. */
async function check({config: path, json}: {config: string; json: boolean}, context: CommandContext): Promise<void> {
  const {io} = context;
  const {file, config} = await loadConfig(path);
  process.env.LODESTAR_PRESET = presetOf(config.network);
  const errors: unknown[] = [];
  const attempt = async <T>(task: () => Promise<T>): Promise<T | null> => {
    try {
      return await task();
    } catch (error) {
      errors.push(error);
      return null;
    }
  };

  const network = await attempt(() => resolveNetwork(config.network));
  const identity = await attempt(() => readIdentity(config.node.keyFile));
  const plugins = await attempt(() =>
    loadPluginHost(config, {
      logger: processLogger(config.logging),
      clock: systemClock,
      baseDir: dirname(file),
      node: {role: "cli", network: config.network.name, preset: presetOf(config.network)},
    }),
  );
  const {committees, errors: refused} = await loadCommittees(
    // Sources of other plugins work only in a program that has started them.
    {files: config.committees, sources: ceremonySources(config)},
    {genesisValidatorsRoot: network?.genesisValidatorsRoot ?? null},
  );
  errors.push(...refused);
  if (identity !== null && refused.length === 0) {
    if (config.operator !== undefined && config.signer === undefined) {
      await attempt(async () => committeesOfOperator(committees, identity.peerId));
    }
    if (config.signer !== undefined) await attempt(async () => requireCoordinator(committees, identity.peerId));
  }
  if (config.signer !== undefined) {
    const {participants, operatorAddresses} = config.signer;
    await attempt(async () => requireParticipantTls(withAddresses(committees, operatorAddresses), participants));
    await attempt(async () => participantContext(participants, {now: systemClock.now()}));
  }
  const listeners = listenersOf(config);
  for (const {section} of listeners) await attempt(async () => listenerOptions(section, {now: systemClock.now()}));
  const warnings = listeners.flatMap(({name, section}) => {
    const warning = listenerWarning(section);
    return warning === null ? [] : [`${name} can be reached from other machines: ${warning}`];
  });
  for (const bundle of config.operator?.bundles ?? []) await attempt(() => mustExist(bundle));
  const passwordFile = config.operator?.passwordFile ?? null;
  // What is in it stays here.
  if (passwordFile !== null) await attempt(async () => void readPasswordFile(passwordFile));

  const summary = {
    file,
    network: network?.name ?? null,
    peerId: identity?.peerId ?? null,
    roles: (["operator", "signer"] as const).filter((role) => config[role] !== undefined),
    committees: committees.map(({operators, threshold, validators}) => ({
      operators: operators.length,
      threshold,
      keys: validators.length,
    })),
    plugins: plugins?.names ?? [],
  };
  if (json) {
    const problems = errors.map((error) =>
      error instanceof PleiadesError ? error.toJSON() : {message: String(error)},
    );
    io.out(toJsonLine({ok: errors.length === 0, ...summary, warnings, problems}));
  } else {
    io.out(
      `network ${summary.network ?? "?"}, peer id ${summary.peerId ?? "?"}, runs ${summary.roles.join(" and ") || "nothing"}`,
    );
    for (const {operators, threshold, keys} of summary.committees) {
      io.out(`${plural(keys, "key")}: ${tolerancesLine({n: operators, t: threshold})}`);
    }
    if (summary.plugins.length > 0) io.out(`plugins: ${summary.plugins.join(", ")}`);
    for (const warning of warnings) io.out(`warning: ${warning}`);
    io.out(errors.length === 0 ? "the configuration is good" : `${plural(errors.length, "problem")}:`);
  }
  for (const error of errors) io.err(formatError(error));
  if (errors.length > 0) context.exitCode = 1;
}

/** The HTTP listeners this configuration opens. */
function listenersOf({signer, operator}: Config): {name: string; section: Parameters<typeof listenerOptions>[0]}[] {
  return [
    ...(signer === undefined ? [] : [{name: "signer", section: signer}]),
    ...(operator?.http.enabled === true ? [{name: "operator.http", section: operator.http}] : []),
    ...(operator?.distributed.enabled === true
      ? [{name: "operator.distributed", section: {...operator.distributed, tokenFile: null}}]
      : []),
  ];
}

async function mustExist(file: string): Promise<void> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile() !== true) throw new PleiadesError({code: "CONFIG_COMMITTEE_FILE", file, reason: "not there"});
}
