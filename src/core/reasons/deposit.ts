import type {Reason} from "./reason.js";

export const depositReasons = {
  DEPOSIT_FILE: {
    fault: "caller",
    meaning: "A deposit data file, or a file of credential changes, is not one.",
    action: "Use the file as the tool wrote it; what is wrong in it is named.",
  },
  DEPOSIT_CREDENTIALS: {
    fault: "caller",
    meaning: "The withdrawal credentials are neither 0x01 of an address nor 0x00 of a BLS key.",
    action: "Make the deposit data again; never deposit to credentials that nobody can withdraw with.",
  },
  DEPOSIT_AMOUNT: {
    fault: "caller",
    meaning: "The deposit's amount is not one the deposit contract takes.",
    action: "Give at least 1 ETH (1000000000 Gwei) and at most 2048.",
  },
  DEPOSIT_NETWORK: {
    fault: "caller",
    meaning: "The deposit data is of another network: a deposit there would be lost.",
    action: "Use the deposit data of the network you deposit on; both are named.",
  },
  DEPOSIT_ROOT: {
    fault: "caller",
    meaning: "A root in the deposit data is not the root of what stands beside it: the file was changed or is damaged.",
    action: "Do not deposit with it. Fetch it again from where it was made.",
  },
  DEPOSIT_SIGNATURE: {
    fault: "caller",
    meaning:
      "The signature in the file does not verify. The chain would keep the deposit and never make a validator of it.",
    action: "Do not send it. Have it signed again.",
  },
} as const satisfies Record<string, Reason>;
