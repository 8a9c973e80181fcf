import type {Reason} from "./reason.js";

export const controlReasons = {
  CONTROL_NO_OPERATOR: {
    fault: "caller",
    meaning: "No operator that runs this plugin answers on the control socket of this configuration.",
    action:
      "Start `pleiades operator` with the same configuration and the plugin in it, as the same user, and try again.",
  },
  CONTROL_SOCKET: {
    fault: "environment",
    meaning: "The control socket cannot be opened.",
    action: "Check that dataDir belongs to the user who runs the operator, and the free space.",
  },
  CONTROL_PATH: {
    fault: "configuration",
    meaning: "The path of the control socket is longer than the system allows for one.",
    action: "Choose a shorter dataDir, or start from a folder closer to it.",
  },
  CONTROL_IN_USE: {
    fault: "environment",
    meaning: "Another running operator holds the control socket of this dataDir.",
    action: "Stop it first: two operators must never share one dataDir.",
  },
  CONTROL_ANSWER: {
    fault: "bug",
    meaning: "The operator's answer on the control socket broke off, is too large, or is not one this command can use.",
    action: "Look into the operator's log. If it is of another version than this command, update the older one.",
  },
} as const satisfies Record<string, Reason>;
