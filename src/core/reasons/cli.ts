import type {Reason} from "./reason.js";

export const cliReasons = {
  CLI_USAGE: {
    fault: "caller",
    meaning: "The command line is not one Pleiades understands.",
    action: "See `pleiades <command> --help`.",
  },
  CLI_FILE: {
    fault: "environment",
    meaning: "A file cannot be read or written.",
    action: "Check the path, the permissions and the free space.",
  },
  CLI_PASSWORD_NEEDED: {
    fault: "caller",
    meaning: "A password is needed and there is no terminal to ask for it.",
    action: "Put it into a file with mode 0600 and name that file; passwords are never taken as arguments.",
  },
  CLI_PASSWORD_FILE: {
    fault: "configuration",
    meaning: "A password file is missing, empty or readable by others.",
    action: "Write the password as its first line and set mode 0600.",
  },
  CLI_INTEROP: {
    fault: "caller",
    meaning: "The interop range is not a pair of numbers like 0..7.",
    action: "Give the first and the last index, both included; at most 1024 keys.",
  },
  CLI_DOCTOR_PROBE_SIGNED: {
    fault: "environment",
    meaning:
      "An operator signed the doctor's probe, the exit of a validator that cannot exist, which policy always refuses.",
    action: "Nothing is lost by it, but that operator is not the software it says it is: ask its owner.",
  },
  CLI_LOCAL_DIR: {
    fault: "caller",
    meaning: "The data folder holds files that `pleiades local` did not write.",
    action: "Choose an empty or new folder.",
  },
  CLI_LOCAL_DIFFERS: {
    fault: "caller",
    meaning: "The data folder was prepared with other options.",
    action: "Leave the option out to reuse what is there, or choose another data folder.",
  },
  CLI_LOCAL_IN_USE: {
    fault: "caller",
    meaning: "Another `pleiades local` runs on this data folder.",
    action: "Stop it first, or choose another data folder.",
  },
  CLI_LOCAL_CHILD: {
    fault: "environment",
    meaning: "A process of the local committee ended or did not become ready.",
    action: "Its own error stands above and in its log file.",
  },
  CLI_LOCAL_NO_CLOCK: {
    fault: "caller",
    meaning: "The records of keys that may have signed before need the chain's clock.",
    action:
      "Give --network, or --genesis-time with --seconds-per-slot; or say --never-signed if these keys never signed.",
  },
  CLI_STOP_TIMEOUT: {
    fault: "bug",
    meaning: "The program did not stop in time and was ended.",
    action: "Nothing is lost: records are durable before anything is released. Report it if it happens again.",
  },
  CLI_PROTECTION: {
    fault: "caller",
    meaning: "The slashing protection command cannot be carried out as asked.",
    action: "Correct what is named; nothing was changed.",
  },
} as const satisfies Record<string, Reason>;
