import {join} from "node:path";
import {createLogger} from "../../src/adapters/logger/pino.js";
import {committeeOf} from "./committee.js";
import {Devnet, type DevnetStatus} from "./devnet.js";
import {liarsOf, UsageError} from "./faults.js";
import {History} from "./history.js";
import {type DevnetOptions, HELP, parseOptions} from "./options.js";
import {createOutput, type Output} from "./output.js";
import {openRunFolder} from "./run-folder.js";
import {explain, withStopSignals} from "./stop.js";
import {type Summary, summarise} from "./summary.js";

export interface Surroundings {
  /** The checkout. */
  readonly root: string;
  /** Installs the devnet's packages unless they are there. */
  readonly ensureDevnet: (options: {log: (line: string) => void}) => Promise<void>;
}

/** `npm start`. Returns the exit code: 0 good, 1 a problem, 2 a bad command line, 130 interrupted before `--slots`. */
export async function main(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  let options: DevnetOptions | "help";
  try {
    options = parseOptions(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\nSee npm start -- --help\n`);
    return 2;
  }
  if (options === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  // With --json standard output is the summary's alone.
  const stream = options.json ? process.stderr : process.stdout;
  await surroundings.ensureDevnet({log: (line) => void stream.write(`${line}\n`)});
  return withStopSignals((signal) => run(options, surroundings.root, createOutput(stream), signal));
}

async function run(options: DevnetOptions, root: string, output: Output, signal: AbortSignal): Promise<number> {
  let folder: ReturnType<typeof openRunFolder>;
  try {
    folder = openRunFolder({root, dataDir: options.dataDir});
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  const history = new History();
  let devnet: Devnet | null = null;
  let last: DevnetStatus | null = null;
  let failure: string | null = null;
  try {
    devnet = await Devnet.start(
      {
        root,
        dir: folder.path,
        faults: options.faults,
        slotSeconds: options.slotSeconds,
        genesisDelay: options.genesisDelay,
        inProcess: options.inProcess,
        onEvent: (text) => output.event(text),
        onStatus(status) {
          if (status.signer !== null) history.add(performance.now(), status.signer);
          output.view({status, rates: history.rates()});
        },
      },
      committeeOf(options.operators, {
        logger: createLogger({level: "error"}),
        // The folder in which the real client's packages are.
        validatorFrom: options.inProcess ? join(root, "devnet") : null,
        signers: options.signers,
        liars: liarsOf(options.faults),
      }),
      signal,
    );
    last = await devnet.until((status) => options.slots !== null && isOver(status, options.slots), signal);
  } catch (error) {
    if (!signal.aborted) failure = explain(error);
  }
  last ??= devnet?.status() ?? null;
  output.close();
  if (failure !== null) output.event(failure);
  output.event("stopping");
  await devnet?.stop();
  const summary = last === null ? null : summarise(last);
  const interrupted = signal.aborted && options.slots !== null && failure === null;
  const good = failure === null && (summary?.ok ?? true);
  if (summary !== null && summary.slots > 0) for (const line of inWords(summary)) output.event(line);
  if (options.json) process.stdout.write(`${JSON.stringify({...summary, ok: good && !interrupted, failure})}\n`);
  if (good) folder.discard();
  else output.event(`logs and data are in ${folder.path}`);
  if (!good && (failure !== null || options.slots !== null)) return 1;
  return interrupted ? 130 : 0;
}

const GRACE_SLOTS = 6; // a slot is looked at two slots later; more means that the beacon node does not answer

function isOver({slot, duties}: DevnetStatus, slots: number): boolean {
  return duties.nextSlot > slots || slot > slots + GRACE_SLOTS;
}

function inWords({duties, signatures, finalisedEpoch, slots, operators, problems}: Summary): string[] {
  const total = duties.blocks.due + duties.attestations.due + duties.syncMessages.due;
  return [
    `${slots} slots, finalised epoch ${finalisedEpoch}, ${signatures.count} signatures, ${total} duties judged`,
    ...operators
      .filter(({convictions}) => convictions > 0)
      .map(({id, convictions}) => `the signer caught operator ${id} in ${convictions} lies`),
    problems.length === 0 ? "no duty was missed" : `problems: ${problems.join("; ")}`,
  ];
}
