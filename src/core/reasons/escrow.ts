import type {Reason} from "./reason.js";

export const escrowReasons = {
  ESCROW_KEY_FILE: {
    fault: "caller",
    meaning: "This is not an escrow holder's key file, or others than its owner may read it.",
    action: "Name the file that `pleiades escrow init` wrote, with mode 600.",
  },
  ESCROW_PARTIAL_MALFORMED: {
    fault: "caller",
    meaning: "A file is not an operator's sealed part of an exit.",
    action: "Use the file as `pleiades escrow seal` wrote it, or leave it out: any t good ones are enough.",
  },
  ESCROW_COMMITTEE: {
    fault: "caller",
    meaning: "The sealed parts and the committee file don't make one validator's exit.",
    action: "Give the parts of one validator, and the committee file that its operators use.",
  },
  ESCROW_TOO_FEW: {
    fault: "operator",
    meaning: "Fewer good parts of one exit than the committee's threshold.",
    action: "Ask the operators that are missing or named here for theirs; those that were good stay good.",
  },
  ESCROW_CHAIN: {
    fault: "caller",
    meaning: "The exit is of another chain than the beacon node's, or of another validator than the node knows.",
    action: "Name a beacon node of the validator's chain. The opened exit is not published.",
  },
} as const satisfies Record<string, Reason>;
