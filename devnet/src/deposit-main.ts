import {createLogger} from "../../src/adapters/logger/pino.js";
import {makeCommitteeKey} from "./committee-key.js";
import {DEPOSIT_HELP, type DepositOptions, parseDepositOptions} from "./deposit-options.js";
import {type DepositReport, emptyReport, runDeposit} from "./deposit-run.js";
import {UsageError} from "./faults.js";
import type {Surroundings} from "./main.js";
import {openRunFolder} from "./run-folder.js";
import {explain, withStopSignals} from "./stop.js";

const OPERATORS = 4;
const OPERATOR_DOWN = 3;

/** What `--json` prints. */
export interface DepositResult extends DepositReport {
  readonly ok: boolean;
  readonly failure: string | null;
}

/** `npm run e2e:deposit`. Returns the exit code: 0 good, 1 a problem, 2 a bad command line, 130 interrupted. */
export async function main(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const options = parseDepositOptions(argv);
    if (options === "help") {
      process.stdout.write(DEPOSIT_HELP);
      return 0;
    }
    const stream = options.json ? process.stderr : process.stdout;
    await surroundings.ensureDevnet({log: (line) => void stream.write(`${line}\n`)});
    return await withStopSignals((signal) => run(options, surroundings.root, stream, signal));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\nSee npm run e2e:deposit -- --help\n`);
    return 2;
  }
}

async function run(
  options: DepositOptions,
  root: string,
  stream: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<number> {
  const folder = openRunFolder({root, dataDir: options.dataDir});
  const say = (text: string): void => void stream.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);
  const report = emptyReport();
  let failure: string | null = null;
  try {
    await runDeposit(
      {
        ...options,
        root,
        dir: folder.path,
        operators: OPERATORS,
        operatorDown: OPERATOR_DOWN,
        makeKey: makeCommitteeKey,
        logger: createLogger({level: "error"}),
        onEvent: say,
      },
      report,
      signal,
    );
  } catch (error) {
    failure = signal.aborted ? "interrupted" : explain(error);
  }
  if (failure !== null) say(failure);
  else for (const line of inWords(report)) say(line);
  if (options.json) process.stdout.write(`${JSON.stringify({ok: failure === null, failure, ...report})}\n`);
  if (failure === null) folder.discard();
  else say(`logs and data are in ${folder.path}`);
  if (failure === null) return 0;
  return signal.aborted ? 130 : 1;
}

function inWords({phases, validator, attestations, blocks, exitEpoch}: DepositReport): string[] {
  const seconds = phases.reduce((sum, phase) => sum + phase.seconds, 0);
  return [
    `validator ${validator?.index}: active in epoch ${validator?.activationEpoch}, ${attestations.included} of ${attestations.due} attestations and ${blocks.length === 1 ? "the block of slot" : "the blocks of slots"} ${blocks.join(", ")} on the chain, exits in epoch ${exitEpoch}`,
    `${Math.round(seconds)} seconds in all`,
  ];
}
