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
} as const satisfies Record<string, Reason>;
