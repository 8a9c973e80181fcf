import {resolve} from "node:path";
import type {Argv} from "yargs";
import {systemClock} from "../../../adapters/clock/system.js";
import {readIdentity} from "../../../adapters/libp2p/identity.js";
import {LmdbSlashingStore} from "../../../adapters/slashing-store/lmdb.js";
import {LmdbEnvironment} from "../../../adapters/slashing-store/lmdb-environment.js";
import {parsePubkeyHex} from "../../../core/bytes.js";
import {currentEpoch, startSlot} from "../../../core/duty/network.js";
import {PleiadesError} from "../../../core/errors.js";
import {exportInterchange, importInterchange} from "../../../keeper/protection.js";
import {storePath} from "../../../keeper/start.js";
import {type LoadedConfig, loadConfig} from "../../config/load.js";
import {resolveNetwork} from "../../config/network.js";
import {exists, readText, writeNew} from "../../files.js";
import type {CommandContext} from "../context.js";
import {type Io, toJsonLine} from "../io.js";
import {configOption, jsonOption, text, usage} from "../options.js";
import {plural} from "../plural.js";
import {type MergeArgs, mergeRecords} from "./merge-records.js";

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
            .example("$0 slashing-protection import --file protection.json", "the operator may go on running")
            .epilogue(
              "Records are only ever raised. Epochs beyond the clock's next are refused. It is all or nothing: after an error nothing has changed.",
            ),
        async (args) => {
          await importRecords(args as unknown as ImportArgs, context.io);
        },
      )
      .command(
        "export [files..]",
        "Write this operator's records, and stop signing with those keys here for good; or merge several operators' exports",
        (command) =>
          jsonOption(configOption(command))
            .positional("files", {
              type: "string",
              array: true,
              describe: "with --merge: exports of t operators or more",
            })
            .option("out", {...text("new file to write", GROUP), demandOption: true})
            .option("key", {
              type: "string",
              array: true,
              requiresArg: true,
              describe: "group public key to export; may be repeated",
              group: GROUP,
            })
            .option("all", {type: "boolean", default: false, describe: "export every key", group: GROUP})
            .option("merge", {
              type: "boolean",
              default: false,
              describe: "write the highest records of several operators' exports instead",
              group: GROUP,
            })
            .option("committee", {
              type: "string",
              array: true,
              requiresArg: true,
              describe: "with --merge: committee file of the keys; may be repeated",
              group: GROUP,
            })
            .example("$0 slashing-protection export --all --out protection.json", "this operator retires")
            .example(
              "$0 slashing-protection export --merge op1.json op2.json op4.json --committee committee.json --out protection.json",
              "the validator moves to another client",
            )
            .epilogue(
              "The keys are disabled, durably, before the file is written: what is signed later elsewhere cannot conflict with what this operator signs, for it signs nothing any more. A merge takes the exports of t operators: one operator's record may lack a signature that the others completed.",
            ),
        async (args) => {
          await exportOrMerge(args as unknown as ExportArgs & Partial<MergeArgs>, context.io);
        },
      )
      .demandCommand(1, "Say what to do with the records: import or export."),
  );

interface ImportArgs {
  readonly config: string;
  readonly file: string;
  readonly json: boolean;
}

async function importRecords({config: path, file, json}: ImportArgs, io: Io): Promise<void> {
  const {config} = await operatorConfig(path);
  const network = await resolveNetwork(config.network);
  const now = currentEpoch(network, systemClock.now());
  const {genesisValidatorsRoot} = network;
  if (now === null || genesisValidatorsRoot === null) {
    throw new PleiadesError({code: "CLI_PROTECTION", reason: "the chain's clock and root are not pinned"});
  }
  const interchange = await readText(file);
  const report = await withStore(config.dataDir, (store) =>
    importInterchange(store, interchange, {
      genesisValidatorsRoot,
      bound: {epoch: now + 1n, slot: startSlot(network.preset, now + 2n) - 1n},
    }),
  );
  if (json) {
    io.out(toJsonLine(report));
    return;
  }
  io.out(`raised ${plural(report.raised.length, "record")}, ${report.unchanged.length} were as high already`);
  if (report.skipped.length > 0) {
    io.out(`skipped ${plural(report.skipped.length, "key")} this operator holds no share of`);
  }
}

