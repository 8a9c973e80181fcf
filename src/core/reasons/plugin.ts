import type {Reason} from "./reason.js";

export const pluginReasons = {
  PLUGIN_VETO: {
    fault: "configuration",
    meaning: "A plugin of the operator refused the request.",
    action: "The plugin's own words stand beside this code; change its configuration if it should have allowed this.",
  },
} as const satisfies Record<string, Reason>;
