import type {Reason} from "./reason.js";

export const httpReasons = {} as const satisfies Record<string, Reason>;
