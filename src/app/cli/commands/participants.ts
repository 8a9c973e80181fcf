import {mkdir} from "node:fs/promises";
import {join, resolve} from "node:path";
import type {Argv} from "yargs";
import {blstGroup} from "../../../adapters/bls/blst.js";
import {systemClock} from "../../../adapters/clock/system.js";
import {readIdentity} from "../../../adapters/libp2p/identity.js";
import {formatCommitteeFile} from "../../../core/committee/committee-file.js";
import {PleiadesError} from "../../../core/errors.js";
import {loadConfig} from "../../config/load.js";
import {presetOf, resolveNetwork} from "../../config/network.js";
import {isHttpsOrigin} from "../../config/values.js";
import {writeNew} from "../../files.js";
import {participantContext} from "../../participants/context.js";
import {discoverCommittees} from "../../participants/discover.js";
import type {CommandContext} from "../context.js";
import {toJsonLine} from "../io.js";
import {configOption, jsonOption, text, usage} from "../options.js";
import {plural} from "../plural.js";
import {tolerancesLine} from "../tolerances.js";

interface ParticipantsArgs {
  readonly config: string;
  readonly endpoint: readonly string[];
  readonly out: string;
  readonly json: boolean;
}

export const participantsCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "participants",
    "Make committee files of foreign signers that serve the standard's distributed profile",
    (command) =>
      jsonOption(configOption(command))
        .option("endpoint", {
          type: "array",
          string: true,
          demandOption: true,
          describe: "https origin of a participant; once for each of all n",
          group: "Options:",
        })
        .option("out", {...text("folder for the committee files", "Options:"), demandOption: true})
        .example(
          "$0 participants --endpoint https://signer-1.example --endpoint https://signer-2.example --endpoint https://signer-3.example --out foreign",
          "asks each for its accounts, with the certificate under signer.participants",
        ),
    async (args) => participants(args as unknown as ParticipantsArgs, context),
  );

async function participants(
  {config: path, endpoint, out, json}: ParticipantsArgs,
  {io}: CommandContext,
): Promise<void> {
  const origins = [...new Set(endpoint)];
  const wrong = origins.find((origin) => !isHttpsOrigin(origin));
  if (wrong !== undefined) throw usage(`--endpoint ${wrong} is not an https origin without a path`);
  const {file, config} = await loadConfig(path);
  process.env.LODESTAR_PRESET = presetOf(config.network);
  if (config.signer === undefined) throw new PleiadesError({code: "CONFIG_ROLE_MISSING", file, section: "signer"});
  const context = participantContext(config.signer.participants, {now: systemClock.now()});
  if (context === null) throw new PleiadesError({code: "CONFIG_MISSING_KEY", file, key: "signer.participants.cert"});
  const {peerId} = await readIdentity(config.node.keyFile);
  const {genesisValidatorsRoot} = await resolveNetwork(config.network);
  const drafts = await discoverCommittees({origins, context, coordinator: peerId, genesisValidatorsRoot});
  // Checks every key; what t and n give up is said below.
  const texts = drafts.map((draft) => formatCommitteeFile(draft, blstGroup, {unsafeThreshold: true}));
  await mkdir(resolve(out), {recursive: true});
  const written: {file: string; operators: number; threshold: number; keys: number}[] = [];
  for (const [i, {operators, threshold, validators}] of drafts.entries()) {
    const target = join(resolve(out), `committee-${i + 1}.json`);
    await writeNew(target, texts[i]!, 0o644);
    written.push({file: target, operators: operators.length, threshold, keys: validators.length});
  }
  if (json) return io.out(toJsonLine({committees: written}));
  for (const {file: target, operators, threshold, keys} of written) {
    io.out(`wrote ${target}: ${plural(keys, "key")}, ${tolerancesLine({n: operators, t: threshold})}`);
  }
  if (written.length === 0) io.out("these participants list no account for this certificate");
  io.err(
    "Compare the public keys with what the participants' owners told you by another way before you use the files.",
  );
}
