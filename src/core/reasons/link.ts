import type {Reason} from "./reason.js";

export const linkReasons = {} as const satisfies Record<string, Reason>;
