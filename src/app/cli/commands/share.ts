import type {Argv} from "yargs";
import type {KeystoreKdf} from "../../../keeper/share-keystore.js";
import type {CommandContext} from "../context.js";
import {toJsonLine} from "../io.js";
import {configOption, jsonOption, text, whole} from "../options.js";
import {promptPassword, readPasswordFile} from "../password.js";
import {plural} from "../plural.js";
import type {RepairArgs} from "./share-repair.js";

const GROUP = "Options:";
const keys = {
  type: "string",
  array: true,
  requiresArg: true,
  describe: "group public key; may be repeated; default all",
  group: GROUP,
} as const;
const storePassword = text(
  "file (or credential:name) that opens this operator's store; overrides operator.passwordFile",
  GROUP,
);
const keystorePassword = text("file (or credential:name) with the password of the keystores", GROUP);

interface CommonArgs {
  readonly config: string;
  readonly passwordFile?: string | undefined;
  readonly storePasswordFile?: string | undefined;
  readonly json: boolean;
}

export const shareCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "share",
    "Keep this operator's shares from getting lost, and get lost ones back: backup, restore, repair",
    (group) =>
      group
        .command(
          "backup",
          "Write this operator's shares as keystores (EIP-2335), with the committee files they belong to",
          (command) =>
            jsonOption(configOption(command))
              .option("out", {...text("folder for the files; nothing in it is overwritten", GROUP), demandOption: true})
              .option("key", keys)
              .option("kdf", {
                choices: ["scrypt", "pbkdf2"] as const,
                default: "scrypt" as const,
                describe: "how the keystores' password is stretched",
                group: GROUP,
              })
              .option("password-file", keystorePassword)
              .option("store-password-file", storePassword)
              .example("$0 share backup --out backup-2026-11", "the operator may go on running")
              .epilogue(
                "A backup is as good as the share in it: whoever has the backups of a threshold of operators and their passwords has the key. Destroy a backup once its key's shares were renewed by a refresh or a reshare.",
              ),
          async (args) => {
            await backup(args as unknown as BackupArgs, context);
          },
        )
        .command(
          "restore",
          "Put the shares of a backup into this operator's store; their records start at the floor",
          (command) =>
            jsonOption(configOption(command))
              .option("from", {...text("folder that `share backup` wrote", GROUP), demandOption: true})
              .option("key", keys)
              .option("password-file", keystorePassword)
              .option("store-password-file", storePassword)
              .example("$0 share restore --from backup-2026-11", "before the operator starts, or then a SIGHUP")
              .epilogue(
                "It is all or nothing, and can be repeated. The operator signs no attestation before the epoch after next and no block before that: nobody knows any more what its share has signed. Never restore while the share is still in use on another machine.",
              ),
          async (args) => {
            await restore(args as unknown as RestoreArgs, context);
          },
        )
        .command(
          "repair",
          "Have lost shares of this operator rebuilt by a threshold of the others; or consent to help another operator so",
          (command) =>
            jsonOption(configOption(command))
              .option("key", keys)
              .option(
                "help-operator",
                text("instead: help the operator with this peer id, which lost its shares", GROUP),
              )
              .option("minutes", {...whole("with --help-operator: how long; 0 ends it", GROUP), default: 60})
              .option("yes", {type: "boolean", default: false, describe: "do not ask for confirmation", group: GROUP})
              .example("$0 share repair --help-operator 12D3KooW…", "on at least a threshold of the other operators")
              .example("$0 share repair", "on the one that lost its shares")
              .epilogue(
                "Both need a running operator with the plugin `share` in its configuration. Nobody learns another share or the key, and only the node that the committee file names gets the share. Confirm the loss with its owner in person before you help: a share given back to whoever stole a node key is one share more for the thief.",
              ),
          async (args) => {
            const {repairOrHelp} = await import("./share-repair.js");
            await repairOrHelp(args as unknown as RepairArgs, context);
          },
        )
        .demandCommand(1, "Say what to do with the shares: backup, restore or repair."),
  );

interface BackupArgs extends CommonArgs {
  readonly out: string;
  readonly key?: readonly string[] | undefined;
  readonly kdf: KeystoreKdf;
}

async function backup(args: BackupArgs, {io}: CommandContext): Promise<void> {
  const {backUpShares} = await import("../../share/backup.js");
  const {files, committeeFiles, keys, skipped} = await backUpShares({
    config: args.config,
    out: args.out,
    keys: args.key,
    kdf: args.kdf,
    storePassword: () => storePasswordOf(args),
    newPassword: () => newPassword(args.passwordFile),
    progress: (done, all) => io.progress(`encrypted ${done} of ${plural(all, "share")}`),
  });
  if (args.json) return io.out(toJsonLine({keys, files, committeeFiles, skipped}));
  for (const key of skipped) io.err(`left out ${key}: no committee file at hand says what its share is`);
  for (const file of committeeFiles) io.out(`wrote ${file}: the committee, nothing secret`);
  for (const file of files) io.out(`wrote ${file}`);
  io.err(
    `${plural(files.length, "share")} backed up. Keep the folder offline and the password elsewhere. After a refresh or a reshare of these keys make a new backup and destroy this one: old shares of a threshold of operators rebuild the key for ever.`,
  );
}

interface RestoreArgs extends CommonArgs {
  readonly from: string;
  readonly key?: readonly string[] | undefined;
}

async function restore(args: RestoreArgs, {io}: CommandContext): Promise<void> {
  const {restoreShares} = await import("../../share/restore.js");
  const {restored, held, floorEpoch, unconfigured} = await restoreShares({
    config: args.config,
    from: args.from,
    keys: args.key,
    storePassword: () => storePasswordOf(args),
    password: () => passwordOf(args.passwordFile, "password of the backup's keystores"),
    progress: (done, all) => io.progress(`opened ${done} of ${plural(all, "share")}`),
  });
  if (args.json) return io.out(toJsonLine({restored, held, floorEpoch, unconfigured}));
  io.out(`restored ${plural(restored.length, "share")}; ${held.length} were held already and stay as they are`);
  if (restored.length > 0) {
    io.err(`no attestation up to epoch ${floorEpoch} and no block up to its last slot will be signed with them`);
  }
  for (const file of unconfigured) {
    io.err(`add ${file} to committees: in the configuration: no configured committee file covers these shares`);
  }
  if (restored.length > 0) io.err("start the operator, or send SIGHUP to the running one");
}

async function storePasswordOf({config, storePasswordFile: file}: CommonArgs): Promise<string> {
  if (file !== undefined) return readPasswordFile(file);
  const {configuredPassword} = await import("../../share/store.js");
  return configuredPassword(config, () => promptPassword("password of this operator's shares"));
}

function passwordOf(file: string | undefined, question: string): Promise<string> | string {
  return file === undefined ? promptPassword(question) : readPasswordFile(file);
}

async function newPassword(file: string | undefined): Promise<string> {
  if (file !== undefined) return readPasswordFile(file);
  const {PleiadesError} = await import("../../../core/errors.js");
  const first = await promptPassword("password for the backup's keystores");
  if ((await promptPassword("the same again")) === first) return first;
  throw new PleiadesError({code: "CLI_USAGE", reason: "the two passwords differ"});
}
