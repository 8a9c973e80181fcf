import type {Reason} from "./reason.js";

export const keeperReasons = {} as const satisfies Record<string, Reason>;
