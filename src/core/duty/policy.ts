/**
 * What an operator agrees to sign at all, before anything is recorded: a far-future slot or epoch in a record would
 * stop a validator for ever. Deny by default; nothing here looks at what was signed before.
 */
import {type Epoch, epochOfSlot, type PubkeyHex, toHex} from "../bytes.js";
import type {ReasonCode} from "../errors.js";
import {isReservedDomainType, messageEpoch} from "./domain.js";
import {currentEpoch, currentSlot, type Network} from "./network.js";
import type {Permit, PermitType, PolicyConfig, RegistrationRule} from "./policy-config.js";
import type {AttestationData, Messages, SignRequest} from "./sign-request.js";

export {EMPTY_POLICY, parsePolicyConfig, policyToJson} from "./policy-config.js";
export type {Permit, PermitType, PolicyConfig, RegistrationRule};

export type PolicyDecision =
  | {readonly kind: "approve"}
  | {readonly kind: "deny"; readonly code: ReasonCode; readonly detail: string};

export interface PolicyInput {
  readonly key: PubkeyHex;
  readonly request: SignRequest;
  /** From computeSigningRoot. */
  readonly objectRoot: Uint8Array;
  readonly network: Network;
  /** Unix milliseconds of this node's own clock. */
  readonly nowMs: number;
  readonly policy: PolicyConfig;
  /** Permits that came with the key's definition, beside the policy's own. */
  readonly permits?: readonly Permit[];
}

const APPROVE: PolicyDecision = {kind: "approve"};
const deny = (code: ReasonCode, detail: string): PolicyDecision => ({kind: "deny", code, detail});

/** Whether a request may go on to slashing protection. Codes: POLICY_*. Never throws for a parsed request. */
export function decidePolicy({
  key,
  request,
  objectRoot,
  network,
  nowMs,
  policy,
  permits = [],
}: PolicyInput): PolicyDecision {
  switch (request.type) {
    case "BLOCK_V2":
      return decideBlock(request.message.slot, network, nowMs);
    case "ATTESTATION":
      return decideAttestation(request.message, network, nowMs);
    // No lower bound on any duty: an aggregate or a sync message is useful while it is late, and harmless after.
    case "AGGREGATION_SLOT":
    case "AGGREGATE_AND_PROOF":
    case "AGGREGATE_AND_PROOF_V2":
    case "RANDAO_REVEAL":
    case "SYNC_COMMITTEE_MESSAGE":
    case "SYNC_COMMITTEE_SELECTION_PROOF":
    case "SYNC_COMMITTEE_CONTRIBUTION_AND_PROOF":
      return decideEpoch(messageEpoch(request.type, request.message, network.preset), network, nowMs);
    case "VOLUNTARY_EXIT":
    case "BLS_TO_EXECUTION_CHANGE":
      return decidePermit(key, request.type, objectRoot, [...policy.permits, ...permits]);
    case "DEPOSIT":
      return toHex(request.message.pubkey) === key
        ? decidePermit(key, request.type, objectRoot, [...policy.permits, ...permits])
        : deny("POLICY_WRONG_PUBKEY", "the deposit is for another key");
    case "VALIDATOR_REGISTRATION":
      return decideRegistration(key, request.message, policy);
    case "GENERIC":
      return decideGeneric(request.message, policy);
    default:
      // The compiler shows that nothing is left; a caller without types still gets a deny.
      return deny("POLICY_UNKNOWN_TYPE", String((request satisfies never as SignRequest).type).slice(0, 64));
  }
}

function decideBlock(slot: bigint, network: Network, nowMs: number): PolicyDecision {
  const now = currentSlot(network, nowMs);
  // One slot ahead: clocks differ, and proposals are prepared before their slot begins.
  if (now !== null && slot > now + 1n) return deny("POLICY_TOO_EARLY", `block slot ${slot}, now slot ${now}`);
  return APPROVE;
}

function decideAttestation(data: AttestationData, network: Network, nowMs: number): PolicyDecision {
  const {slot, source, target} = data;
  const epoch: Epoch = epochOfSlot(slot, network.preset.slotsPerEpoch);
  if (epoch !== target.epoch) {
    return deny("POLICY_TARGET_NOT_OF_SLOT", `slot ${slot} is of epoch ${epoch}, target epoch ${target.epoch}`);
  }
  // The source may be as old as it likes: a chain that does not finalise must stay signable.
  if (source.epoch > target.epoch) {
    return deny("POLICY_SOURCE_AFTER_TARGET", `source epoch ${source.epoch}, target epoch ${target.epoch}`);
  }
  return decideEpoch(target.epoch, network, nowMs);
}

/** Up to the end of the next epoch: duties are known, and some are asked for, one epoch ahead. */
function decideEpoch(epoch: bigint | null, network: Network, nowMs: number): PolicyDecision {
  const now = currentEpoch(network, nowMs);
  if (epoch === null) return deny("POLICY_UNKNOWN_TYPE", "a duty without a slot or epoch");
  if (now !== null && epoch > now + 1n) return deny("POLICY_TOO_EARLY", `epoch ${epoch}, now epoch ${now}`);
  return APPROVE;
}

function decidePermit(
  key: PubkeyHex,
  type: PermitType,
  objectRoot: Uint8Array,
  permits: readonly Permit[],
): PolicyDecision {
  const root = toHex(objectRoot);
  const permitted = permits.some((permit) => permit.key === key && permit.type === type && permit.objectRoot === root);
  return permitted ? APPROVE : deny("POLICY_NOT_PERMITTED", `${type} with object root ${root} by ${key}`);
}

function decideRegistration(
  key: PubkeyHex,
  message: Messages["VALIDATOR_REGISTRATION"],
  policy: PolicyConfig,
): PolicyDecision {
  if (toHex(message.pubkey) !== key) return deny("POLICY_WRONG_PUBKEY", "the registration is for another key");
  const rule = policy.registration.byKey.get(key) ?? policy.registration.default;
  if (rule === null) return deny("POLICY_REGISTRATION_NOT_CONFIGURED", key);
  const feeRecipient = toHex(message.feeRecipient);
  if (feeRecipient !== rule.feeRecipient) {
    return deny("POLICY_FEE_RECIPIENT", `asked for ${feeRecipient}, configured ${rule.feeRecipient}`);
  }
  if (message.gasLimit > rule.maxGasLimit) {
    return deny("POLICY_GAS_LIMIT", `asked for ${message.gasLimit}, at most ${rule.maxGasLimit}`);
  }
  return APPROVE;
}

function decideGeneric({domain}: Messages["GENERIC"], policy: PolicyConfig): PolicyDecision {
  const domainType = toHex(domain.subarray(0, 4));
  const listed = policy.genericDomainTypes.find((known) => known === domainType);
  if (listed === undefined) return deny("POLICY_DOMAIN_NOT_LISTED", domainType);
  // Refused when the configuration is parsed too; a list that came another way must not open the consensus domains.
  return isReservedDomainType(listed) ? deny("POLICY_RESERVED_DOMAIN", domainType) : APPROVE;
}
