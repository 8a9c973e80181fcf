import type {Reason} from "./reason.js";

export const peerReasons = {
  PEER_UNKNOWN: {
    fault: "bug",
    meaning: "A plugin wrote to a node that it had not named as its peer.",
    action: "Report it to the plugin's author: peers are named before they are written to.",
  },
  PEER_TOO_MANY: {
    fault: "caller",
    meaning: "A plugin asks for more peers than one plugin may have.",
    action: "Finish or abort some of what the plugin is doing with other operators first.",
  },
  PEER_TIMEOUT: {
    fault: "operator",
    meaning: "A peer took a plugin's question and did not answer it in time.",
    action: "Nothing to do once: the plugin asks again. If it goes on, look at that operator's log and load.",
  },
  PEER_NO_PLUGIN: {
    fault: "operator",
    meaning: "A peer's node does not run this plugin, or runs another version of its protocol.",
    action: "Ask that operator to add the plugin to its configuration, or to update its node.",
  },
  PEER_FAILED: {
    fault: "operator",
    meaning: "A peer's plugin failed while it worked on a message.",
    action: "Ask that operator to look into its log for the same code.",
  },
} as const satisfies Record<string, Reason>;
