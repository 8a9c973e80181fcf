/** What a consensus-spec preset decides about the messages a signer sees. @see consensus-specs presets/ */
export interface Preset {
  readonly name: "mainnet" | "minimal";
  readonly slotsPerEpoch: number;
  /** MAX_COMMITTEES_PER_SLOT: committee_bits of an Electra aggregate. */
  readonly maxCommitteesPerSlot: number;
  /** SYNC_COMMITTEE_SIZE / SYNC_COMMITTEE_SUBNET_COUNT: aggregation_bits of a contribution. */
  readonly syncSubcommitteeSize: number;
  /** MAX_VALIDATORS_PER_COMMITTEE. */
  readonly maxValidatorsPerCommittee: number;
}

export const PRESETS: {readonly [name in Preset["name"]]: Preset} = {
  mainnet: {
    name: "mainnet",
    slotsPerEpoch: 32,
    maxCommitteesPerSlot: 64,
    syncSubcommitteeSize: 128,
    maxValidatorsPerCommittee: 2048,
  },
  minimal: {
    name: "minimal",
    slotsPerEpoch: 8,
    maxCommitteesPerSlot: 4,
    syncSubcommitteeSize: 8,
    maxValidatorsPerCommittee: 2048,
  },
};
