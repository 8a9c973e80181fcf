import type {Reason} from "./reason.js";

export const splitReasons = {} as const satisfies Record<string, Reason>;