interface ExportArgs {
  readonly merge: boolean;
  readonly config: string;
  readonly out: string;
  readonly key?: readonly string[] | undefined;
  readonly all: boolean;
  readonly json: boolean;
}

async function exportOrMerge(args: ExportArgs & Partial<MergeArgs>, io: Io): Promise<void> {
  const {merge, files = [], committee = [], out, json} = args;
  if (!merge) {
    if (files.length > 0 || committee.length > 0) throw usage("files and --committee belong to --merge");
    return exportRecords(args, io);
  }
  if (args.all || args.key !== undefined)
    throw usage("--merge takes every key of the files; leave --all and --key away");
  if (files.length === 0) throw usage("name the exports to merge: --merge op1.json op2.json op3.json");
  if (committee.length === 0) throw usage("--merge needs --committee: the file says how many operators it takes");
  return mergeRecords({files, committee, out, json}, io);
}

async function exportRecords(args: ExportArgs, io: Io): Promise<void> {
  if (args.all === (args.key !== undefined)) throw usage("name the keys by --key, or say --all");
  const keys = args.all ? ("all" as const) : (args.key ?? []).map((raw) => parsePubkeyHex(raw, "--key"));
  const out = resolve(args.out);
  if (await exists(out)) throw new PleiadesError({code: "CONFIG_EXISTS", file: out});
  const {config} = await operatorConfig(args.config);
  // Whoever has lost the node key can still leave with what is in the store.
  const exportedBy = await readIdentity(config.node.keyFile).then(
    ({peerId}) => peerId,
    () => null,
  );
  if (exportedBy === null) {
    io.err(
      `${config.node.keyFile} cannot be read: the file will not say which operator wrote it, and no merge takes it`,
    );
  }
  const {genesisValidatorsRoot: pinned} = await resolveNetwork(config.network);
  const exported = await withStore(config.dataDir, (store) => {
    const genesisValidatorsRoot = pinned ?? store.genesisValidatorsRoot();
    if (genesisValidatorsRoot === null) {
      throw new PleiadesError({
        code: "CLI_PROTECTION",
        reason: "this operator has never signed: its chain is not known",
      });
    }
    return exportInterchange(store, keys, {genesisValidatorsRoot, exportedBy});
  });
  try {
    await writeNew(out, exported.text, 0o600);
  } catch (error) {
    io.err(`the keys are disabled, and the file could not be written: run the same command with another --out`);
    throw error;
  }
  if (args.json) io.out(toJsonLine({out, keys: exported.keys}));
  else io.out(`wrote ${out}; ${plural(exported.keys.length, "key")} will never sign here again`);
}

async function operatorConfig(path: string): Promise<LoadedConfig> {
  const loaded = await loadConfig(path);
  if (loaded.config.operator === undefined) {
    throw new PleiadesError({code: "CONFIG_ROLE_MISSING", file: loaded.file, section: "operator"});
  }
  return loaded;
}

/** The operator may be running: every decision of its keeper reads the record again, inside the store's write lock. */
async function withStore<T>(dataDir: string, task: (store: LmdbSlashingStore) => T | Promise<T>): Promise<T> {
  const path = storePath(dataDir);
  if (!(await exists(path))) {
    throw new PleiadesError({
      code: "CLI_PROTECTION",
      reason: "this operator holds no records yet: start it once",
      path,
    });
  }
  const environment = await LmdbEnvironment.open(path, () => {});
  try {
    return await task(new LmdbSlashingStore({environment}));
  } finally {
    await environment.close();
  }
}
