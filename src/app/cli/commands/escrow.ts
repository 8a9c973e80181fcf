import {randomBytes} from "node:crypto";
import {resolve} from "node:path";
import type {Argv} from "yargs";
import {blstGroup} from "../../../adapters/bls/blst.js";
import {systemClock} from "../../../adapters/clock/system.js";
import {readSecretFile} from "../../../adapters/secret-file/read.js";
import {type PubkeyHex, parsePubkeyHex} from "../../../core/bytes.js";
import {PleiadesError} from "../../../core/errors.js";
import {formatHolderKey, parseHolderKey} from "../../../core/escrow/key-file.js";
import {type OpenedExit, openEscrow} from "../../../core/escrow/open.js";
import {formatSealedExit, parseSealedExit, readSealedExit, type SealedExit} from "../../../core/escrow/sealed.js";
import {readCommitteeFile} from "../../ceremony-file.js";
import {chainOfBeaconNode, withoutCredentials} from "../../config/beacon-node.js";
import {resolveNetwork} from "../../config/network.js";
import {secretFile, secretPath} from "../../credentials.js";
import type {SignedExit} from "../../exit/beacon-node.js";
import {readText, writeNew} from "../../files.js";
import {refuseOtherChain} from "../../validator/chain.js";
import {confirmOnTerminal} from "../confirm.js";
import type {CommandContext} from "../context.js";
import {controlClient} from "../control-client.js";
import {type Io, toJsonLine} from "../io.js";
import {configOption, jsonOption, text, usage} from "../options.js";
import {loadFor} from "./services.js";

const GROUP = "Options:";
/** Five of each operator of the largest committee. */
const MAX_FILES = 65;

export const escrowCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command("escrow", "An exit in escrow: operators' parts of it, sealed for one named holder", (group) =>
    group
      .command(
        "init",
        "Holder: make a key pair; the public key goes into the definition of a ceremony",
        (command) =>
          jsonOption(command.option("out", {...text("new file for the key pair", GROUP), demandOption: true})).epilogue(
            "Keep the file as you would keep the validators' keys, and a copy of it: without it no sealed exit can be opened.",
          ),
        async (args) => {
          await init(args as unknown as InitArgs, context.io);
        },
      )
      .command(
        "seal",
        "Operator: this operator's part of a validator's exit, sealed for the holder its key's definition names",
        (command) =>
          jsonOption(configOption(command))
            .option("key", {...text("the validator's public key", GROUP), demandOption: true})
            .option("beacon-node", {
              ...text("URL of a beacon node of the validator's chain, which knows its index", GROUP),
              demandOption: true,
            })
            .option("out", {...text("new file to write, for the holder", GROUP), demandOption: true})
            .epilogue(
              "The operator must be running. Its keeper signs and seals only for the holder it consented to when the key was made. What is handed over cannot be taken back.",
            ),
        async (args) => {
          await seal(args as unknown as SealArgs, context.io);
        },
      )
      .command(
        "open <files..>",
        "Holder: open the parts of t operators and make the whole exit of them",
        (command) =>
          jsonOption(command)
            .positional("files", {type: "string", array: true, describe: "sealed parts of one validator's exit"})
            .option("key-file", {
              ...text("the holder's key pair (or credential:name), of `pleiades escrow init`", GROUP),
              demandOption: true,
            })
            .option("committee", {
              ...text("committee file or ceremony.json of the validator", GROUP),
              demandOption: true,
            })
            .option("out", text("new file for the signed exit; default: print it", GROUP))
            .option("publish", {
              type: "boolean",
              default: false,
              describe: "publish it at once: the validator leaves for ever",
              group: GROUP,
            })
            .option("beacon-node", text("with --publish: URL of a beacon node of the validator's chain", GROUP))
            .option("yes", {
              type: "boolean",
              default: false,
              describe: "with --publish: do not ask for confirmation",
              group: GROUP,
            })
            .example(
              "$0 escrow open part1.json part2.json part3.json --key-file holder.key --committee committee.json",
              "",
            )
            .epilogue(
              "Whoever has the signed exit can make the validator leave at will, at any beacon node, for ever.",
            ),
        async (args) => {
          await openParts(args as unknown as OpenArgs, context.io);
        },
      )
      .demandCommand(1, "Say what to do: init, seal or open."),
  );

