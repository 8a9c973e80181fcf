import type {PubkeyHex} from "../core/bytes.js";
import type {SignRequest, SignType} from "../core/duty/sign-request.js";

export interface VetoContext {
  /** Group public key. */
  readonly key: PubkeyHex;
  readonly type: SignType;
  readonly request: SignRequest;
}

/**
 * May refuse a request that an operator was asked to sign, and can never permit one: the keeper decides afterwards all the
 * same. Synchronous, and must return at once. A veto that throws refuses.
 */
export type Veto = (context: VetoContext) => {readonly message: string} | null;
