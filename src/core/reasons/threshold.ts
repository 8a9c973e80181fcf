import type {Reason} from "./reason.js";

export const thresholdReasons = {} as const satisfies Record<string, Reason>;
