import yargs, {type Argv} from "yargs";
import {PleiadesError} from "../../core/errors.js";
import {packageVersion} from "../version.js";
import {configCommand} from "./commands/config.js";
import {coordinatorsCommand} from "./commands/coordinators.js";
import {credentialChangeCommand} from "./commands/credential-change.js";
import {doctorCommand} from "./commands/doctor.js";
import {escrowCommand} from "./commands/escrow.js";
import {exitCommand} from "./commands/exit.js";
import {initCommand} from "./commands/init.js";
import {localCommand} from "./commands/local.js";
import {participantsCommand} from "./commands/participants.js";
import {operatorCommand, signerCommand} from "./commands/services.js";
import {shareCommand} from "./commands/share.js";
import {slashingProtectionCommand} from "./commands/slashing-protection.js";
import {splitCommand} from "./commands/split.js";
import {validatorCommand} from "./commands/validator.js";
import type {CommandContext} from "./context.js";
import {EXIT, exitCodeOf, formatError} from "./errors.js";
import {type Io, processIo} from "./io.js";
import {addPluginCommands} from "./plugin-commands.js";

const COMMANDS: readonly ((cli: Argv, context: CommandContext) => Argv)[] = [
  initCommand,
  operatorCommand,
  signerCommand,
  validatorCommand,
  splitCommand,
  coordinatorsCommand,
  slashingProtectionCommand,
  configCommand,
  doctorCommand,
  localCommand,
  participantsCommand,
  shareCommand,
  exitCommand,
  escrowCommand,
  credentialChangeCommand,
];

/**
 * Runs one command line and returns its exit code: 0 done, 1 failed (a code and what to do are on standard error), 2
 * wrong usage, 130 ended by Ctrl-C. Never throws.
 */
export async function runCli(args: readonly string[], io: Io = processIo()): Promise<number> {
  const context: CommandContext = {io, exitCode: EXIT.ok};
  try {
    const cli = COMMANDS.reduce((argv, add) => add(argv, context), baseCli(args));
    if (args.length === 0) {
      io.err(await cli.getHelp());
      return EXIT.usage;
    }
    await addPluginCommands(cli, args, context);
    await cli.parseAsync();
    return context.exitCode;
  } catch (error) {
    const text = formatError(error);
    io.err(text);
    // A parent of ours wants to say why its child ended.
    if (process.connected) process.send?.({kind: "failed", text});
    return exitCodeOf(error);
  }
}

const EPILOGUE = `A committee of n operators signs for one validator key; any t of them are enough, and no machine holds the key.
  n  t  operators that may be absent  liars that safety survives
  4  3              1                             1
  7  5              2                             2
 10  7              3                             3
 13  9              4                             4

Exit codes: 0 done · 1 failed, "CODE: meaning" and what to do on standard error (docs/reasons.md) · 2 wrong usage · 130 Ctrl-C.
From a checkout: npm run -s pleiades -- <command> [options]`;

function baseCli(args: readonly string[]): Argv {
  return yargs([...args])
    .scriptName("pleiades")
    .usage("$0 <command> [options]\n\nA remote signer for Ethereum validators that is a committee.")
    .parserConfiguration({"greedy-arrays": false, "parse-positional-numbers": false})
    .demandCommand(1, "Name a command.")
    .strict()
    .recommendCommands()
    .version(packageVersion())
    .help()
    .alias("h", "help")
    .epilogue(EPILOGUE)
    .wrap(Math.min(process.stdout.columns ?? 110, 120))
    .exitProcess(false)
    .fail((message, error) => {
      // What an option's own check throws arrives as an error of yargs' own kind, with only the text left.
      if (error !== undefined && error.name !== "YError") throw error;
      throw new PleiadesError({code: "CLI_USAGE", reason: /\(reason: (.*)\)$/.exec(message)?.[1] ?? message});
    });
}
