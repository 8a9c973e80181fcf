import {resolve} from "node:path";
import type {Argv} from "yargs";
import {systemClock} from "../../../adapters/clock/system.js";
import {type PubkeyHex, parsePubkeyHex} from "../../../core/bytes.js";
import {PleiadesError} from "../../../core/errors.js";
import {loadConfig} from "../../config/load.js";
import {resolveNetwork} from "../../config/network.js";
import {readText, writeNew} from "../../files.js";
import {type Io, toJsonLine} from "../io.js";
import {configOption, jsonOption, text, usage} from "../options.js";
import {plural} from "../plural.js";
import type {CommandContext} from "../run.js";

const GROUP = "Options:";

export const slashingProtectionCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command("slashing-protection", "Move records of what was signed in and out (EIP-3076)", (group) =>
    group
      .command(
        "import",
        "Raise this operator's records by another client's file",
        (command) =>
          jsonOption(configOption(command))
            .option("file", {...text("EIP-3076 file to import", GROUP), demandOption: true})
            .example("$0 slashing-protection import --file protection.json", "stop the operator first")
            .epilogue(
              "Records are only ever raised. Epochs beyond the clock's next are refused. It is all or nothing: after an error nothing has changed.",
            ),
        async (args) => {
          await importRecords(args as unknown as ImportArgs, context.io);
        },
      )
      .command(
        "export",
        "Write this operator's records, and stop signing with those keys here for good",
        (command) =>
          jsonOption(configOption(command))
            .option("out", {...text("new file to write", GROUP), demandOption: true})
            .option("key", {
              type: "string",
              array: true,
              requiresArg: true,
              describe: "group public key to export; may be repeated",
              group: GROUP,
            })
            .option("all", {type: "boolean", default: false, describe: "export every key", group: GROUP})
            .example("$0 slashing-protection export --all --out protection.json", "this operator retires")
            .epilogue(
              "The keys are disabled, durably, before the file is written: what is signed later elsewhere cannot conflict with what this operator signs, for it signs nothing any more.",
            ),
        async (args) => {
          await exportRecords(args as unknown as ExportArgs, context.io);
        },
      )
      .demandCommand(1, "Say what to do with the records: import or export."),
  );

interface ImportArgs {
  readonly config: string;
  readonly file: string;
  readonly json: boolean;
}
interface ExportArgs {
  readonly config: string;
  readonly out: string;
  readonly key?: readonly string[] | undefined;
  readonly all: boolean;
  readonly json: boolean;
}
