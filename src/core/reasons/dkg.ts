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
  DKG_OUTPUT_MALFORMED: {
    fault: "operator",
    meaning: "The file of a ceremony's public output has not the form it must have.",
    action: "Ask an operator of the committee for an untouched copy.",
  },
  DKG_OUTPUT_INVALID: {
    fault: "operator",
    meaning: "The public output of a ceremony does not hold: keys, signatures or proofs do not fit together.",
    action: "Don't use these keys; ask another operator of the committee for its copy of the file.",
  },
  DKG_DEALERS_MISSING: {
    fault: "operator",
    meaning: "Keys were to be computed without the shares or commitments of every qualified dealer.",
    action: "Fetch the missing dealings from the other operators; the ceremony can resume.",
  },
  DKG_MESSAGE: {
    fault: "operator",
    meaning: "A message between operators of a ceremony is not well-formed.",
    action: "Use the same release of Pleiades on every operator.",
  },
  DKG_CEREMONY_UNKNOWN: {
    fault: "caller",
    meaning: "This operator takes part in no such ceremony.",
    action: "Give it the signed definition with `pleiades dkg run`, or correct the id.",
  },
  DKG_CEREMONY_OVER: {
    fault: "caller",
    meaning: "The ceremony's deadline has passed, or it has ended already.",
    action: "Make a new definition with `pleiades dkg create`.",
  },
  DKG_NOT_PARTICIPANT: {
    fault: "caller",
    meaning: "This node is none of the ceremony's operators.",
    action: "Compare this node's peer id with those in the definition.",
  },
  DKG_JOURNAL_CORRUPT: {
    fault: "environment",
    meaning: "The journal of ceremonies is damaged, cut short, or of another version.",
    action:
      "Restore the folder if the disk can be repaired. Else move it away: what goes on cannot be resumed here, and finished keys are not affected. Never put an older copy in its place.",
  },
  DKG_JOURNAL_FAILED: {
    fault: "environment",
    meaning: "The journal of ceremonies could not be written, so its ceremonies were stopped where they are.",
    action: "Free space or repair the disk and start the operator again: they go on from what is durable.",
  },
} as const satisfies Record<string, Reason>;
