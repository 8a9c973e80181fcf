import type {Reason} from "./reason.js";

export const thresholdReasons = {
  THRESHOLD_SCALAR_RANGE: {
    fault: "caller",
    meaning: "A secret scalar is not 32 bytes of a number between 1 and the curve order less 1.",
    action: "Check where the key, share or coefficient comes from; a keystore of another curve is a common cause.",
  },
  THRESHOLD_COEFFICIENTS: {
    fault: "caller",
    meaning: "A secret was to be split with the wrong number of random coefficients.",
    action: "Draw one less than the threshold.",
  },
  THRESHOLD_WEAK_SHARES: {
    fault: "environment",
    meaning: "The random coefficients give a zero share, two equal shares or a share that is the secret itself.",
    action: "Draw new coefficients; if it happens again, the machine's random generator is broken.",
  },
  THRESHOLD_SIGNER_SET: {
    fault: "bug",
    meaning: "A signature was to be combined from the wrong number of partials, or of operators that do not exist.",
    action: "Report it: the collector must hand over exactly as many different operators as the threshold.",
  },
  THRESHOLD_BAD_POINT: {
    fault: "operator",
    meaning: "Bytes that should be a public key or signature are not a valid point of the curve.",
    action: "Check the file or the operator they came from.",
  },
  THRESHOLD_INVALID_PARTIAL: {
    fault: "operator",
    meaning: "An operator sent a partial signature that fails against its share public key.",
    action: "Ask that operator to check its machine and share; it is asked last until the signer restarts.",
  },
  THRESHOLD_ROOT_DISAGREEMENT: {
    fault: "configuration",
    meaning: "Every partial signature failed, so this signer and its operators disagree on what was signed.",
    action: "Compare network, fork schedule and committee file of the signer with those of the operators.",
  },
  THRESHOLD_COMBINE_FAILED: {
    fault: "bug",
    meaning: "The partial signatures are valid one by one, but the signature combined from them is not.",
    action: "Report it with the committee file; nothing was released.",
  },
} as const satisfies Record<string, Reason>;
