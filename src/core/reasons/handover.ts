import type {Reason} from "./reason.js";

export const handoverReasons = {
  KEEPER_HANDOVER_PAST: {
    fault: "configuration",
    meaning:
      "The share's time is over before the epoch of this duty: the key was handed over, or is being handed over.",
    action:
      "Give the signer the new committee file. While the ceremony still runs, finish or abort it; without either the old operators sign again once that epoch has come.",
  },
  KEEPER_HANDOVER_NOT_YET: {
    fault: "configuration",
    meaning: "The new share signs only duties after the handover epoch.",
    action: "Keep the old committee file at the signer until that epoch is over.",
  },
  KEEPER_HANDOVER_WAITING: {
    fault: "operator",
    meaning: "The new share signs nothing before enough of the old operators have retired.",
    action:
      "Look at `pleiades dkg status` for who has not, and have those operators started; old ones may also retire after the handover epoch.",
  },
  KEEPER_HANDOVER_UNDER_WAY: {
    fault: "caller",
    meaning: "Another ceremony that is to end this share's time is under way.",
    action: "Finish or abort that one first.",
  },
  KEEPER_HANDOVER_OTHER: {
    fault: "caller",
    meaning: "This share's time was ended for good by another ceremony.",
    action: "Finish that handover; an operator retires once from each generation of a key, for one ceremony.",
  },
  KEEPER_HANDOVER_RETIREMENTS: {
    fault: "operator",
    meaning: "There are fewer valid retirements than the old committee's threshold.",
    action: "Look at `pleiades dkg status` for old operators that have not retired, and start them.",
  },
  KEEPER_HANDOVER_NONE: {
    fault: "caller",
    meaning: "This operator has no such part in the handover.",
    action: "Only operators of the old committee retire, and only those of the new one take over.",
  },
  DKG_HANDOVER_EPOCH: {
    fault: "caller",
    meaning:
      "The handover epoch is too near or too far, or the ceremony's deadline lies behind it, or there is no clock to tell.",
    action:
      "Make a new definition with an epoch at least two ahead (and at most 10,000), and a deadline before its end; pin the network in the configuration.",
  },
} as const satisfies Record<string, Reason>;
