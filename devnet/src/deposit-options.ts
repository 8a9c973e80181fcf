import {parseArgs} from "node:util";
import {UsageError} from "./faults.js";
import {whole} from "./options.js";

export interface DepositOptions {
  readonly slotSeconds: number;
  readonly genesisDelay: number;
  readonly json: boolean;
  /** Where everything is kept; null: a folder of its own, removed after a good run. */
  readonly dataDir: string | null;
}

export const DEPOSIT_HELP = `npm run e2e:deposit [-- options]

One life of a validator whose key four operators hold, on real chains on this machine: anvil with the official deposit
contract, and a Lodestar 1.5.1 beacon node that follows it. Four operators make the key in a ceremony (pleiades dkg create,
dkg run, dkg verify), which leaves the deposit, signed; it is sent to the contract, the validator activated; an unmodified Lodestar validator client then has its attestations and a block
signed by the committee while one operator is down; and the committee signs its voluntary exit. About four minutes.
The exit code is 0 when all of that is on the chain.

  --json              print a JSON report on standard output at the end; everything else goes to standard error
  --data-dir DIR      keep data and logs in DIR (emptied at the start); default: a folder that a good run removes
  --slot-seconds S    seconds per slot (default 2); more for a busy machine
  --genesis-delay S   seconds until genesis, for slow machines (default 45)
  --help              this text
`;

/** Reads the command line of `npm run e2e:deposit`; "help" when that was asked for. @throws UsageError */
export function parseDepositOptions(argv: readonly string[]): DepositOptions | "help" {
  const values = read(argv);
  if (values.help === true) return "help";
  const slotSeconds = whole("--slot-seconds", values["slot-seconds"] ?? "2");
  if (slotSeconds < 1 || slotSeconds > 12) throw new UsageError("--slot-seconds: between 1 and 12");
  const genesisDelay = whole("--genesis-delay", values["genesis-delay"] ?? "45");
  if (genesisDelay < 15 || genesisDelay > 3600) throw new UsageError("--genesis-delay: between 15 and 3600 seconds");
  return {slotSeconds, genesisDelay, json: values.json ?? false, dataDir: values["data-dir"] ?? null};
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      allowPositionals: false,
      options: {
        json: {type: "boolean"},
        "data-dir": {type: "string"},
        "slot-seconds": {type: "string"},
        "genesis-delay": {type: "string"},
        help: {type: "boolean", short: "h"},
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split(". To specify")[0] ?? "");
  }
}
