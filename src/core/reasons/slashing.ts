import type {Reason} from "./reason.js";

export const slashingReasons = {} as const satisfies Record<string, Reason>;
