import type {Reason} from "./reason.js";

export const committeeReasons = {
  COMMITTEE_SIZE: {
    fault: "configuration",
    meaning: "A committee has a number of operators that is not 4, 7, 10 or 13.",
    action:
      "Use 4, 7, 10 or 13 operators; another number up to 13 needs --unsafe-threshold and gives up safety or liveness.",
  },
  COMMITTEE_THRESHOLD: {
    fault: "configuration",
    meaning: "A committee's threshold is not the safe one for its size (3 of 4, 5 of 7, 7 of 10, 9 of 13).",
    action: "Leave the threshold out; another one needs --unsafe-threshold and gives up safety or liveness.",
  },
  COMMITTEE_FILE_MALFORMED: {
    fault: "configuration",
    meaning: "A committee file is not JSON of the expected shape, or is too large.",
    action: "Take the file as `pleiades split` wrote it; the field named here is the first that is wrong.",
  },
  COMMITTEE_FILE_VERSION: {
    fault: "configuration",
    meaning: "A committee file has a version this software does not know.",
    action: "Update Pleiades on this machine.",
  },
  COMMITTEE_FILE_EDITED: {
    fault: "configuration",
    meaning: "A committee file does not match its checksum: something other than an address was changed.",
    action: "Take the original file again; only addresses may be edited by hand.",
  },
  COMMITTEE_OPERATOR_IDS: {
    fault: "configuration",
    meaning: "The operators of a committee are not numbered 1, 2, 3 … in order and without gaps.",
    action: "Take the file as `pleiades split` wrote it.",
  },
  COMMITTEE_DUPLICATE_PEER: {
    fault: "configuration",
    meaning: "Two operators, or two coordinators, of a committee have the same peer id.",
    action: "Give every operator a node key of its own; one machine must never hold two shares of a key.",
  },
  COMMITTEE_DUPLICATE_KEY: {
    fault: "configuration",
    meaning: "A public key occurs twice among the validators and shares of the committee files.",
    action: "Keep every validator in exactly one committee file, and split each key with fresh randomness.",
  },
  COMMITTEE_SHARES_INCONSISTENT: {
    fault: "configuration",
    meaning:
      "The share public keys of a validator do not belong together: no polynomial of the right degree joins them.",
    action: "Split the key again; with this file the committee could not sign, or fewer than t operators could.",
  },
  COMMITTEE_UNKNOWN_KEY: {
    fault: "caller",
    meaning: "No committee of this signer holds that validator's key.",
    action: "Compare the key with GET /api/v1/eth2/publicKeys; add its committee file and reload.",
  },
  COMMITTEE_HASH_MISMATCH: {
    fault: "configuration",
    meaning: "An operator answered for another committee file than the one it was asked about.",
    action: "Give the operator and the signer the same committee file, of the same generation.",
  },
  COMMITTEE_REFUSED: {
    fault: "caller",
    meaning: "So many operators refused to sign this message that no signature can come about.",
    action: "Read each operator's reason; a slashable message must not be asked for again.",
  },
  COMMITTEE_UNAVAILABLE: {
    fault: "network",
    meaning: "Too few operators could sign: the others are disconnected or failed.",
    action: "Read each operator's reason and bring enough of them back.",
  },
  COMMITTEE_TIMEOUT: {
    fault: "network",
    meaning: "Too few operators had signed when the request's deadline passed or its client left.",
    action: "Look for slow or hung operators in the health check and the metrics.",
  },
  COMMITTEE_NO_ANSWER: {
    fault: "operator",
    meaning: "The operator has not answered yet.",
    action: "Look at its machine and at the network between.",
  },
  COMMITTEE_SIGNED: {
    fault: "nobody",
    meaning: "The operator signed, but too few others did.",
    action: "Nothing on this operator; look at the others of the list.",
  },
  COMMITTEE_NOT_ASKED: {
    fault: "nobody",
    meaning: "The operator was not asked yet.",
    action: "Nothing; the others were asked first.",
  },
} as const satisfies Record<string, Reason>;
