import type {Reason} from "./reason.js";

export const cliReasons = {} as const satisfies Record<string, Reason>;
