import type {OperatorId, PubkeyHex, RootHex, SignatureHex, TraceId} from "../core/bytes.js";
import type {SignRequest} from "../core/duty/sign-request.js";
import type {ReasonCode} from "../core/errors.js";
import type {PeerStatus} from "./operator-link.js";

/** Why one operator gave no partial; an array of these is `data.operators` of the errors below. */
export interface OperatorFailure {
  readonly operatorId: OperatorId;
  readonly code: ReasonCode;
  readonly message: string;
}

/**
 * Turns one parsed request into one verified group signature. `trace` goes to the operators and into the logs.
 * @throws COMMITTEE_UNKNOWN_KEY · COMMITTEE_REFUSED (more than n−t operators refused for slashing or policy) ·
 * COMMITTEE_UNAVAILABLE (too few operators) · COMMITTEE_TIMEOUT (too slow); the last three carry `operators`.
 */
export interface SigningService {
  sign(
    key: PubkeyHex,
    request: SignRequest,
    signingRoot: RootHex,
    signal: AbortSignal,
    trace?: TraceId,
  ): Promise<SignatureHex>;
  publicKeys(): readonly PubkeyHex[];
  /** Highest recorded slot and epoch over the operators that answered before the signal; a watermark, not a permission. */
  highWatermark(signal: AbortSignal): Promise<{slot: bigint | null; epoch: bigint | null}>;
  health(): readonly CommitteeHealth[];
}

export interface CommitteeHealth {
  readonly keys: number;
  readonly n: number;
  readonly threshold: number;
  /** Connected and not missing its deadlines. */
  readonly healthyOperators: number;
  readonly operators: readonly (PeerStatus & {
    readonly operatorId: OperatorId;
    readonly healthy: boolean;
    readonly convicted: boolean;
    readonly latencyMs: number | null;
    readonly consecutiveMisses: number;
  })[];
}
