/**
 * The SSZ containers of everything that is signed. Built on @chainsafe/ssz alone, because the keeper process imports
 * this and must stay small; every uint64 is a bigint, so no value of the wire is out of range. Field names are the
 * specs' own in camelCase and become snake_case in JSON.
 *
 * @see consensus-specs: phase0/beacon-chain.md, phase0/validator.md, altair/validator.md, capella/beacon-chain.md,
 * electra/beacon-chain.md, gloas/beacon-chain.md; builder-specs: bellatrix/builder.md
 */
import {
  BitListType,
  BitVectorType,
  ByteVectorType,
  type CompositeTypeAny,
  ContainerType,
  ProgressiveBitListType,
  ProgressiveContainerType,
  UintBigintType,
} from "@chainsafe/ssz";
import {FORK_NAMES, type ForkName} from "./network.js";
import type {Preset} from "./preset.js";

export const uint64 = new UintBigintType(8);
export const Bytes4 = new ByteVectorType(4);
export const Bytes20 = new ByteVectorType(20);
export const Bytes32 = new ByteVectorType(32);
export const Bytes48 = new ByteVectorType(48);
export const Bytes96 = new ByteVectorType(96);

/** JSON in snake_case, as in the beacon API. */
export const ETH2 = {jsonCase: "eth2"} as const;

export const ForkData = new ContainerType({currentVersion: Bytes4, genesisValidatorsRoot: Bytes32}, ETH2);
export const SigningData = new ContainerType({objectRoot: Bytes32, domain: Bytes32}, ETH2);

export const Checkpoint = new ContainerType({epoch: uint64, root: Bytes32}, ETH2);
export const AttestationData = new ContainerType(
  {slot: uint64, index: uint64, beaconBlockRoot: Bytes32, source: Checkpoint, target: Checkpoint},
  ETH2,
);
export const BeaconBlockHeader = new ContainerType(
  {slot: uint64, proposerIndex: uint64, parentRoot: Bytes32, stateRoot: Bytes32, bodyRoot: Bytes32},
  ETH2,
);

// A container of one field has that field's root, so these two hash like the bare uint64 that the spec signs.
export const AggregationSlot = new ContainerType({slot: uint64}, ETH2);
export const RandaoReveal = new ContainerType({epoch: uint64}, ETH2);

/** JSON only: what is signed is the block root itself. */
export const SyncCommitteeMessage = new ContainerType({beaconBlockRoot: Bytes32, slot: uint64}, ETH2);
export const SyncAggregatorSelectionData = new ContainerType({slot: uint64, subcommitteeIndex: uint64}, ETH2);

export const VoluntaryExit = new ContainerType({epoch: uint64, validatorIndex: uint64}, ETH2);
export const DepositMessage = new ContainerType(
  {pubkey: Bytes48, withdrawalCredentials: Bytes32, amount: uint64},
  ETH2,
);
/** What the deposit contract hashes into its tree. */
export const DepositData = new ContainerType({...DepositMessage.fields, signature: Bytes96}, ETH2);
/** JSON only: a DepositMessage and the fork version that goes into its domain. */
export const DepositRequest = new ContainerType({...DepositMessage.fields, genesisForkVersion: Bytes4}, ETH2);
export const ValidatorRegistration = new ContainerType(
  {feeRecipient: Bytes20, gasLimit: uint64, timestamp: uint64, pubkey: Bytes48},
  ETH2,
);
export const BlsToExecutionChange = new ContainerType(
  {validatorIndex: uint64, fromBlsPubkey: Bytes48, toExecutionAddress: Bytes20},
  ETH2,
);

const aggregateAndProof = <A extends CompositeTypeAny>(aggregate: A) =>
  new ContainerType({aggregatorIndex: uint64, aggregate, selectionProof: Bytes96}, ETH2);

function buildPresetContainers(preset: Preset) {
  const Attestation = new ContainerType(
    {aggregationBits: new BitListType(preset.maxValidatorsPerCommittee), data: AttestationData, signature: Bytes96},
    ETH2,
  );
  // From Electra on one aggregate covers all committees of a slot (EIP-7549).
  const slotBits = preset.maxValidatorsPerCommittee * preset.maxCommitteesPerSlot;
  const committeeBits = new BitVectorType(preset.maxCommitteesPerSlot);
  const AttestationElectra = new ContainerType(
    {aggregationBits: new BitListType(slotBits), data: AttestationData, signature: Bytes96, committeeBits},
    ETH2,
  );
  // Gloas keeps the fields and changes the hashing (EIP-7495, EIP-7916).
  const AttestationGloas = new ProgressiveContainerType(
    {
      aggregationBits: new ProgressiveBitListType({limit: slotBits}),
      data: AttestationData,
      signature: Bytes96,
      committeeBits,
    },
    [true, true, true, true],
    ETH2,
  );
  const SyncCommitteeContribution = new ContainerType(
    {
      slot: uint64,
      beaconBlockRoot: Bytes32,
      subcommitteeIndex: uint64,
      aggregationBits: new BitVectorType(preset.syncSubcommitteeSize),
      signature: Bytes96,
    },
    ETH2,
  );
  return {
    Attestation,
    AggregateAndProof: aggregateAndProof(Attestation),
    AggregateAndProofElectra: aggregateAndProof(AttestationElectra),
    AggregateAndProofGloas: aggregateAndProof(AttestationGloas),
    ContributionAndProof: new ContainerType(
      {aggregatorIndex: uint64, contribution: SyncCommitteeContribution, selectionProof: Bytes96},
      ETH2,
    ),
  };
}

const built = new WeakMap<Preset, ReturnType<typeof buildPresetContainers>>();

/** The containers whose bounds come from the preset; built once per preset. */
export function containersOf(preset: Preset): ReturnType<typeof buildPresetContainers> {
  let containers = built.get(preset);
  if (containers === undefined) {
    containers = buildPresetContainers(preset);
    built.set(preset, containers);
  }
  return containers;
}

const since = (fork: ForkName, first: ForkName): boolean => FORK_NAMES.indexOf(fork) >= FORK_NAMES.indexOf(first);

/** AggregateAndProof as the fork defines it. */
export function aggregateAndProofOf(preset: Preset, fork: ForkName) {
  const containers = containersOf(preset);
  if (since(fork, "gloas")) return containers.AggregateAndProofGloas;
  return since(fork, "electra") ? containers.AggregateAndProofElectra : containers.AggregateAndProof;
}
