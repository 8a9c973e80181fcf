import type {Reason} from "./reason.js";

export const pluginReasons = {} as const satisfies Record<string, Reason>;
