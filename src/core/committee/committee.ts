import type {OperatorId, PeerIdText, PubkeyHex, RootHex} from "../bytes.js";

/** One operator of a committee. */
export interface CommitteeOperator {
  readonly id: OperatorId;
  readonly peerId: PeerIdText;
  /**
   * Multiaddrs without the /p2p suffix, or the https origin of a participant of the distributed profile. Not part of any
   * hash: an operator may move house.
   */
  readonly addresses: readonly string[];
}

/** One validator of a committee: its key as the chain knows it and one public key per share, ordered by index 1…n. */
export interface CommitteeValidator {
  readonly groupPublicKey: PubkeyHex;
  readonly sharePublicKeys: readonly PubkeyHex[];
  /**
   * Names generation, n, t and the share public keys. Requests and partials carry it; a mismatch is a refusal, never
   * blame. @see committeeHash
   */
  readonly committeeHash: RootHex;
}

/** A committee file, parsed and verified. */
export interface Committee {
  readonly version: 1;
  /** 0 at the split or DKG; each refresh or reshare adds one. */
  readonly generation: number;
  readonly genesisValidatorsRoot: RootHex | null;
  /** t: partial signatures that make a signature. */
  readonly threshold: number;
  /** Ids 1…n without gaps. */
  readonly operators: readonly CommitteeOperator[];
  /** Peer ids that may ask this committee's operators for partial signatures. Their order is their rank. */
  readonly coordinators: readonly PeerIdText[];
  readonly validators: readonly CommitteeValidator[];
}
