import type {Reason} from "./reason.js";

export const shareReasons = {
  SHARE_NOTHING_HELD: {
    fault: "caller",
    meaning: "This operator's store holds no such share.",
    action: "Check dataDir in the configuration and the key; a store is made when the operator starts.",
  },
  SHARE_KEYSTORE: {
    fault: "caller",
    meaning: "The file is damaged or is not the keystore of a share.",
    action: "Take the files that `pleiades share backup` wrote, unchanged.",
  },
  SHARE_NO_BACKUP: {
    fault: "caller",
    meaning: "There is no keystore of a share in that folder.",
    action: "Name the folder that `pleiades share backup --out` wrote.",
  },
  SHARE_COMMITTEE: {
    fault: "caller",
    meaning: "No committee file at hand says what this share is.",
    action: "Configure the committee file of the share's generation, or put it into the folder of the backup.",
  },
  SHARE_OLD_GENERATION: {
    fault: "caller",
    meaning: "The shares of this key were renewed since this backup was made; the share in it is of no use any more.",
    action:
      "Have the share rebuilt by the others with `pleiades share repair`, or take a newer backup. Destroy the old one.",
  },
  SHARE_WRONG_OPERATOR: {
    fault: "caller",
    meaning: "The share belongs to another operator of the committee than this node.",
    action:
      "Restore it on the node whose peer id stands in the committee file at its index: with the node.key of that operator. One share must never be on two machines.",
  },
  SHARE_MISMATCH: {
    fault: "caller",
    meaning: "A keystore's share is not the one whose public key stands in the committee file.",
    action: "Use the keystores and the committee file of one backup.",
  },
  SHARE_REPAIR_MESSAGE: {
    fault: "operator",
    meaning: "A message of a share's repair is malformed or not signed by whom it names.",
    action: "Check that all operators run the same version; otherwise the other side misbehaves.",
  },
  SHARE_NO_CONSENT: {
    fault: "caller",
    meaning: "This operator's owner has not consented to help that operator, or the consent has expired.",
    action:
      "Talk to the owner in person; if the loss is real, they run `pleiades share repair --help-operator` with the peer id of the operator that lost its share.",
  },
  SHARE_REPAIR_UNKNOWN: {
    fault: "environment",
    meaning:
      "The repair is not under way here: it ended, was replaced by a newer one, or the keeper was started again.",
    action: "Start the repair again; nothing was lost.",
  },
  SHARE_REPAIR_HELPERS: {
    fault: "environment",
    meaning: "Fewer operators help than the committee's threshold: without them the share cannot be rebuilt.",
    action:
      "Have the owners of at least a threshold of operators run `pleiades share repair --help-operator`, with their operators running, and try again. What is said of each operator tells why it did not help.",
  },
  SHARE_REPAIR_BUSY: {
    fault: "caller",
    meaning: "This operator is rebuilding shares already.",
    action: "Wait for the end of the other command, or stop it.",
  },
  SHARE_NO_ANSWER: {
    fault: "caller",
    meaning: "Nobody confirmed that this operator is to help rebuild another one's shares.",
    action: "Type yes when asked; without a terminal give --yes, once you know who is asking and why.",
  },
  SHARE_NOTHING_LOST: {
    fault: "caller",
    meaning: "This operator holds every share that the configured committee files say is its own.",
    action:
      "Configure the committee file of the lost shares under committees: and send SIGHUP; the file is public, any other operator has it.",
  },
} as const satisfies Record<string, Reason>;
