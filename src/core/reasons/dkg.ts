import type {Reason} from "./reason.js";

export const dkgReasons = {
  DKG_DEFINITION_MALFORMED: {
    fault: "configuration",
    meaning: "A ceremony definition has a missing, unknown or impossible value.",
    action: "Make it with `pleiades dkg create`; don't edit it by hand.",
  },
  DKG_DEFINITION_VERSION: {
    fault: "configuration",
    meaning: "A ceremony definition has a version this release does not know.",
    action: "Use the same release of Pleiades on every operator.",
  },
  DKG_DEFINITION_SIGNATURE: {
    fault: "operator",
    meaning:
      "A signature under a ceremony definition is not that operator's: the definition was changed after it was signed.",
    action: "Ask who sent it for the original; every operator signs again what was changed on purpose.",
  },
  DKG_DEFINITION_UNSIGNED: {
    fault: "operator",
    meaning: "Operators that have to sign the ceremony definition have not.",
    action: "Send the definition to the operators named; each signs it before the ceremony runs.",
  },
  DKG_ITEM_MALFORMED: {
    fault: "operator",
    meaning: "A message of a ceremony has not the form it must have.",
    action: "Ask the sender which release it runs; nothing of the message was used.",
  },
  DKG_ITEM_SIGNATURE: {
    fault: "operator",
    meaning: "A message of a ceremony is not signed by the operator it names.",
    action: "Nothing of it was used; ask the sender to check its machine.",
  },
  DKG_ITEM_OTHER_CEREMONY: {
    fault: "operator",
    meaning: "A message belongs to another ceremony.",
    action: "Nothing of it was used; compare the ceremony ids on both sides.",
  },
  DKG_CHUNK_MALFORMED: {
    fault: "operator",
    meaning:
      "A part of a dealing is malformed: wrong length, a point that is none, or a proof of possession that fails.",
    action: "The dealer is excluded; ask its operator to check its machine and release.",
  },
  DKG_SHARE_CONSTANT: {
    fault: "operator",
    meaning: "A share to be dealt again does not belong to the dealer's share public key.",
    action: "Compare the committee file of the ceremony with the share in the keeper.",
  },
  DKG_DEALERS_MISSING: {
    fault: "operator",
    meaning: "Keys were to be computed without the shares or commitments of every qualified dealer.",
    action: "Fetch the missing dealings from the other operators; the ceremony can resume.",
  },
  DKG_FILE_MALFORMED: {
    fault: "configuration",
    meaning: "A ceremony file has a missing, unknown or impossible value, or was cut short.",
    action: "Take the file from another operator: each has the same.",
  },
  DKG_FILE_VERSION: {
    fault: "configuration",
    meaning: "A ceremony file has a version this release does not know.",
    action: "Read it with the release that wrote it, or a newer one.",
  },
  DKG_FILE_TRANSCRIPT: {
    fault: "configuration",
    meaning:
      "The keys of a ceremony file are not those whose transcript the operators signed: it was changed afterwards.",
    action: "Don't use it and don't deposit for its keys; take the file from another operator.",
  },
  DKG_FILE_RESULT: {
    fault: "operator",
    meaning:
      "An operator's result in a ceremony file does not prove that it holds its shares, or signs another deposit.",
    action: "Don't use it and don't deposit for its keys; take the file from another operator.",
  },
  DKG_FILE_INCOMPLETE: {
    fault: "configuration",
    meaning: "Fewer operators than the definition requires have proved their shares.",
    action: "Wait until the operators named have finished the ceremony, and take the file again.",
  },
} as const satisfies Record<string, Reason>;
