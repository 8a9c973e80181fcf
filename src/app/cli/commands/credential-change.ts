import type {Argv} from "yargs";
import {systemClock} from "../../../adapters/clock/system.js";
import {type AddressHex, type PubkeyHex, parseAddressHex, parsePubkeyHex} from "../../../core/bytes.js";
import {PleiadesError} from "../../../core/errors.js";
import {toBeaconApi} from "../../../core/mini-pool/credential-change.js";
import {chainOfBeaconNode, withoutCredentials} from "../../config/beacon-node.js";
import {confirmOnTerminal} from "../confirm.js";
import type {CommandContext} from "../context.js";
import {type Io, toJsonLine} from "../io.js";
import {jsonOption, text, usage} from "../options.js";
import {checkSignerArgs, type SignerArgs, signerOf, signerOptions} from "../signer-options.js";

interface ChangeArgs extends SignerArgs {
  readonly key: string;
  readonly to: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly wait: boolean;
  readonly json: boolean;
}

const GROUP = "Options:";
/** Blocks take 16 changes each; a busy day has a queue. */
const WAIT_EPOCHS = 4;

const EPILOGUE = `For a key whose withdrawals go to the key itself (0x00, --withdrawal-dkg-key of \`pleiades dkg create\`). The chain takes one change, once, for
ever. Operators sign it without a permit when the key's definition named this very address, and no other address then; for keys that were
split each needs a permit, which the command shows.`;

export const credentialChangeCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "credential-change",
    "Name the address of a validator's withdrawals: a BLS_TO_EXECUTION_CHANGE, signed by the committee and published",
    (command) =>
      jsonOption(
        signerOptions(
          command.option("key", {...text("the validator's public key", GROUP), demandOption: true}).option("to", {
            ...text("the execution address that withdrawals go to from then on", GROUP),
            demandOption: true,
          }),
        )
          .option("dry-run", {
            type: "boolean",
            default: false,
            describe: "sign and print it, publish nothing",
            group: GROUP,
          })
          .option("yes", {type: "boolean", default: false, describe: "do not ask for confirmation", group: GROUP})
          .option("wait", {
            type: "boolean",
            default: false,
            describe: "until the chain shows the address",
            group: GROUP,
          }),
      )
        .example(
          "$0 credential-change --key 0x… --to 0x… --beacon-node http://127.0.0.1:5052 --signer http://127.0.0.1:9000",
          "",
        )
        .epilogue(EPILOGUE),
    async (args) => {
      await change(args as unknown as ChangeArgs, context.io);
    },
  );

async function change(args: ChangeArgs, io: Io): Promise<void> {
  const [key, to] = [flag("key", parsePubkeyHex, args.key), flag("to", parseAddressHex, args.to)];
  const {dryRun, json, yes, wait, beaconNode} = args;
  checkSignerArgs(args);
  if (dryRun && wait) throw usage("--dry-run publishes nothing to wait for");
  const chain = await chainOfBeaconNode(beaconNode);
  const {ExitNode} = await import("../../exit/beacon-node.js");
  const {requireChangeable, signChange, waitForChange} = await import("../../exit/credential-change.js");
  const [node, clock] = [new ExitNode(beaconNode), systemClock];
  await node.requireSynced();
  const now = await node.withdrawals(key);
  requireChangeable(key, now);
  io.err(`validator ${now.index} (${now.status}) on ${chain.network.name}: withdrawals to ${to} from now on`);
  if (!dryRun && !yes) await confirm();
  const {sign, close} = await signerOf(args, chain);
  const {network} = chain;
  const signed = await signChange({sign, clock}, {key, index: now.index, to, network}).finally(close);
  const message = toBeaconApi(signed);
  if (dryRun) {
    io.err("nothing was published; whoever has this can publish it");
    return io.out(toJsonLine(message));
  }
  await node.publishChange(message);
  io.err(`published through ${withoutCredentials(beaconNode)}`);
  if (wait) {
    const slotMs = (network.clock?.secondsPerSlot ?? 12) * 1000;
    const boundMs = WAIT_EPOCHS * network.preset.slotsPerEpoch * slotMs;
    await waitForChange({node, clock}, {key, to, everyMs: slotMs, boundMs});
  }
  if (json) return io.out(toJsonLine({key, index: now.index, to, published: true, included: wait, signed: message}));
  const done = wait ? `withdrawals of validator ${now.index} go to ${to}` : "it is published; a block will include it";
  io.out(done);
}

/** @throws CHANGE_NOT_CONFIRMED */
async function confirm(): Promise<void> {
  const said = await confirmOnTerminal("This cannot be undone or repeated with another address.");
  if (said === true) return;
  throw new PleiadesError({code: "CHANGE_NOT_CONFIRMED", ...(said === null ? {reason: "no terminal to ask"} : {})});
}

/** @throws CLI_USAGE */
function flag<T extends PubkeyHex | AddressHex>(name: string, parse: (raw: string) => T, raw: string): T {
  try {
    return parse(raw.startsWith("0x") ? raw : `0x${raw}`);
  } catch (cause) {
    throw usage(
      `--${name} ${cause instanceof PleiadesError ? String(cause.data.reason ?? "is malformed") : "is malformed"}`,
    );
  }
}
