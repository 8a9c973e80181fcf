/**
 * Block bodies of the two forks whose blocks the Web3Signer API sends whole. Our own containers rather than
 * @lodestar/types, whose numbers end at 2^53: a proposer may put any uint64 into its block.
 *
 * @see consensus-specs phase0/beacon-chain.md, altair/beacon-chain.md
 */
import {BitVectorType, ContainerType, ListBasicType, ListCompositeType, VectorCompositeType} from "@chainsafe/ssz";
import {
  AttestationData,
  BeaconBlockHeader,
  Bytes32,
  Bytes96,
  containersOf,
  DepositMessage,
  ETH2,
  uint64,
  VoluntaryExit,
} from "../core/duty/containers.js";
import type {Preset} from "../core/duty/preset.js";

// The same in both presets. @see consensus-specs presets/*/phase0.yaml
const MAX_PROPOSER_SLASHINGS = 16;
const MAX_ATTESTER_SLASHINGS = 2;
const MAX_ATTESTATIONS = 128;
const MAX_DEPOSITS = 16;
const MAX_VOLUNTARY_EXITS = 16;
/** DEPOSIT_CONTRACT_TREE_DEPTH, and one for the mixed-in length. */
const DEPOSIT_PROOF_LENGTH = 33;
const SYNC_COMMITTEE_SUBNET_COUNT = 4;

const Eth1Data = new ContainerType({depositRoot: Bytes32, depositCount: uint64, blockHash: Bytes32}, ETH2);
const SignedBeaconBlockHeader = new ContainerType({message: BeaconBlockHeader, signature: Bytes96}, ETH2);
const ProposerSlashing = new ContainerType(
  {signedHeader1: SignedBeaconBlockHeader, signedHeader2: SignedBeaconBlockHeader},
  ETH2,
);
const Deposit = new ContainerType(
  {
    proof: new VectorCompositeType(Bytes32, DEPOSIT_PROOF_LENGTH),
    data: new ContainerType({...DepositMessage.fields, signature: Bytes96}, ETH2),
  },
  ETH2,
);
const SignedVoluntaryExit = new ContainerType({message: VoluntaryExit, signature: Bytes96}, ETH2);

/** BeaconBlockBody of phase0 and of Altair for a preset. */
export function blockBodiesOf(preset: Preset) {
  const IndexedAttestation = new ContainerType(
    {
      attestingIndices: new ListBasicType(uint64, preset.maxValidatorsPerCommittee),
      data: AttestationData,
      signature: Bytes96,
    },
    ETH2,
  );
  const AttesterSlashing = new ContainerType(
    {attestation1: IndexedAttestation, attestation2: IndexedAttestation},
    ETH2,
  );
  const phase0 = new ContainerType(
    {
      randaoReveal: Bytes96,
      eth1Data: Eth1Data,
      graffiti: Bytes32,
      proposerSlashings: new ListCompositeType(ProposerSlashing, MAX_PROPOSER_SLASHINGS),
      attesterSlashings: new ListCompositeType(AttesterSlashing, MAX_ATTESTER_SLASHINGS),
      attestations: new ListCompositeType(containersOf(preset).Attestation, MAX_ATTESTATIONS),
      deposits: new ListCompositeType(Deposit, MAX_DEPOSITS),
      voluntaryExits: new ListCompositeType(SignedVoluntaryExit, MAX_VOLUNTARY_EXITS),
    },
    ETH2,
  );
  const syncCommitteeBits = new BitVectorType(preset.syncSubcommitteeSize * SYNC_COMMITTEE_SUBNET_COUNT);
  const SyncAggregate = new ContainerType({syncCommitteeBits, syncCommitteeSignature: Bytes96}, ETH2);
  return {phase0, altair: new ContainerType({...phase0.fields, syncAggregate: SyncAggregate}, ETH2)};
}
