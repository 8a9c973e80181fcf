import type {PeerIdText, PubkeyHex, RootHex, ShareIndex} from "../core/bytes.js";
import type {CommitteeOperator} from "../core/committee/committee.js";

/** Shares of one committee that are an operator's and that it does not hold. */
export interface LostShares {
  readonly generation: number;
  readonly threshold: number;
  readonly index: ShareIndex;
  readonly operators: readonly CommitteeOperator[];
  readonly shares: readonly {readonly groupPublicKey: PubkeyHex; readonly committeeHash: RootHex}[];
}

export interface RepairConsent {
  /** Keys of which this operator could help with a share. */
  readonly keys: readonly PubkeyHex[];
  /** The operator that may ask, as the committee files have it. */
  readonly owner: CommitteeOperator;
  /** Unix milliseconds. */
  readonly until: number;
}

export type RepairSummed =
  | {readonly kind: "sums"; readonly ephemeral: RootHex; readonly sealed: Uint8Array}
  /** The helper at `from` sealed something else than it committed to; the secret of the one key it sealed to shows it. */
  | {readonly kind: "complaint"; readonly from: number; readonly secret: RootHex};

export type RepairEnd =
  | {readonly kind: "rebuilt"; readonly keys: readonly PubkeyHex[]}
  /** This helper's sums are not those of the dealings; nothing was taken. */
  | {readonly kind: "liar"; readonly place: number};

/**
 * The keeper's part of rebuilding shares that an operator lost, with the help of t others. Helpers stand in a request by
 * their index, ascending; a *place* is a position in that list. No call returns a share, a term of one, or a summand,
 * except sealed to another keeper; but for a complaint, which shows the summand of a helper that lied.
 *
 * Contract (test/contract/share-repair): nothing is given to anybody but the peer that the keeper's own committee files
 * name at the index of the lost share, and only while the owner of this operator consents. One session for each lost
 * share: a newer request ends the one before. Sessions live in memory: after a crash the repair starts again.
 * A rebuilt share is durable, with its record at the floor, and signed with when `rebuild` has resolved.
 */
export interface ShareRepair {
  /** What this operator lacks, of the newest generation it knows. */
  lost(self: PeerIdText): Promise<readonly LostShares[]>;
  /**
   * Begins a repair: the request's text, to be signed by this node. @param helpers t operators' indices, ascending
   * @throws SHARE_COMMITTEE · SHARE_REPAIR_MESSAGE
   */
  ask(input: {
    readonly self: PeerIdText;
    readonly shares: readonly RootHex[];
    readonly helpers: readonly number[];
  }): Promise<{readonly session: RootHex; readonly request: string}>;
  /** Why a dealing is none, in words; null when it is, and then it is kept. @throws SHARE_REPAIR_UNKNOWN */
  check(session: RootHex, input: {readonly place: number; readonly dealing: unknown}): Promise<string | null>;
  /** Who lied, a place: by a complaint of the helper at `by`. @throws SHARE_REPAIR_UNKNOWN · SHARE_REPAIR_MESSAGE */
  judge(
    session: RootHex,
    input: {readonly by: number; readonly from: number; readonly secret: string; readonly announce: unknown},
  ): Promise<number>;
  /** Takes the shares back, from every helper's sums by place. @throws SHARE_REPAIR_UNKNOWN · KEEPER_CLOCK_REQUIRED */
  rebuild(
    session: RootHex,
    sums: readonly {readonly ephemeral: string; readonly sealed: Uint8Array}[],
  ): Promise<RepairEnd>;
  /**
   * The owner of this operator consents for some minutes to help that one; 0 minutes end it.
   * @throws SHARE_COMMITTEE when no committee file of a share held here names that peer
   */
  consent(input: {readonly owner: PeerIdText; readonly minutes: number}): Promise<RepairConsent>;
  /** @throws SHARE_NO_CONSENT · SHARE_WRONG_OPERATOR · SHARE_OLD_GENERATION · SHARE_COMMITTEE · SHARE_REPAIR_MESSAGE */
  announce(input: {
    readonly request: string;
    readonly signature: Uint8Array;
    /** Who is at the other end of the connection. */
    readonly from: PeerIdText;
  }): Promise<{readonly session: RootHex; readonly place: number; readonly keys: readonly RootHex[]}>;
  /** @param announces by place @throws SHARE_NO_CONSENT · SHARE_REPAIR_UNKNOWN · SHARE_REPAIR_MESSAGE */
  deal(
    session: RootHex,
    input: {readonly from: PeerIdText; readonly announces: readonly unknown[]},
  ): Promise<{
    readonly place: number;
    readonly head: {readonly ephemerals: readonly RootHex[]; readonly columns: readonly RootHex[]};
    readonly columns: readonly {readonly commitments: Uint8Array; readonly sealed: Uint8Array}[];
  }>;
  /**
   * The last step: the session is then over here. @param dealings by place: each head, and this helper's column
   * @throws SHARE_NO_CONSENT · SHARE_REPAIR_UNKNOWN · SHARE_REPAIR_MESSAGE
   */
  sum(
    session: RootHex,
    input: {
      readonly from: PeerIdText;
      readonly dealings: readonly {readonly head: unknown; readonly column: unknown}[];
    },
  ): Promise<RepairSummed>;
}
