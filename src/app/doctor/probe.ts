import {parseBytes4Hex, parseRootHex, UINT64_MAX} from "../../core/bytes.js";
import type {Committee, CommitteeValidator} from "../../core/committee/committee.js";
import {forkVersionAt, type Network} from "../../core/duty/network.js";
import {toWire} from "../../core/duty/request-codec.js";
import {PRIORITY, type SignRequest} from "../../core/duty/sign-request.js";
import type {ReasonCode} from "../../core/errors.js";
import type {PartialReply, PartialRequest} from "../../ports/operator-link.js";

/**
 * A request that goes all the way through operator and keeper and that policy always refuses: the exit of a validator
 * that cannot exist. The refusal shows that the operator holds the share of this very committee file and that its keeper
 * works; even a signature would be worth nothing.
 */
export function probeFor(committee: Committee, validator: CommitteeValidator, network: Network): PartialRequest {
  const version = network.forks === null ? NO_VERSION : forkVersionAt(network.forks, 0n);
  const request: SignRequest = {
    type: "VOLUNTARY_EXIT",
    message: {epoch: 0n, validatorIndex: UINT64_MAX},
    forkInfo: {
      previousVersion: version,
      currentVersion: version,
      epoch: 0n,
      genesisValidatorsRoot: network.genesisValidatorsRoot ?? committee.genesisValidatorsRoot ?? NO_ROOT,
    },
    version: null,
  };
  return {
    key: validator.groupPublicKey,
    committeeHash: validator.committeeHash,
    priority: PRIORITY.rest,
    request: toWire(request, network.preset),
  };
}

const NO_VERSION = parseBytes4Hex("0x00000000");
const NO_ROOT = parseRootHex(`0x${"00".repeat(32)}`);

/** Null when the operator answered as one that would sign does; else why not. */
export function probeProblem(reply: PartialReply): ReasonCode | null {
  if (reply.kind === "signed") return "CLI_DOCTOR_PROBE_SIGNED";
  return reply.code === "POLICY_NOT_PERMITTED" ? null : reply.code;
}
