import type {Reason} from "./reason.js";

export const exitReasons = {
  EXIT_NODE: {
    fault: "environment",
    meaning: "The beacon node did not answer as a beacon node does.",
    action: "Check its URL and its log; nothing was published.",
  },
  EXIT_NODE_SYNCING: {
    fault: "environment",
    meaning: "The beacon node is still syncing, so it does not know the validator's state of today.",
    action: "Wait until it has synced, or name another node.",
  },
  EXIT_UNKNOWN_VALIDATOR: {
    fault: "caller",
    meaning: "The chain has no validator with this public key.",
    action: "Check the key and the beacon node's network; a deposit takes some hours until the chain knows its key.",
  },
  EXIT_NOT_ACTIVE: {
    fault: "caller",
    meaning: "The validator is not active yet: only an active one can leave.",
    action: "Wait for its activation. The stake is not lost: after that it can exit.",
  },
  EXIT_TOO_EARLY: {
    fault: "caller",
    meaning: "The chain lets a validator leave only SHARD_COMMITTEE_PERIOD epochs after its activation.",
    action: "Run the command again from the epoch that is named.",
  },
  EXIT_ALREADY: {
    fault: "nobody",
    meaning: "The validator is exiting or has exited already.",
    action:
      "Nothing is left to do: keep the committee running until the exit epoch, then the stake is withdrawn by itself.",
  },
  EXIT_EPOCH: {
    fault: "caller",
    meaning: "An exit with this epoch would be refused by the chain.",
    action: "Leave --epoch out, or give one between the two that are named.",
  },
  EXIT_NOT_PERMITTED: {
    fault: "configuration",
    meaning:
      "Too few operators permit this exit: each signs an exit only if exactly this message stands in its configuration.",
    action:
      "Have at least t operators add the permit that is shown to policy.permits in their configuration and start again; then repeat the command with the epoch that stands in it.",
  },
  EXIT_SIGNER: {
    fault: "environment",
    meaning: "The signer gave no signature for the message.",
    action: "See its answer here; nothing was published.",
  },
  EXIT_SIGNATURE: {
    fault: "operator",
    meaning: "What the signer gave is not this key's signature of this exit.",
    action:
      "Nothing was published. Check that the signer follows the beacon node's network, and which software it runs.",
  },
  EXIT_REFUSED: {
    fault: "network",
    meaning: "The beacon node refused the signed exit or credential change.",
    action:
      "Read its reason here. The message is signed: it can be published again, with any node, once the reason is gone.",
  },
  EXIT_NOT_CONFIRMED: {
    fault: "caller",
    meaning: "The exit was not confirmed. It cannot be undone: the validator can never be active again.",
    action: "Type the word that is asked for, or give --yes where there is no terminal.",
  },
  EXIT_NOT_SEEN: {
    fault: "network",
    meaning: "The exit was published, and the beacon node does not show the validator exiting within the time waited.",
    action: "Look again later: an exit stays in the pool until a block includes it. Publishing it again does no harm.",
  },
  CHANGE_MADE: {
    fault: "nobody",
    meaning: "The validator's withdrawals go to an execution address already; the chain takes no other.",
    action: "Nothing is left to do if the address is yours.",
  },
  CHANGE_OTHER_KEY: {
    fault: "caller",
    meaning: "The validator's withdrawal credentials are of another key than the validator's own.",
    action: "Whoever holds that withdrawal key can change them; this committee cannot.",
  },
  CHANGE_NOT_PERMITTED: {
    fault: "configuration",
    meaning:
      "Too few operators sign this change: the key's definition names another address or none, and their configuration has no permit for it.",
    action:
      "Give the address that the key's definition names. For a key that was split, have at least t operators add the permit that is shown to policy.permits and start again.",
  },
  CHANGE_NOT_CONFIRMED: {
    fault: "caller",
    meaning: "The change was not confirmed. It can be made once, for ever.",
    action: "Type yes, or give --yes where there is no terminal.",
  },
  CHANGE_NOT_SEEN: {
    fault: "network",
    meaning: "The change was published, and the beacon node does not show it within the time waited.",
    action: "Look again later: it stays in the pool until a block includes it.",
  },
} as const satisfies Record<string, Reason>;
