/** Which exit the chain would take of a validator, and why it would take none. */
import {asEpoch, type Epoch, type PubkeyHex, UINT64_MAX} from "../../core/bytes.js";
import {type Fork, forkVersionAt, type Network} from "../../core/duty/network.js";
import type {SignRequest} from "../../core/duty/sign-request.js";
import {PleiadesError} from "../../core/errors.js";

/** A validator as a beacon node shows it; epochs without a date are 2^64-1. */
export interface ValidatorOnChain {
  readonly key: PubkeyHex;
  readonly index: bigint;
  /** By the beacon API: active_ongoing, active_exiting, … */
  readonly status: string;
  readonly activationEpoch: Epoch;
  readonly exitEpoch: Epoch;
  readonly withdrawableEpoch: Epoch;
}

/** True once the chain has taken an exit, or has put the validator out. */
export const isLeaving = ({exitEpoch}: ValidatorOnChain): boolean => exitEpoch !== UINT64_MAX;

export interface ExitPlan {
  readonly epoch: Epoch;
  /** The epoch from which a node takes it; later than now only when `ahead` was allowed. */
  readonly from: Epoch;
}

/**
 * The epoch to sign for. By default the first in which the exit is valid: it is the same whenever one asks, so that
 * operators can permit it in advance.
 * @param ahead for an exit that is not published now
 * @throws EXIT_ALREADY · EXIT_NOT_ACTIVE · EXIT_TOO_EARLY · EXIT_EPOCH
 * @see consensus-specs: phase0/beacon-chain.md and deneb/beacon-chain.md "process_voluntary_exit"
 */
export function planExit(
  validator: ValidatorOnChain,
  {
    now,
    forks,
    shardCommitteePeriod,
    epoch,
    ahead = false,
  }: {now: bigint; forks: readonly Fork[]; shardCommitteePeriod: bigint; epoch?: bigint | undefined; ahead?: boolean},
): ExitPlan {
  const {key, index, status, activationEpoch, exitEpoch, withdrawableEpoch} = validator;
  if (isLeaving(validator)) {
    throw new PleiadesError({code: "EXIT_ALREADY", key, index, status, exitEpoch, withdrawableEpoch});
  }
  if (activationEpoch === UINT64_MAX) throw new PleiadesError({code: "EXIT_NOT_ACTIVE", key, index, status});
  const from = activationEpoch + shardCommitteePeriod;
  if (now < from && !ahead) {
    throw new PleiadesError({code: "EXIT_TOO_EARLY", key, index, now, from, activationEpoch, shardCommitteePeriod});
  }
  const earliest = firstSignableEpoch(forks, now);
  const chosen = epoch ?? (from > earliest ? from : earliest);
  // The chain takes an exit from its epoch on.
  const latest = ahead ? UINT64_MAX - 1n : now;
  if (chosen < earliest || chosen > latest)
    throw new PleiadesError({code: "EXIT_EPOCH", epoch: chosen, earliest, latest});
  return {epoch: asEpoch(chosen), from: asEpoch(chosen > from ? chosen : from)};
}

/**
 * The first epoch whose exits verify now. From Deneb on the chain takes Capella's version for every exit (EIP-7044),
 * but operators sign exits of epochs before Deneb under those epochs' own forks. Before Deneb a state knows the fork in
 * force and the one before it, and this keeps to the first.
 */
function firstSignableEpoch(forks: readonly Fork[], now: bigint): bigint {
  const deneb = forks.find(({name}) => name === "deneb");
  if (deneb !== undefined && now >= deneb.epoch) return deneb.epoch;
  return forks.findLast(({epoch}) => epoch <= now)?.epoch ?? 0n;
}

/** The exit as a request to a committee. Its fork_info speaks of the message's epoch; the domain is the signers' business. */
export function exitRequest(validatorIndex: bigint, epoch: Epoch, network: Network): SignRequest {
  const {forks, genesisValidatorsRoot} = network;
  if (forks === null || genesisValidatorsRoot === null) throw new PleiadesError({code: "POLICY_NETWORK_REQUIRED"});
  const version = forkVersionAt(forks, epoch);
  return {
    type: "VOLUNTARY_EXIT",
    message: {epoch, validatorIndex},
    forkInfo: {previousVersion: version, currentVersion: version, epoch, genesisValidatorsRoot},
    version: null,
  };
}

/** What an operator puts into policy.permits to sign exactly this exit. */
export const permitOf = (key: PubkeyHex, index: bigint, epoch: bigint): string =>
  `{type: VOLUNTARY_EXIT, pubkey: "${key}", epoch: "${epoch}", validator_index: "${index}"}`;
