import type {Reason} from "./reason.js";

export const consensusReasons = {
  CONSENSUS_MALFORMED: {
    fault: "operator",
    meaning: "A message of an agreement has not the form it must have.",
    action: "Ask the sender which release it runs; nothing of the message was used.",
  },
} as const satisfies Record<string, Reason>;
