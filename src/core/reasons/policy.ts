import type {Reason} from "./reason.js";

export const policyReasons = {} as const satisfies Record<string, Reason>;
