import type {Reason} from "./reason.js";

export const configReasons = {} as const satisfies Record<string, Reason>;
