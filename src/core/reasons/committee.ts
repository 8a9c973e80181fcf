import type {Reason} from "./reason.js";

export const committeeReasons = {
  COMMITTEE_UNKNOWN_KEY: {
    fault: "caller",
    meaning: "No committee of this signer signs for this public key.",
    action: "Compare with GET /api/v1/eth2/publicKeys; after adding a committee file, POST /reload.",
  },
  COMMITTEE_REFUSED: {
    fault: "caller",
    meaning: "Too many operators refused to sign this message.",
    action:
      "Read the reason of each operator; a slashing refusal means that the message conflicts with an earlier one.",
  },
  COMMITTEE_UNAVAILABLE: {
    fault: "operator",
    meaning: "Too few operators can sign at the moment.",
    action: "Read the reason of each operator and bring back those that are down.",
  },
  COMMITTEE_TIMEOUT: {
    fault: "operator",
    meaning: "Too few operators answered in time.",
    action: "Read the reason of each operator; look at the load and the network of the slow ones.",
  },
} as const satisfies Record<string, Reason>;
