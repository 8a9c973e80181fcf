import type {PeerIdText, PubkeyHex, RootHex, SignatureHex} from "../core/bytes.js";
import type {RetireBody} from "../core/dkg/items.js";
import type {SealedExit} from "../core/escrow/sealed.js";

export interface VaultAnnounce {
  readonly ceremony: RootHex;
  /** The participant's number. */
  readonly participant: number;
  readonly sealingKeys: readonly RootHex[];
  readonly commitment: RootHex | null;
}

export interface VaultDealing {
  readonly bytes: Uint8Array;
  readonly publicHash: RootHex;
  readonly chunkHash: RootHex;
  /** Those of the first call, in their one spelling, whatever was handed in since. */
  readonly announces: readonly string[];
  /** One for each recipient among those announces. */
  readonly ephemerals: readonly RootHex[];
}

export type VaultOpening =
  | {readonly kind: "ok"}
  /** A share in it is wrong: the secret of this pair's sealing key shows it to everybody. */
  | {readonly kind: "complaint"; readonly secret: RootHex}
  /** Everybody can see it. */
  | {readonly kind: "malformed"; readonly reason: string};

export interface VaultResult {
  /** Of this chunk's validators, computed in the vault from the commitments it checked itself. */
  readonly keys: readonly {readonly groupPublicKey: PubkeyHex; readonly sharePublicKeys: readonly PubkeyHex[]}[];
  /** Σ of this chunk's share proofs; the sum over all chunks is the result's proof. */
  readonly proof: SignatureHex;
  /** By validator and then by amount. As every partial signature: of the share divided by Δ. */
  readonly deposits: readonly SignatureHex[];
}

export interface VaultCeremony {
  readonly ceremony: RootHex;
  readonly state: "open" | "finished" | "aborted";
}

/**
 * Where the secrets of ceremonies are: seed, dealt shares, sums. Nothing that is returned, logged or thrown contains a seed
 * or a share; the one secret that comes out is a complaint's, of one pair's sealing key, after its dealer dealt wrongly.
 *
 * Contract (test/contract/ceremony-vault): everything is durable before anything derived from it is returned, so that a
 * call repeated after `kill -9` at any moment gives the same answer, bit for bit. What was decided once stays: the
 * definition of a nonce, the announces dealt on, one dealing of each dealer, the qualified dealings. A call that fails
 * can be repeated. Chunks are computed one at a time.
 */
export interface CeremonyVault {
  /** 32 bytes that journals at rest are encrypted with: the same for the life of this vault, and of no other use. */
  journalKey(): Promise<Uint8Array>;
  /**
   * Takes part as this peer in a definition that enough have signed; again: the same answer.
   * @throws DKG_DEFINITION_* · KEEPER_CEREMONY_NONCE · KEEPER_CEREMONY_LIMIT · KEEPER_CEREMONY_OVER ·
   *   KEEPER_CEREMONY_PEER · KEEPER_NETWORK_MISMATCH; of refresh and reshare also DKG_HANDOVER_EPOCH · KEEPER_HANDOVER_* ·
   *   KEEPER_UNKNOWN_KEY · KEEPER_OTHER_CREDENTIALS · KEEPER_OTHER_ESCROW
   */
  begin(definition: string, peerId: PeerIdText): Promise<VaultAnnounce>;
  /**
   * One chunk of this dealer's dealing, on the announces of the first call for ever.
   * @throws DKG_ITEM_* · KEEPER_CEREMONY_UNKNOWN · KEEPER_CEREMONY_ANNOUNCES
   */
  deal(
    ceremony: RootHex,
    input: {readonly announces: readonly string[]; readonly chunk: number},
  ): Promise<VaultDealing>;
  /**
   * Checks a chunk of another's dealing and keeps the shares in it. Only one dealing of each dealer is ever opened.
   * @throws DKG_ITEM_* · KEEPER_CEREMONY_UNKNOWN · KEEPER_CEREMONY_DEALING · KEEPER_CEREMONY_CHUNK
   */
  open(
    ceremony: RootHex,
    input: {readonly dealing: string; readonly chunk: number; readonly bytes: Uint8Array},
  ): Promise<VaultOpening>;
  /**
   * One chunk of the result, by the agreed dealings. The withdrawal credential of each key is recorded first.
   * @throws KEEPER_CEREMONY_UNKNOWN · KEEPER_CEREMONY_QUALIFIED · KEEPER_OTHER_CREDENTIALS · KEEPER_OTHER_ESCROW ·
   *   KEEPER_SHARE_MISMATCH
   */
  result(
    ceremony: RootHex,
    input: {
      readonly qualified: readonly {readonly dealer: number; readonly dealing: RootHex}[];
      readonly transcript: RootHex;
      readonly chunk: number;
    },
  ): Promise<VaultResult>;
  /**
   * Makes the shares the keeper's own and forgets everything else of the ceremony, in one commit; from then on they are
   * signed with: those of a refresh after the handover epoch, those of a reshare when {@link takeOver} has resolved.
   * Again: the same answer.
   * @throws KEEPER_CEREMONY_UNKNOWN · KEEPER_CEREMONY_QUALIFIED · KEEPER_CEREMONY_COMMITTEE · KEEPER_SECOND_SHARE ·
   *   KEEPER_CLOCK_REQUIRED
   */
  activate(ceremony: RootHex, committeeFile: string): Promise<{readonly keys: number}>;
  /**
   * Reshare: from here on, for good, the old shares sign nothing after the epoch that is answered; the answer proves it with
   * those shares. Once for each generation of a key, and only for one ceremony; late rather than never, also when the
   * ceremony was aborted here. Again: the same answer.
   * @throws KEEPER_CEREMONY_UNKNOWN · KEEPER_HANDOVER_OTHER · KEEPER_HANDOVER_NONE · KEEPER_UNKNOWN_KEY
   */
  retire(ceremony: RootHex, transcript: RootHex): Promise<RetireBody>;
  /**
   * Reshare, after {@link activate}: with retirements of as many different old operators as their threshold the new shares
   * are signed with, for what comes after the epoch that is answered. What is no valid retirement is passed over.
   * @param retirements texts of `retire` items
   * @throws KEEPER_CEREMONY_UNKNOWN · KEEPER_HANDOVER_RETIREMENTS · KEEPER_HANDOVER_NONE · DKG_ITEM_*
   */
  takeOver(ceremony: RootHex, retirements: readonly string[]): Promise<{readonly after: bigint}>;
  /** Forgets a ceremony under way; its nonce stays taken. @throws KEEPER_CEREMONY_UNKNOWN */
  abort(ceremony: RootHex): Promise<void>;
  /**
   * This operator's part of the exit that a key's definition lets an escrow holder have, sealed: it leaves in no other
   * form, and for no other holder than the one recorded when the key was made.
   * @throws KEEPER_NO_ESCROW · KEEPER_UNKNOWN_KEY · KEEPER_ESCROW_CHAIN
   */
  sealExit(key: PubkeyHex, validatorIndex: bigint): Promise<SealedExit>;
  status(): Promise<readonly VaultCeremony[]>;
}
