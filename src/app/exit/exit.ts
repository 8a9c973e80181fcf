import {blstGroup} from "../../adapters/bls/blst.js";
import {type PubkeyHex, parseUint64, rootHex} from "../../core/bytes.js";
import {currentEpoch, type Network} from "../../core/duty/network.js";
import {computeSigningRoot} from "../../core/duty/signing-root.js";
import {codeOf, PleiadesError} from "../../core/errors.js";
import {verifies} from "../../core/mini-pool/deposit-data.js";
import type {Clock} from "../../ports/clock.js";
import type {SpecText} from "../networks.js";
import type {ExitNode, SignedExit} from "./beacon-node.js";
import {type ExitPlan, exitRequest, isLeaving, permitOf, planExit, type ValidatorOnChain} from "./decide.js";
import type {SignExit} from "./signers.js";

export interface ExitChain {
  readonly network: Network;
  /** As the beacon node serves it. */
  readonly spec: SpecText;
}

/**
 * What is going to be signed, or why nothing can be.
 * @throws EXIT_NODE · EXIT_NODE_SYNCING · EXIT_UNKNOWN_VALIDATOR and the codes of planExit
 */
export async function prepareExit(
  {node, clock}: {node: ExitNode; clock: Clock},
  {key, chain, epoch, ahead}: {key: PubkeyHex; chain: ExitChain; epoch: bigint | undefined; ahead: boolean},
): Promise<{validator: ValidatorOnChain; plan: ExitPlan; now: bigint}> {
  const {forks} = chain.network;
  const now = currentEpoch(chain.network, clock.now());
  if (forks === null || now === null) throw new PleiadesError({code: "POLICY_NETWORK_REQUIRED"});
  const period = parseUint64(chain.spec.SHARD_COMMITTEE_PERIOD, "spec.SHARD_COMMITTEE_PERIOD");
  await node.requireSynced();
  const validator = await node.validator(key);
  return {validator, now, plan: planExit(validator, {now, forks, shardCommitteePeriod: period, epoch, ahead})};
}

/**
 * The exit with the committee's signature, verified.
 * @throws EXIT_NOT_PERMITTED · EXIT_SIGNER · EXIT_SIGNATURE and the committee's own codes
 */
export async function signExit(
  sign: SignExit,
  {validator: {key, index}, plan: {epoch}, network}: {validator: ValidatorOnChain; plan: ExitPlan; network: Network},
): Promise<SignedExit> {
  const request = exitRequest(index, epoch, network);
  const {signingRoot} = computeSigningRoot(request, network);
  const signature = await sign(key, request, rootHex(signingRoot)).catch((error: unknown) => {
    if (!isNotPermitted(error)) throw error;
    const {operators} = (error as PleiadesError).data;
    const permit = permitOf(key, index, epoch);
    throw new PleiadesError({code: "EXIT_NOT_PERMITTED", permit, epoch, operators}, {cause: error});
  });
  // Any signer may have been named, and a node's refusal would say less.
  if (!verifies(blstGroup, signingRoot, {pubkey: key, signature})) {
    throw new PleiadesError({code: "EXIT_SIGNATURE", key, epoch, index});
  }
  return {message: {epoch: epoch.toString(), validator_index: index.toString()}, signature};
}

/** Some operator says that its policy has no such permit, whether the committee or a signer in front of it tells us. */
function isNotPermitted(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== "COMMITTEE_REFUSED" && code !== "EXIT_SIGNER") return false;
  const {operators, answered} = (error as PleiadesError).data;
  if (answered === "POLICY_NOT_PERMITTED") return true;
  return Array.isArray(operators) && operators.some((one) => one?.code === "POLICY_NOT_PERMITTED");
}

/**
 * Asks the node once a slot until it shows the validator leaving. A node that does not answer in between is asked again.
 * @throws EXIT_NOT_SEEN after `boundMs`
 */
export async function waitForExit(
  {node, clock}: {node: Pick<ExitNode, "validator">; clock: Clock},
  {key, everyMs, boundMs}: {key: PubkeyHex; everyMs: number; boundMs: number},
): Promise<ValidatorOnChain> {
  const end = clock.monotonic() + boundMs;
  for (;;) {
    const validator = await node.validator(key).catch((error: unknown) => {
      if (codeOf(error) === "EXIT_NODE") return null;
      throw error;
    });
    if (validator !== null && isLeaving(validator)) return validator;
    if (clock.monotonic() >= end) throw new PleiadesError({code: "EXIT_NOT_SEEN", key, waitedMs: Math.round(boundMs)});
    await new Promise<void>((resolve) => void clock.after(everyMs, resolve));
  }
}
