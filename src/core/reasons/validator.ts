import type {Reason} from "./reason.js";

export const validatorReasons = {
  VALIDATOR_CLIENT_MISSING: {
    fault: "configuration",
    meaning: "Lodestar's validator client is not installed here; it is an optional part of Pleiades.",
    action:
      "Install it by the lines above, into a folder of its own, and name that folder with --validator-from. Or run `pleiades signer` and any client with the signer's URL.",
  },
  VALIDATOR_CLIENT_VERSION: {
    fault: "configuration",
    meaning: "The validator client found is not the version this command is made for and proven with.",
    action:
      "Install the version that is named, by the lines above; for any other version run `pleiades signer` and start that client with its URL.",
  },
  VALIDATOR_CLIENT_TOO_OLD: {
    fault: "configuration",
    meaning: "The chain has a fork that Lodestar 1.5.1 does not know (Deneb or later), so it cannot do duties there.",
    action:
      "Run `pleiades signer`, and a current Lodestar with --externalSigner.url: the committee is the same, and so are the operators.",
  },
  VALIDATOR_CLIENT_START: {
    fault: "environment",
    meaning: "The validator client did not start.",
    action: "See its own reason here and in the log.",
  },
  VALIDATOR_CLIENT_STOPPED: {
    fault: "environment",
    meaning: "The validator client asked to be stopped.",
    action:
      "See its reason here. After a doppelganger was seen, find the second signer of these keys before anything is started again.",
  },
  VALIDATOR_DATABASE: {
    fault: "environment",
    meaning: "The client's own slashing protection database cannot be opened.",
    action:
      "Check that no other `pleiades validator` runs on this dataDir, and that the folder named here can be written.",
  },
  VALIDATOR_OTHER_CHAIN: {
    fault: "configuration",
    meaning: "The beacon node follows another chain than the one pinned in the configuration.",
    action: "Name a beacon node of the configured chain, or the configuration file of the node's chain.",
  },
} as const satisfies Record<string, Reason>;
