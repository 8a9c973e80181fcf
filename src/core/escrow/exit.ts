/** The one exit of a validator that is given into escrow, and what is signed for it. */
import {asEpoch, type Bytes4Hex, type Epoch, fromHex, type RootHex} from "../bytes.js";
import {SigningData, VoluntaryExit} from "../duty/containers.js";
import {computeDomain} from "../duty/domain.js";
import type {Network} from "../duty/network.js";
import {PleiadesError} from "../errors.js";

export interface EscrowedExit {
  readonly validatorIndex: bigint;
  readonly epoch: Epoch;
  /** Capella's. */
  readonly forkVersion: Bytes4Hex;
}

/** @see consensus-specs phase0/beacon-chain.md "DOMAIN_VOLUNTARY_EXIT" */
const DOMAIN_TYPE = Uint8Array.of(4, 0, 0, 0);

/**
 * The exit of Deneb's first epoch: the earliest that holds for ever (EIP-7044), and the same for every operator whenever it is asked,
 * also before the validator is active. The chain takes an exit from its epoch on, once the validator has been active for
 * SHARD_COMMITTEE_PERIOD epochs.
 * @throws KEEPER_ESCROW_CHAIN
 */
export function escrowedExit({forks}: Pick<Network, "forks">, validatorIndex: bigint): EscrowedExit {
  const of = (name: "capella" | "deneb") => forks?.find((fork) => fork.name === name);
  const [capella, deneb] = [of("capella"), of("deneb")];
  if (capella === undefined || deneb === undefined) throw new PleiadesError({code: "KEEPER_ESCROW_CHAIN"});
  return {validatorIndex, epoch: asEpoch(deneb.epoch), forkVersion: capella.version};
}

/** 32 bytes. @see computeSigningRoot, which gives the same */
export function escrowedSigningRoot({validatorIndex, epoch, forkVersion}: EscrowedExit, chain: RootHex): Uint8Array {
  const domain = computeDomain(DOMAIN_TYPE, fromHex(forkVersion), fromHex(chain));
  return SigningData.hashTreeRoot({objectRoot: VoluntaryExit.hashTreeRoot({epoch, validatorIndex}), domain});
}
