import type {Argv} from "yargs";
import {parseAddressHex} from "../../../core/bytes.js";
import {presetOf, resolveNetwork} from "../../config/network.js";
import type {SignerConfig} from "../../config/schema.js";
import {refuseNewForks} from "../../validator/chain.js";
import type {CommandContext} from "../context.js";
import {configOption, jsonOption, text, usage} from "../options.js";
import {loadFor, serve} from "./services.js";

interface ValidatorArgs {
  readonly config: string;
  readonly beaconNode: readonly string[];
  readonly validatorFrom?: string | undefined;
  readonly graffiti?: string | undefined;
  readonly suggestedFeeRecipient?: string | undefined;
  readonly doppelgangerProtection: boolean;
  readonly json: boolean;
}

const GROUP = "Options:";
const GRAFFITI_BYTES = 32; // of a block's body

export const validatorCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "validator",
    "Run Lodestar's validator client (1.5.1) in this process, in place of `signer` and a client with its URL",
    (command) =>
      jsonOption(configOption(command), "print one line of JSON when ready")
        .option("beacon-node", {
          type: "string",
          array: true,
          requiresArg: true,
          demandOption: true,
          describe: "URL of a beacon node; may be repeated, the later ones stand in for the first",
          group: GROUP,
        })
        .option(
          "validator-from",
          text("folder whose node_modules has @lodestar/validator; else beside Pleiades", GROUP),
        )
        .option("suggested-fee-recipient", text("address that is given the fees of blocks", GROUP))
        .option("graffiti", text("text in proposed blocks, at most 32 bytes", GROUP))
        .option("doppelganger-protection", {
          type: "boolean",
          default: false,
          describe: "look for another client on these keys for two epochs before the first duty",
          group: GROUP,
        })
        .example(
          "$0 validator --config signer/lodestar.config.yaml --beacon-node http://127.0.0.1:9596 --validator-from lodestar-client",
          "with the configuration that `pleiades signer` takes",
        )
        .epilogue(
          "It uses the signer section of the configuration, but opens no port for the remote signer API: signer.host and signer.port serve plugins' routes such as metrics, if there are any. Lodestar 1.5.1 knows no fork after Capella, so it can serve no public network of today: there, run `pleiades signer` and a current client with its URL. SIGHUP reads the committee files again.",
        ),
    async (args) => {
      const {config: file, json, ...options} = args as unknown as ValidatorArgs;
      const proposers = proposersOf(options);
      const loaded = await loadFor("signer", file);
      const config = loaded.config.signer as SignerConfig;
      // Before a client is looked for: nobody should install one that cannot serve the chain.
      refuseNewForks(await resolveNetwork(loaded.config.network));
      const {loadClient} = await import("../../validator/client-modules.js");
      const client = await loadClient(options.validatorFrom, presetOf(loaded.config.network));
      const {composeValidator} = await import("../../compose/validator.js");
      context.exitCode = await serve(loaded, context, json, async (logger) => {
        const {beaconNode: beaconNodes, doppelgangerProtection} = options;
        if (proposers.feeRecipient === undefined) logger.warn("no --suggested-fee-recipient: fees of blocks are burnt");
        const running = await composeValidator(loaded, {
          config,
          client,
          beaconNodes,
          proposers,
          doppelgangerProtection,
          logger,
        });
        const {peerId, url} = running;
        return {...running, ready: {kind: "ready", pid: process.pid, peerId, url, addresses: []}};
      });
    },
  );

/** @throws CLI_USAGE */
function proposersOf({graffiti, suggestedFeeRecipient}: Pick<ValidatorArgs, "graffiti" | "suggestedFeeRecipient">) {
  if (graffiti !== undefined && Buffer.byteLength(graffiti) > GRAFFITI_BYTES) {
    throw usage(`--graffiti is longer than ${GRAFFITI_BYTES} bytes`);
  }
  return {...(graffiti === undefined ? {} : {graffiti}), ...feeRecipientOf(suggestedFeeRecipient)};
}

function feeRecipientOf(raw: string | undefined): {feeRecipient?: string} {
  if (raw === undefined) return {};
  try {
    return {feeRecipient: parseAddressHex(raw, "--suggested-fee-recipient")};
  } catch {
    throw usage("--suggested-fee-recipient is not 0x and 40 hex digits");
  }
}
