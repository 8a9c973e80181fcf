/**
 * Domains: which chain, fork and purpose a signature belongs to. They come from the node's own pinned network and
 * the message's epoch; the request's fork_info has to agree and never decides, or a coordinator could choose under
 * which fork a message is signed.
 */
import {type Bytes4Hex, epochOfSlot, fromHex, type RootHex, toHex} from "../bytes.js";
import {PleiadesError} from "../errors.js";
import {ForkData} from "./containers.js";
import {type Fork, forkVersionAt, type Network} from "./network.js";
import type {Preset} from "./preset.js";
import type {ForkInfo, Messages, SignRequest, SignType} from "./sign-request.js";
import {signTypeRow} from "./sign-types.js";

const ZERO_ROOT = new Uint8Array(32);

/** 32 bytes. @see consensus-specs phase0/beacon-chain.md "compute_domain" */
export function computeDomain(domainType: Uint8Array, version: Uint8Array, genesisRoot: Uint8Array): Uint8Array {
  const forkDataRoot = ForkData.hashTreeRoot({currentVersion: version, genesisValidatorsRoot: genesisRoot});
  const domain = new Uint8Array(32);
  domain.set(domainType);
  domain.set(forkDataRoot.subarray(0, 28), 4);
  return domain;
}

/** The epoch whose fork a message is signed under; null for messages that speak of no time. */
export function messageEpoch<T extends SignType>(type: T, message: Messages[T], preset: Preset): bigint | null {
  const time = signTypeRow(type).time(message);
  if (time === null) return null;
  return "epoch" in time ? time.epoch : epochOfSlot(time.slot, preset.slotsPerEpoch);
}

/**
 * The domain of a request on this network (32 bytes).
 * @throws POLICY_WRONG_CHAIN · POLICY_WRONG_FORK · POLICY_NETWORK_REQUIRED
 */
export function domainOf(request: SignRequest, network: Network): Uint8Array {
  const {domainType, domainRule} = signTypeRow(request.type);
  switch (domainRule) {
    case "given":
      return (request.message as Messages["GENERIC"]).domain;
    case "genesis-no-root": {
      const version = genesisVersion(scheduleOf(network));
      if (request.type === "DEPOSIT") requireVersion(toHex(request.message.genesisForkVersion), version);
      return computeDomain(domainType, fromHex(version), ZERO_ROOT);
    }
    case "genesis": {
      const forkInfo = agreedForkInfo(request, network);
      const forks = scheduleOf(network);
      requireScheduled(forkInfo, forks);
      return computeDomain(domainType, fromHex(genesisVersion(forks)), fromHex(forkInfo.genesisValidatorsRoot));
    }
    case "exit":
    case "fork": {
      const forkInfo = agreedForkInfo(request, network);
      const epoch = messageEpoch(request.type, request.message, network.preset) ?? 0n;
      const version =
        domainRule === "exit"
          ? exitVersion(forkInfo, scheduleOf(network), epoch)
          : network.forks === null
            ? claimedVersion(forkInfo, epoch)
            : agreedVersion(forkInfo, network.forks, epoch);
      return computeDomain(domainType, fromHex(version), fromHex(forkInfo.genesisValidatorsRoot));
    }
  }
}

/** The request's fork_info, whose genesis root is this network's. Without a pinned root the caller pins this one. */
function agreedForkInfo({forkInfo}: SignRequest, {genesisValidatorsRoot: pinned}: Network): ForkInfo {
  if (forkInfo === null) throw new PleiadesError({code: "CODEC_FIELD", field: "request.fork_info", reason: "missing"});
  const given: RootHex = forkInfo.genesisValidatorsRoot;
  if (pinned !== null && pinned !== given) throw new PleiadesError({code: "POLICY_WRONG_CHAIN", given, pinned});
  return forkInfo;
}

function agreedVersion(forkInfo: ForkInfo, forks: readonly Fork[], epoch: bigint): Bytes4Hex {
  const version = forkVersionAt(forks, epoch);
  requireVersion(claimedVersion(forkInfo, epoch), version, epoch);
  return version;
}

/**
 * The version a fork_info names for an epoch. The spec's fork.epoch is the fork's first epoch; Lodestar sends the
 * signing epoch, and its previous_version comes from the config's order of forks, not from the state. Either way the
 * current version holds from fork.epoch on, and the previous one is looked at only before it.
 * @see consensus-specs "get_domain"
 */
const claimedVersion = (forkInfo: ForkInfo, epoch: bigint): Bytes4Hex =>
  epoch < forkInfo.epoch ? forkInfo.previousVersion : forkInfo.currentVersion;

/**
 * From Deneb on an exit is signed under Capella's version for ever, whatever fork_info says; that still has to speak
 * of this schedule. @see EIP-7044
 */
function exitVersion(forkInfo: ForkInfo, forks: readonly Fork[], epoch: bigint): Bytes4Hex {
  const deneb = forks.find(({name}) => name === "deneb");
  const capella = forks.find(({name}) => name === "capella");
  if (deneb === undefined || capella === undefined || epoch < deneb.epoch) return agreedVersion(forkInfo, forks, epoch);
  requireScheduled(forkInfo, forks);
  return capella.version;
}

function requireScheduled({previousVersion, currentVersion}: ForkInfo, forks: readonly Fork[]): void {
  for (const given of [previousVersion, currentVersion]) {
    if (!forks.some(({version}) => version === given)) throw new PleiadesError({code: "POLICY_WRONG_FORK", given});
  }
}

function requireVersion(given: string, pinned: Bytes4Hex, epoch?: bigint): void {
  if (given !== pinned) throw new PleiadesError({code: "POLICY_WRONG_FORK", given, pinned, epoch: epoch?.toString()});
}

function scheduleOf({forks}: Network): readonly Fork[] {
  if (forks === null) throw new PleiadesError({code: "POLICY_NETWORK_REQUIRED"});
  return forks;
}

/** GENESIS_FORK_VERSION: phase0's, also where later forks start at epoch 0 too. */
function genesisVersion([phase0]: readonly Fork[]): Bytes4Hex {
  if (phase0 === undefined) throw new PleiadesError({code: "NETWORK_FORKS", reason: "the schedule is empty"});
  return phase0.version;
}

const BUILDER_OR_CONSENSUS = /^0x[0-9a-f]{2}00000[01]$/;

/**
 * True for domain types of the consensus specs (n‖000000) and of the builder specs (n‖000001, so far
 * DOMAIN_APPLICATION_BUILDER and DOMAIN_BUILDER_REQUEST_AUTH). The whole of both ranges is reserved, so that a domain
 * of a later fork cannot be asked for as a generic message.
 */
export const isReservedDomainType = (domainType: Bytes4Hex): boolean => BUILDER_OR_CONSENSUS.test(domainType);
