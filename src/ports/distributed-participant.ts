import type {OperatorId, PubkeyHex, RootHex, SignatureHex, TraceId} from "../core/bytes.js";
import type {SignRequest} from "../core/duty/sign-request.js";
import type {ReasonCode} from "../core/errors.js";

/** A coordinator as this operator's configuration knows it; its certificate was verified before. */
export interface ProfileCoordinator {
  /** For logs and metrics. */
  readonly name: string;
  /** Composite (group) public keys it may list and use. */
  readonly keys: "all" | ReadonlySet<PubkeyHex>;
  /**
   * Its place among those who coordinate: 0 is never kept waiting. null: after every signer of the committee file, and in
   * the order of the configuration after each other.
   */
  readonly rank: number | null;
  /** Its place in the configuration, from 0. */
  readonly place: number;
}

/** One distributed account as the draft profile describes it. */
export interface DistributedAccount {
  /** Shamir coordinate of this operator's share. */
  readonly participantId: OperatorId;
  /** Public key of this operator's share. */
  readonly publicKey: PubkeyHex;
  readonly compositePublicKey: PubkeyHex;
  readonly threshold: number;
  readonly participants: readonly {readonly id: OperatorId; readonly endpoint: string}[];
}

export type PlainReply =
  /** `signature`: made with the unscaled share, 96 bytes compressed; it verifies under the share's public key. */
  | {readonly kind: "signed"; readonly participantId: OperatorId; readonly signature: SignatureHex}
  | {readonly kind: "refused"; readonly code: ReasonCode; readonly message: string};

/**
 * What an operator does for a coordinator that speaks the standard's distributed profile. Contract: `sign` never rejects
 * for anything the coordinator can cause; record, policy and keeper are those of every other way in, so one operator
 * never signs two conflicting messages, whichever way they come.
 */
export interface DistributedParticipant {
  /** Accounts this coordinator may use and whose participants are all known here. */
  accounts(coordinator: ProfileCoordinator): readonly DistributedAccount[];
  /** @throws DISTRIBUTED_KEY_NOT_ALLOWED · DISTRIBUTED_UNKNOWN_KEY · DISTRIBUTED_ENDPOINTS */
  account(coordinator: ProfileCoordinator, key: PubkeyHex): DistributedAccount;
  /**
   * @param signingRoot as this process computed it; a keeper that computes another one refuses
   * @param gone aborts when nobody waits for the answer any more
   */
  sign(
    coordinator: ProfileCoordinator,
    key: PubkeyHex,
    request: SignRequest,
    signingRoot: RootHex,
    more?: {readonly gone?: AbortSignal; readonly trace?: TraceId},
  ): Promise<PlainReply>;
}
