import type {Reason} from "./reason.js";

export const committeeReasons = {} as const satisfies Record<string, Reason>;