interface InitArgs {
  readonly out: string;
  readonly json: boolean;
}

async function init({out: file, json}: InitArgs, io: Io): Promise<void> {
  const out = resolve(file);
  const {text: content, publicKey} = formatHolderKey(new Uint8Array(randomBytes(32)));
  await writeNew(out, content, 0o600);
  if (json) return io.out(toJsonLine({out, publicKey}));
  io.out(publicKey);
  io.err(`wrote ${out}; definitions name the key above: pleiades dkg create --escrow ${publicKey} --escrow-name …`);
}

interface SealArgs {
  readonly config: string;
  readonly key: string;
  readonly beaconNode: string;
  readonly out: string;
  readonly json: boolean;
}

async function seal(args: SealArgs, io: Io): Promise<void> {
  const key = keyFlag(args.key);
  const out = resolve(args.out);
  const {config} = await loadFor("operator", args.config);
  const {network} = await chainOfBeaconNode(args.beaconNode);
  refuseOtherChain(network, await resolveNetwork(config.network), withoutCredentials(args.beaconNode));
  const {ExitNode} = await import("../../exit/beacon-node.js");
  const {isLeaving} = await import("../../exit/decide.js");
  const node = new ExitNode(args.beaconNode);
  await node.requireSynced();
  const validator = await node.validator(key);
  const {index, status, exitEpoch, withdrawableEpoch} = validator;
  if (isLeaving(validator))
    throw new PleiadesError({code: "EXIT_ALREADY", key, index, status, exitEpoch, withdrawableEpoch});
  const control = controlClient("dkg", {dataDir: config.dataDir, signal: AbortSignal.timeout(30_000)});
  const answer = await control.ask("POST", "/escrow", {key, validator_index: String(index)});
  const sealed = readSealedExit(answer);
  await writeNew(out, formatSealedExit(sealed), 0o644);
  const {shareIndex, holder, exit} = sealed;
  if (args.json) return io.out(toJsonLine({out, key, shareIndex, validatorIndex: index, epoch: exit.epoch, holder}));
  io.out(`wrote ${out}: part ${shareIndex} of the exit of validator ${index}, which only ${holder} can open`);
}

interface OpenArgs {
  readonly files: readonly string[];
  readonly keyFile: string;
  readonly committee: string;
  readonly out?: string | undefined;
  readonly publish: boolean;
  readonly beaconNode?: string | undefined;
  readonly yes: boolean;
  readonly json: boolean;
}

async function openParts(args: OpenArgs, io: Io): Promise<void> {
  const {files, publish, beaconNode, json} = args;
  if (files.length > MAX_FILES) throw usage(`more than ${MAX_FILES} files`);
  if (publish !== (beaconNode !== undefined)) throw usage("--publish and --beacon-node go together");
  if (args.yes && !publish) throw usage("--yes belongs to --publish");
  const secret = holderKey(args.keyFile);
  const committee = await readCommitteeFile(args.committee);
  const parts: {readonly file: string; readonly sealed: SealedExit}[] = [];
  for (const file of files) {
    try {
      parts.push({file, sealed: parseSealedExit(await readText(file))});
    } catch (error) {
      // One that cannot be read must not keep the others from being enough.
      if (!(error instanceof PleiadesError)) throw error;
      io.err(`${file} counts for nothing: ${error.message}`);
    }
  }
  if (parts.length === 0) throw new PleiadesError({code: "ESCROW_TOO_FEW", have: 0, need: committee.threshold});
  const opened = opening(parts, () =>
    openEscrow(
      blstGroup,
      {committee, secret},
      parts.map(({sealed}) => sealed),
    ),
  );
  for (const {place, shareIndex, reason} of opened.bad) {
    io.err(`${parts[place]!.file}: operator ${shareIndex}'s part is bad: ${reason}`);
  }
  const {key, exit, signature, signers} = opened;
  const signed: SignedExit = {
    message: {epoch: exit.epoch.toString(), validator_index: exit.validatorIndex.toString()},
    signature,
  };
  io.err(`the exit of validator ${exit.validatorIndex} (${key}), made of the parts of operators ${signers.join(", ")}`);
  const out = args.out === undefined ? null : resolve(args.out);
  // A secret of the holder's, as the key was.
  if (out !== null) await writeNew(out, `${toJsonLine(signed)}\n`, 0o600);
  if (beaconNode !== undefined) await publishExit(opened, signed, {beaconNode, yes: args.yes, io});
  const bad = opened.bad.map(({place, shareIndex, reason}) => ({file: parts[place]!.file, shareIndex, reason}));
  if (json) return io.out(toJsonLine({key, out, published: publish, signers, bad, signedExit: signed}));
  if (publish) io.out(`the exit of validator ${exit.validatorIndex} is published; a block will include it`);
  else if (out !== null) io.out(`wrote ${out}: whoever has it can make the validator leave at will`);
  else io.out(toJsonLine(signed));
}

