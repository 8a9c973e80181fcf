import type {Reason} from "./reason.js";

export const distributedReasons = {
  DISTRIBUTED_NOT_COORDINATOR: {
    fault: "configuration",
    meaning: "The certificate is good, but it is not one of the coordinators this operator answers.",
    action: "Add its name or SHA-256 fingerprint to operator.distributed.coordinators if it shall be one.",
  },
  DISTRIBUTED_KEY_NOT_ALLOWED: {
    fault: "configuration",
    meaning: "This coordinator may not use this public key.",
    action: "Add the key to the coordinator's list in operator.distributed.coordinators if it shall use it.",
  },
  DISTRIBUTED_UNKNOWN_KEY: {
    fault: "configuration",
    meaning: "This operator holds no share of this public key.",
    action: "Ask for the validator's own (composite) key, and compare with GET /api/v1/eth2/distributed/accounts.",
  },
  DISTRIBUTED_ROOT_MISMATCH: {
    fault: "caller",
    meaning: "The signing root that came with the request is not the root of its message on this network.",
    action: "Check that the coordinator and this operator are configured for the same network and preset.",
  },
  DISTRIBUTED_ENDPOINTS: {
    fault: "configuration",
    meaning:
      "This operator does not know the https origins of all participants of the account, so it cannot describe it.",
    action: "Add the peer ids that are named to operator.distributed.participants; signing works without.",
  },
} as const satisfies Record<string, Reason>;
