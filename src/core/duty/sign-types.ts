/**
 * One row per sign type: everything the codec, the signing root and the policy need to know about it. A new type is
 * a new row here and a line in the policy.
 */
import type {Type} from "@chainsafe/ssz";
import {
  AggregationSlot,
  AttestationData,
  aggregateAndProofOf,
  BeaconBlockHeader,
  BlsToExecutionChange,
  containersOf,
  DepositMessage,
  DepositRequest,
  RandaoReveal,
  SigningData,
  SyncAggregatorSelectionData,
  SyncCommitteeMessage,
  ValidatorRegistration,
  VoluntaryExit,
} from "./containers.js";
import type {ForkName} from "./network.js";
import type {Preset} from "./preset.js";
import type {Messages, SignType} from "./sign-request.js";

/** Where the fork version and the genesis root of a domain come from. */
export type DomainRule =
  /** The fork at the message's epoch, and genesis_validators_root. */
  | "fork"
  /** As "fork" before Deneb; Capella's version from Deneb on (EIP-7044). */
  | "exit"
  /** The genesis fork version, and genesis_validators_root. */
  | "genesis"
  /** The genesis fork version and a zero root: valid before and on every fork of a chain. */
  | "genesis-no-root"
  /** The request states the whole domain. */
  | "given";

export interface SignTypeRow<T extends SignType> {
  /** Member of the request body that holds the message. */
  readonly jsonKey: string;
  /** For messages that name their fork: `{version, [versionedKey]: message}`. */
  readonly versionedKey: string | null;
  /** What the message looks like; `fork` is the named fork, phase0 where none is named. */
  readonly container: (preset: Preset, fork: ForkName) => Type<Messages[T]>;
  /** What is signed, where that is not the container's root. */
  readonly objectRoot: ((message: Messages[T]) => Uint8Array) | null;
  /** First byte of the domain type; the other three are zero but for the builder's. */
  readonly domainType: Uint8Array;
  readonly domainRule: DomainRule;
  /** The slot or epoch the message speaks of; null where it has none. */
  readonly time: (message: Messages[T]) => {readonly slot: bigint} | {readonly epoch: bigint} | null;
}

/** @see consensus-specs: "Domain types" of phase0, altair and capella. */
const beaconDomain = (n: number): Uint8Array => Uint8Array.of(n, 0, 0, 0);
/** DOMAIN_APPLICATION_BUILDER. @see builder-specs: bellatrix/builder.md */
const BUILDER_DOMAIN = Uint8Array.of(0, 0, 0, 1);

const fork = {versionedKey: null, objectRoot: null, domainRule: "fork"} as const;

const ROWS: {readonly [T in SignType]: SignTypeRow<T>} = {
  BLOCK_V2: {
    ...fork,
    jsonKey: "beacon_block",
    versionedKey: "block_header",
    container: () => BeaconBlockHeader,
    domainType: beaconDomain(0),
    time: ({slot}) => ({slot}),
  },
  ATTESTATION: {
    ...fork,
    jsonKey: "attestation",
    container: () => AttestationData,
    domainType: beaconDomain(1),
    time: ({target}) => ({epoch: target.epoch}),
  },
  AGGREGATION_SLOT: {
    ...fork,
    jsonKey: "aggregation_slot",
    container: () => AggregationSlot,
    domainType: beaconDomain(5),
    time: ({slot}) => ({slot}),
  },
  AGGREGATE_AND_PROOF: {
    ...fork,
    jsonKey: "aggregate_and_proof",
    container: (preset) => containersOf(preset).AggregateAndProof,
    domainType: beaconDomain(6),
    time: ({aggregate}) => ({slot: aggregate.data.slot}),
  },
  AGGREGATE_AND_PROOF_V2: {
    ...fork,
    jsonKey: "aggregate_and_proof",
    versionedKey: "data",
    container: aggregateAndProofOf,
    domainType: beaconDomain(6),
    time: ({aggregate}) => ({slot: aggregate.data.slot}),
  },
  RANDAO_REVEAL: {
    ...fork,
    jsonKey: "randao_reveal",
    container: () => RandaoReveal,
    domainType: beaconDomain(2),
    time: ({epoch}) => ({epoch}),
  },
  SYNC_COMMITTEE_MESSAGE: {
    ...fork,
    jsonKey: "sync_committee_message",
    container: () => SyncCommitteeMessage,
    objectRoot: ({beaconBlockRoot}) => beaconBlockRoot,
    domainType: beaconDomain(7),
    time: ({slot}) => ({slot}),
  },
  SYNC_COMMITTEE_SELECTION_PROOF: {
    ...fork,
    jsonKey: "sync_aggregator_selection_data",
    container: () => SyncAggregatorSelectionData,
    domainType: beaconDomain(8),
    time: ({slot}) => ({slot}),
  },
  SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF: {
    ...fork,
    jsonKey: "contribution_and_proof",
    container: (preset) => containersOf(preset).ContributionAndProof,
    domainType: beaconDomain(9),
    time: ({contribution}) => ({slot: contribution.slot}),
  },
  VOLUNTARY_EXIT: {
    ...fork,
    jsonKey: "voluntary_exit",
    container: () => VoluntaryExit,
    domainType: beaconDomain(4),
    domainRule: "exit",
    time: ({epoch}) => ({epoch}),
  },
  DEPOSIT: {
    ...fork,
    jsonKey: "deposit",
    container: () => DepositRequest,
    objectRoot: (message) => DepositMessage.hashTreeRoot(message),
    domainType: beaconDomain(3),
    domainRule: "genesis-no-root",
    time: () => null,
  },
  VALIDATOR_REGISTRATION: {
    ...fork,
    jsonKey: "validator_registration",
    container: () => ValidatorRegistration,
    domainType: BUILDER_DOMAIN,
    domainRule: "genesis-no-root",
    time: () => null,
  },
  // Lodestar's own addition; it writes the key in capitals.
  BLS_TO_EXECUTION_CHANGE: {
    ...fork,
    jsonKey: "BLS_TO_EXECUTION_CHANGE",
    container: () => BlsToExecutionChange,
    domainType: beaconDomain(10),
    domainRule: "genesis",
    time: () => null,
  },
  // The message is the SigningData itself, so its container's root is the signing root.
  GENERIC: {
    ...fork,
    jsonKey: "signing_data",
    container: () => SigningData,
    objectRoot: ({objectRoot}) => objectRoot,
    domainType: new Uint8Array(0),
    domainRule: "given",
    time: () => null,
  },
};

/** The row of a type. */
export const signTypeRow = <T extends SignType>(type: T): SignTypeRow<T> => ROWS[type];

/** True for names of SIGN_TYPES only, never for names an object inherits. */
export const isSignType = (raw: unknown): raw is SignType => typeof raw === "string" && Object.hasOwn(ROWS, raw);

/** DEPOSIT, VALIDATOR_REGISTRATION and GENERIC come without fork_info. */
export const hasForkInfo = (rule: DomainRule): boolean => rule !== "genesis-no-root" && rule !== "given";
