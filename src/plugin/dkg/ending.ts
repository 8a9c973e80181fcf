import type {Ceremony} from "../../core/dkg/ceremony.js";
import type {SignedDefinition} from "../../core/dkg/definition.js";
import type {Failure, Output} from "../../core/dkg/state.js";

/** How a ceremony ended: exactly one of the two. */
export interface Ending {
  readonly output: Output | null;
  readonly failure: Failure | null;
}
/** Puts the keys to use, or throws the secrets away. Called again after a crash, so it may find its work done. */
export type Settle = (
  of: {ceremony: Ceremony; signed: SignedDefinition; self: number},
  ending: Ending,
) => Promise<void>;
