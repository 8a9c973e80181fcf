import {parseArgs} from "node:util";
import {describeFault, type Fault, parseFaults, UsageError} from "./faults.js";

export interface DevnetOptions {
  readonly operators: number;
  /** Each with a validator client of its own, all with the same keys. */
  readonly signers: number;
  /** Slots to run for; null: until Ctrl-C. */
  readonly slots: number | null;
  readonly faults: readonly Fault[];
  readonly json: boolean;
  /** Where everything is kept; null: a folder of its own, removed after a good run. */
  readonly dataDir: string | null;
  readonly slotSeconds: number;
  /** Seconds from the beacon node's start to genesis: the time to bring up everything else. */
  readonly genesisDelay: number;
  /** Lodestar's validator client in the signer's process, by `pleiades validator`. */
  readonly inProcess: boolean;
}

export const HELP = `npm start [-- options]

Runs a live devnet on this machine: a Lodestar 1.5.1 beacon node, an unmodified Lodestar validator client with eight
validators, and as its remote signer a Pleiades committee: the signer and its operators in processes of their own.
The chain finalises only because the committee signs. First start: about two minutes of set-up. Ctrl-C ends it all.

  --operators N       4, 7, 10 or 13 operators (default 4: three of four sign)
  --signers N         signers by rank, each with a validator client of its own that has the same keys (default 1)
  --fault F           put a fault on an operator; may be given many times
                        crash:3@20-28        operator 3 is killed at slot 20 and started again at slot 28
                        slow:2:800ms@30-38   operator 2 answers 800 ms later between slots 30 and 38
                        lie:4@40-48          operator 4 answers with wrong partial signatures; lie:4:wrong, :other
                                             (those of another message) or :garbage for one kind, else all in turn
                        crash:signer1@18-30  with --signers 2: signer 1 is killed in the middle of slot 18, and started
                                             again at slot 30
  --slots N           stop after slot N; the exit code is 0 when the chain finalised and no duty was missed
  --json              print a JSON summary on standard output at the end; everything else goes to standard error
  --data-dir DIR      keep data and logs in DIR (emptied at the start); default: a folder that a good run removes
  --slot-seconds S    seconds per slot (default 2); more for a busy machine
  --in-process        run Lodestar's validator client inside \`pleiades validator\` instead of beside the signer
  --genesis-delay S   seconds until genesis, for slow machines (default 30)
  --help              this text

Epochs have eight slots; Altair, Bellatrix and Capella begin at epochs 1, 2 and 3.
First finality is at slot 32, so about 100 seconds after the start.
`;

const COMMITTEE_SIZES = [4, 7, 10, 13];

/** Reads the command line of `npm start`; "help" when that was asked for. @throws UsageError */
export function parseOptions(argv: readonly string[]): DevnetOptions | "help" {
  const {values} = read(argv);
  if (values.help === true) return "help";
  const operators = whole("--operators", values.operators ?? "4");
  if (!COMMITTEE_SIZES.includes(operators)) {
    throw new UsageError(`--operators ${operators}: a committee has ${COMMITTEE_SIZES.join(", ")} operators`);
  }
  const signers = whole("--signers", values.signers ?? "1");
  if (signers < 1 || signers > 3) throw new UsageError(`--signers ${signers}: between 1 and 3`);
  const slots = values.slots === undefined ? null : whole("--slots", values.slots);
  if (slots === 0) throw new UsageError("--slots 0: run for at least one slot");
  const faults = parseFaults(values.fault ?? [], {operators, signers});
  const late = faults.find((fault) => slots !== null && fault.fromSlot >= slots);
  if (late !== undefined) {
    throw new UsageError(`--fault: "${describeFault(late)}" begins when the run is over, for --slots is ${slots}`);
  }
  const genesisDelay = whole("--genesis-delay", values["genesis-delay"] ?? "30");
  if (genesisDelay < 5 || genesisDelay > 3600) throw new UsageError("--genesis-delay: between 5 and 3600 seconds");
  const slotSeconds = whole("--slot-seconds", values["slot-seconds"] ?? "2");
  if (slotSeconds < 1 || slotSeconds > 12) throw new UsageError("--slot-seconds: between 1 and 12");
  const {json = false, "in-process": inProcess = false, "data-dir": dataDir = null} = values;
  if (inProcess && signers > 1) throw new UsageError("--in-process: with one signer only");
  return {operators, signers, slots, faults, json, dataDir, slotSeconds, genesisDelay, inProcess};
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      allowPositionals: false,
      options: {
        operators: {type: "string"},
        signers: {type: "string"},
        slots: {type: "string"},
        fault: {type: "string", multiple: true},
        json: {type: "boolean"},
        "in-process": {type: "boolean"},
        "data-dir": {type: "string"},
        "slot-seconds": {type: "string"},
        "genesis-delay": {type: "string"},
        help: {type: "boolean", short: "h"},
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split(". To specify")[0] ?? "");
  }
}

export function whole(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${name} ${text}: not a whole number`);
  return Number(text);
}
