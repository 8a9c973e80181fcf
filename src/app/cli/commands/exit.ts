import {createInterface} from "node:readline/promises";
import type {Argv} from "yargs";
import {systemClock} from "../../../adapters/clock/system.js";
import {type PubkeyHex, parsePubkeyHex} from "../../../core/bytes.js";
import {PleiadesError} from "../../../core/errors.js";
import {chainOfBeaconNode, withoutCredentials} from "../../config/beacon-node.js";
import type {ExitChain} from "../../exit/exit.js";
import type {CommandContext} from "../context.js";
import {type Io, toJsonLine} from "../io.js";
import {jsonOption, text, usage, whole} from "../options.js";
import {checkSignerArgs, type SignerArgs, signerOf, signerOptions} from "../signer-options.js";

interface ExitArgs extends SignerArgs {
  readonly key: string;
  readonly epoch?: number | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly wait: boolean;
  readonly waitSeconds?: number | undefined;
  readonly json: boolean;
}

const GROUP = "Options:";
const WORD = "exit";
/** Blocks take exits at once; two epochs of missed blocks are no reason to give up. */
const WAIT_EPOCHS = 4;

const EPILOGUE = `An exit cannot be undone: the validator can never be active again. Every operator signs it only if its configuration
permits exactly this message; the command says which line that is. Without --epoch it takes the first epoch in which the exit is valid,
which stays the same however often the command is repeated. Keep the committee running until the exit epoch: until then the validator has duties.`;

export const exitCommand = (cli: Argv, context: CommandContext): Argv =>
  cli.command(
    "exit",
    "Let a validator leave for ever: its exit, signed by the committee and published through a beacon node",
    (command) =>
      jsonOption(
        signerOptions(command.option("key", {...text("the validator's public key", GROUP), demandOption: true}))
          .option("epoch", whole("epoch from which the exit holds, not later than now", GROUP))
          .option("dry-run", {
            type: "boolean",
            default: false,
            describe: "sign and print it, publish nothing",
            group: GROUP,
          })
          .option("yes", {type: "boolean", default: false, describe: "do not ask for confirmation", group: GROUP})
          .option("wait", {type: "boolean", default: false, describe: "until the node shows it exiting", group: GROUP})
          .option("wait-seconds", whole(`with --wait: how long at most; default ${WAIT_EPOCHS} epochs`, GROUP)),
      )
        .example("$0 exit --key 0x… --beacon-node http://127.0.0.1:5052 --signer http://127.0.0.1:9000", "by a signer")
        .example(
          "$0 exit --key 0x… --beacon-node http://127.0.0.1:5052 --config lodestar.config.yaml --dry-run",
          "look first",
        )
        .epilogue(EPILOGUE),
    async (args) => {
      await exit(args as unknown as ExitArgs, context.io);
    },
  );

async function exit(args: ExitArgs, io: Io): Promise<void> {
  const key = keyFlag(args.key);
  const {dryRun, json, yes, wait, beaconNode} = args;
  checkSignerArgs(args);
  if (args.waitSeconds !== undefined && !wait) throw usage("--wait-seconds belongs to --wait");
  if (dryRun && wait) throw usage("--dry-run publishes nothing to wait for");
  const chain = await chainOfBeaconNode(beaconNode);
  const {ExitNode} = await import("../../exit/beacon-node.js");
  const {prepareExit, signExit, waitForExit} = await import("../../exit/exit.js");
  const node = new ExitNode(beaconNode);
  const clock = systemClock;
  const {epoch: given} = args;
  const epoch = given === undefined ? undefined : BigInt(given);
  const {validator, plan, now} = await prepareExit({node, clock}, {key, chain, epoch, ahead: dryRun});
  const {index, status} = validator;
  io.err(`validator ${index} (${status}) on ${chain.network.name}, now epoch ${now}: exit of epoch ${plan.epoch}`);
  if (!dryRun && !yes) await confirm(io);

  const {sign, close} = await signerOf(args, chain);
  const signed = await signExit(sign, {validator, plan, network: chain.network}).finally(close);
  if (dryRun) {
    if (plan.from > now) io.err(`beacon nodes take it from epoch ${plan.from} on`);
    io.err("nothing was published; whoever has this can make the validator exit");
    return io.out(toJsonLine(signed));
  }
  await node.publish(signed);
  io.err(`published through ${withoutCredentials(beaconNode)}`);
  const leaving = wait ? await waitForExit({node, clock}, {key, ...waiting(args, chain)}) : null;
  if (json) {
    const {status, exitEpoch, withdrawableEpoch} = leaving ?? {};
    return io.out(toJsonLine({key, index, published: true, signedExit: signed, status, exitEpoch, withdrawableEpoch}));
  }
  io.out(
    leaving === null
      ? `the exit of validator ${index} is published; a block will include it`
      : `validator ${index} is ${leaving.status}: it has duties until epoch ${leaving.exitEpoch}, withdrawable from epoch ${leaving.withdrawableEpoch}`,
  );
}

/** @throws EXIT_NOT_CONFIRMED */
async function confirm(io: Io): Promise<void> {
  if (!io.interactive) throw new PleiadesError({code: "EXIT_NOT_CONFIRMED", reason: "no terminal to ask"});
  const lines = createInterface({input: process.stdin, output: process.stderr});
  try {
    const typed = await lines.question(`This cannot be undone. Type "${WORD}" to sign and publish it: `);
    if (typed.trim() !== WORD) throw new PleiadesError({code: "EXIT_NOT_CONFIRMED"});
  } finally {
    lines.close();
  }
}

function waiting({waitSeconds}: ExitArgs, {network: {clock, preset}}: ExitChain): {everyMs: number; boundMs: number} {
  const slotMs = (clock?.secondsPerSlot ?? 12) * 1000;
  return {
    everyMs: slotMs,
    boundMs: waitSeconds === undefined ? WAIT_EPOCHS * preset.slotsPerEpoch * slotMs : waitSeconds * 1000,
  };
}

/** @throws CLI_USAGE */
function keyFlag(raw: string): PubkeyHex {
  try {
    return parsePubkeyHex(raw);
  } catch {
    throw usage("--key is not 0x and 96 hex digits");
  }
}