/** Names files where the core names places. */
function opening(parts: readonly {readonly file: string}[], open: () => OpenedExit): OpenedExit {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof PleiadesError) || error.code !== "ESCROW_TOO_FEW") throw error;
    const {key, have, need, bad} = error.data;
    const named = (bad as OpenedExit["bad"]).map(({place, shareIndex, reason}) => {
      return `${parts[place]!.file} (operator ${shareIndex}): ${reason}`;
    });
    throw new PleiadesError({code: "ESCROW_TOO_FEW", key, have, need, bad: named}, {cause: error});
  }
}

async function publishExit(
  {key, exit}: OpenedExit,
  signed: SignedExit,
  {beaconNode, yes, io}: {beaconNode: string; yes: boolean; io: Io},
): Promise<void> {
  const {ExitNode} = await import("../../exit/beacon-node.js");
  const {prepareExit} = await import("../../exit/exit.js");
  const chain = await chainOfBeaconNode(beaconNode);
  const capella = chain.network.forks?.find(({name}) => name === "capella")?.version;
  const url = withoutCredentials(beaconNode);
  if (capella !== exit.forkVersion) {
    throw new PleiadesError({code: "ESCROW_CHAIN", beaconNode: url, signed: exit.forkVersion, given: capella});
  }
  const node = new ExitNode(beaconNode);
  const about = {key, chain, epoch: exit.epoch, ahead: false};
  const {validator, now} = await prepareExit({node, clock: systemClock}, about);
  if (validator.index !== exit.validatorIndex) {
    throw new PleiadesError({
      code: "ESCROW_CHAIN",
      beaconNode: url,
      signed: exit.validatorIndex,
      given: validator.index,
    });
  }
  io.err(`validator ${validator.index} (${validator.status}) on ${chain.network.name}, now epoch ${now}`);
  if (!yes) await confirm();
  await node.publish(signed);
}

/** @throws EXIT_NOT_CONFIRMED */
async function confirm(): Promise<void> {
  const said = await confirmOnTerminal("This cannot be undone: the validator leaves for ever.");
  if (said === true) return;
  throw new PleiadesError({code: "EXIT_NOT_CONFIRMED", ...(said === null ? {reason: "no terminal to ask"} : {})});
}

/** @throws ESCROW_KEY_FILE */
function holderKey(raw: string): Uint8Array {
  const file = secretPath(raw, ".");
  const content = readSecretFile(secretFile(file));
  if ("reason" in content) throw new PleiadesError({code: "ESCROW_KEY_FILE", file, reason: content.reason});
  return parseHolderKey(content.text);
}

/** @throws CLI_USAGE */
function keyFlag(raw: string): PubkeyHex {
  try {
    return parsePubkeyHex(raw);
  } catch {
    throw usage("--key is not 0x and 96 hex digits");
  }
}
