import type {PubkeyHex} from "../core/bytes.js";
import type {SignRequest, SignType} from "../core/duty/sign-request.js";
import type {ReasonCode} from "../core/errors.js";

/**
 * All vetoes of a node's plugins as one. May refuse a request that an operator was asked to sign, and can never permit
 * one: `approve` means no more than that nobody objects, and the keeper decides afterwards all the same. Synchronous, and
 * must return at once.
 */
export type VetoGate = (context: {
  /** Group public key. */
  readonly key: PubkeyHex;
  readonly type: SignType;
  readonly request: SignRequest;
}) => {readonly kind: "approve"} | {readonly kind: "deny"; readonly code: ReasonCode; readonly message: string};
