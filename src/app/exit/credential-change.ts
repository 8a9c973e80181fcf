import {blstGroup} from "../../adapters/bls/blst.js";
import {type AddressHex, type PubkeyHex, type RootHex, rootHex} from "../../core/bytes.js";
import {currentEpoch, forkVersionAt, type Network} from "../../core/duty/network.js";
import {codeOf, PleiadesError} from "../../core/errors.js";
import {
  type ChangeNetwork,
  type CredentialChange,
  changeRequest,
  changeSigningRoot,
  checkChange,
  type SignedCredentialChange,
} from "../../core/mini-pool/credential-change.js";
import {keyCredentials, readCredentials} from "../../core/mini-pool/deposit-data.js";
import type {Clock} from "../../ports/clock.js";
import type {ExitNode} from "./beacon-node.js";
import type {SignExit} from "./signers.js";

/** A validator as far as its withdrawals go. */
export interface Withdrawals {
  readonly index: bigint;
  readonly status: string;
  readonly credentials: RootHex;
}

/** @throws CHANGE_MADE · CHANGE_OTHER_KEY · DEPOSIT_CREDENTIALS */
export function requireChangeable(key: PubkeyHex, {index, credentials}: Withdrawals): void {
  const read = readCredentials(credentials);
  if (read.kind === "address") throw new PleiadesError({code: "CHANGE_MADE", key, index, address: read.address});
  if (credentials !== keyCredentials(key)) throw new PleiadesError({code: "CHANGE_OTHER_KEY", key, index, credentials});
}

/** The chain as a change names it. @throws POLICY_NETWORK_REQUIRED */
export function changeNetworkOf({name, forks, genesisValidatorsRoot}: Network): ChangeNetwork {
  const genesisForkVersion = forks?.[0]?.version;
  if (genesisForkVersion === undefined || genesisValidatorsRoot === null) {
    throw new PleiadesError({code: "POLICY_NETWORK_REQUIRED"});
  }
  return {name, genesisForkVersion, genesisValidatorsRoot};
}

/**
 * The change with the committee's signature, verified.
 * @throws CHANGE_NOT_PERMITTED · EXIT_SIGNER · DEPOSIT_SIGNATURE and the committee's own codes
 */
export async function signChange(
  {sign, clock}: {sign: SignExit; clock: Pick<Clock, "now">},
  {key, index, to, network}: {key: PubkeyHex; index: bigint; to: AddressHex; network: Network},
): Promise<SignedCredentialChange> {
  const chain = changeNetworkOf(network);
  const change: CredentialChange = {validatorIndex: index, from: key, to};
  const epoch = currentEpoch(network, clock.now()) ?? 0n;
  const version = forkVersionAt(network.forks!, epoch);
  const {genesisValidatorsRoot} = chain;
  const request = changeRequest(change, {
    previousVersion: version,
    currentVersion: version,
    epoch,
    genesisValidatorsRoot,
  });
  const signature = await sign(key, request, rootHex(changeSigningRoot(change, chain))).catch((error: unknown) => {
    if (!NOT_PERMITTED.some((code) => isAnswer(error, code))) throw error;
    const permit = `{type: BLS_TO_EXECUTION_CHANGE, pubkey: "${key}", validator_index: "${index}", from_bls_pubkey: "${key}", to_execution_address: "${to}"}`;
    const {operators} = (error as PleiadesError).data;
    throw new PleiadesError({code: "CHANGE_NOT_PERMITTED", key, to, permit, operators}, {cause: error});
  });
  const signed = {...change, signature};
  checkChange(signed, {network: chain, bls: blstGroup});
  return signed;
}

const NOT_PERMITTED = ["POLICY_NOT_PERMITTED", "KEEPER_OTHER_WITHDRAWAL_ADDRESS"];

/** Some operator answers so, whether the committee or a signer in front of it tells us. */
function isAnswer(error: unknown, wanted: string): boolean {
  const code = codeOf(error);
  if (code !== "COMMITTEE_REFUSED" && code !== "EXIT_SIGNER") return false;
  const {operators, answered} = (error as PleiadesError).data;
  return answered === wanted || (Array.isArray(operators) && operators.some((one) => one?.code === wanted));
}

/**
 * Asks the node once a slot until the chain shows the new credentials.
 * @throws CHANGE_NOT_SEEN after `boundMs`
 */
export async function waitForChange(
  {node, clock}: {node: Pick<ExitNode, "withdrawals">; clock: Clock},
  {key, to, everyMs, boundMs}: {key: PubkeyHex; to: AddressHex; everyMs: number; boundMs: number},
): Promise<void> {
  const end = clock.monotonic() + boundMs;
  for (;;) {
    const now = await node.withdrawals(key).catch((error: unknown) => {
      if (codeOf(error) === "EXIT_NODE") return null;
      throw error;
    });
    const read = now === null ? null : readCredentials(now.credentials);
    if (read?.kind === "address" && read.address === to) return;
    if (clock.monotonic() >= end)
      throw new PleiadesError({code: "CHANGE_NOT_SEEN", key, waitedMs: Math.round(boundMs)});
    await new Promise<void>((resolve) => void clock.after(everyMs, resolve));
  }
}
