import type {Bytes4Hex, RootHex} from "../bytes.js";
import type {ForkName} from "./network.js";

/**
 * The messages a validator client asks to be signed, as one union: type decides the shape of `message`. Numbers are
 * uint64 bigints; byte strings are Uint8Arrays; names are the consensus specs' own (snake_case on the wire).
 *
 * A block is always its header: hash_tree_root(BeaconBlock) = hash_tree_root(BeaconBlockHeader), so the HTTP codec turns
 * a full block into its header and nothing behind it ever carries a block body.
 */
export interface Checkpoint {
  epoch: bigint;
  root: Uint8Array;
}
export interface AttestationData {
  slot: bigint;
  index: bigint;
  beaconBlockRoot: Uint8Array;
  source: Checkpoint;
  target: Checkpoint;
}
export interface BeaconBlockHeader {
  slot: bigint;
  proposerIndex: bigint;
  parentRoot: Uint8Array;
  stateRoot: Uint8Array;
  bodyRoot: Uint8Array;
}

export interface ForkInfo {
  readonly previousVersion: Bytes4Hex;
  readonly currentVersion: Bytes4Hex;
  /** The spec means the fork's epoch; Lodestar sends the signing epoch. Both are tolerated. */
  readonly epoch: bigint;
  readonly genesisValidatorsRoot: RootHex;
}

/** Every type of the Web3Signer API, Lodestar's BLS_TO_EXECUTION_CHANGE, and the draft standard's GENERIC. */
export const SIGN_TYPES = [
  "BLOCK_V2",
  "ATTESTATION",
  "AGGREGATION_SLOT",
  "AGGREGATE_AND_PROOF",
  "AGGREGATE_AND_PROOF_V2",
  "RANDAO_REVEAL",
  "SYNC_COMMITTEE_MESSAGE",
  "SYNC_COMMITTEE_SELECTION_PROOF",
  "SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF",
  "VOLUNTARY_EXIT",
  "DEPOSIT",
  "VALIDATOR_REGISTRATION",
  "BLS_TO_EXECUTION_CHANGE",
  "GENERIC",
] as const;
export type SignType = (typeof SIGN_TYPES)[number];

/**
 * Types one request may ask of many keys: those whose message does not name a validator.
 * @see draft distributed profile of the remote signing API, batch signing
 */
export const BATCH_TYPES: ReadonlySet<SignType> = new Set<SignType>([
  "AGGREGATION_SLOT",
  "ATTESTATION",
  "GENERIC",
  "RANDAO_REVEAL",
  "SYNC_COMMITTEE_MESSAGE",
  "SYNC_COMMITTEE_SELECTION_PROOF",
]);

/** @see consensus-specs: phase0/validator.md, altair/validator.md, capella/beacon-chain.md; builder-specs. */
export interface Messages {
  BLOCK_V2: BeaconBlockHeader;
  ATTESTATION: AttestationData;
  AGGREGATION_SLOT: {slot: bigint};
  /** `aggregate` is phase0.Attestation. */
  AGGREGATE_AND_PROOF: AggregateAndProof;
  /** `aggregate` is electra.Attestation from Electra on, phase0.Attestation before. */
  AGGREGATE_AND_PROOF_V2: AggregateAndProof;
  RANDAO_REVEAL: {epoch: bigint};
  SYNC_COMMITTEE_MESSAGE: {slot: bigint; beaconBlockRoot: Uint8Array};
  SYNC_COMMITTEE_SELECTION_PROOF: {slot: bigint; subcommitteeIndex: bigint};
  SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF: ContributionAndProof;
  VOLUNTARY_EXIT: {epoch: bigint; validatorIndex: bigint};
  /** `genesisForkVersion` comes with the request and must equal the pinned one. */
  DEPOSIT: {pubkey: Uint8Array; withdrawalCredentials: Uint8Array; amount: bigint; genesisForkVersion: Uint8Array};
  VALIDATOR_REGISTRATION: {feeRecipient: Uint8Array; gasLimit: bigint; timestamp: bigint; pubkey: Uint8Array};
  BLS_TO_EXECUTION_CHANGE: {validatorIndex: bigint; fromBlsPubkey: Uint8Array; toExecutionAddress: Uint8Array};
  GENERIC: {objectRoot: Uint8Array; domain: Uint8Array};
}
export interface AggregateAndProof {
  aggregatorIndex: bigint;
  /** SSZ value of the fork's Attestation; only its data is read, everything is hashed. */
  aggregate: {data: AttestationData; signature: Uint8Array} & Record<string, unknown>;
  selectionProof: Uint8Array;
}
export interface ContributionAndProof {
  aggregatorIndex: bigint;
  contribution: {slot: bigint; beaconBlockRoot: Uint8Array; subcommitteeIndex: bigint} & Record<string, unknown>;
  selectionProof: Uint8Array;
}

interface Request<T extends SignType> {
  readonly type: T;
  readonly message: Messages[T];
  /** Absent for DEPOSIT, VALIDATOR_REGISTRATION and GENERIC. */
  readonly forkInfo: ForkInfo | null;
  /** The fork named by BLOCK_V2 and AGGREGATE_AND_PROOF_V2, else null. */
  readonly version: ForkName | null;
}
export type SignRequest = {[T in SignType]: Request<T>}[SignType];

/**
 * A SignRequest as JSON: the Web3Signer body, blocks as `block_header`. It is what travels from signer to operator to
 * keeper; each parses it again with parseSignRequest. The coordinator adds the signingRoot it computed: a keeper that
 * computes another one refuses, where its partial would otherwise look like a lie.
 */
export type WireRequest = {readonly type: SignType} & {readonly [key: string]: unknown};

/** Lower is more urgent: a missed block costs most, then attestations; selection proofs gate whole epochs. */
export const PRIORITY = {block: 0, attestation: 1, selectionProof: 2, rest: 3} as const;
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY];

export function priorityOf(type: SignType): Priority {
  switch (type) {
    case "BLOCK_V2":
      return PRIORITY.block;
    case "ATTESTATION":
      return PRIORITY.attestation;
    case "AGGREGATION_SLOT":
    case "SYNC_COMMITTEE_SELECTION_PROOF":
      return PRIORITY.selectionProof;
    default:
      return PRIORITY.rest;
  }
}
