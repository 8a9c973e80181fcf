import type {Reason} from "./reason.js";

export const splitReasons = {
  SPLIT_NO_KEYSTORES: {
    fault: "caller",
    meaning: "There is no keystore where it was looked for.",
    action: "Name keystore files, or a folder that holds *.json keystores.",
  },
  SPLIT_KEYSTORE_INVALID: {
    fault: "caller",
    meaning: "A keystore is truncated or not an EIP-2335 keystore.",
    action: "Restore the file from your backup; nothing was written.",
  },
  SPLIT_KEYSTORE_PASSWORD: {
    fault: "caller",
    meaning: "A keystore does not open with its password.",
    action: "Correct the password file; nothing was written.",
  },
  SPLIT_PASSWORD_MISSING: {
    fault: "caller",
    meaning: "There is no password for a keystore.",
    action: "Give one file for all, or a folder with one <keystore name>.txt per keystore.",
  },
  SPLIT_KEYSTORE_DUPLICATE: {
    fault: "caller",
    meaning: "Two keystores hold the same key.",
    action: "Remove one of the two; one key with two sets of shares could sign twice.",
  },
  SPLIT_KEYSTORE_MISMATCH: {
    fault: "caller",
    meaning: "The secret of a keystore does not belong to the public key it names.",
    action: "Do not use this file: it is damaged or was edited. Make the keystore again from your mnemonic.",
  },
  SPLIT_OPERATORS: {
    fault: "caller",
    meaning: "The list of operators is not complete and unambiguous.",
    action: "Give ids 1 to n without gaps, each with its own peer id and at least one address: ID=PEERID@MULTIADDR.",
  },
  SPLIT_COORDINATOR: {
    fault: "caller",
    meaning: "No coordinator is named, so nobody could ask the operators to sign.",
    action: "Give --coordinator with the peer id that `pleiades init --role signer` printed.",
  },
  SPLIT_OUTPUT_EXISTS: {
    fault: "caller",
    meaning: "The output folder exists already.",
    action: "Choose a new folder; a split never overwrites another.",
  },
  SPLIT_WRONG_CHAIN: {
    fault: "caller",
    meaning: "The slashing protection file belongs to another chain.",
    action: "Export it again from the client that validates on this network.",
  },
  SPLIT_SELF_CHECK: {
    fault: "bug",
    meaning: "The shares that were made do not check out against the key.",
    action: "Nothing was written. Check the machine's memory and report this.",
  },
} as const satisfies Record<string, Reason>;
