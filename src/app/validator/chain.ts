import type {Network} from "../../core/duty/network.js";
import {FORK_NAMES} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import {chainOfBeaconNode, withoutCredentials} from "../config/beacon-node.js";
import type {SpecText} from "../networks.js";

/** The newest fork whose duties Lodestar 1.5.1 can do. */
const NEWEST_FORK = "capella";

/**
 * The specification of the chain, from the first beacon node that answers. Every one that answers has to be on the pinned
 * chain; one that does not may come later, the client asks them all.
 * @throws VALIDATOR_CLIENT_TOO_OLD · VALIDATOR_OTHER_CHAIN · CONFIG_BEACON_NODE when none answers
 */
export async function agreeWithBeaconNodes(urls: readonly string[], network: Network): Promise<SpecText> {
  refuseNewForks(network);
  const answers = await Promise.allSettled(urls.map((url) => chainOfBeaconNode(url)));
  let agreed: SpecText | null = null;
  for (const [i, answer] of answers.entries()) {
    if (answer.status === "rejected") continue;
    const name = withoutCredentials(urls[i]!);
    refuseNewForks(answer.value.network, name);
    refuseOtherChain(answer.value.network, network, name);
    agreed ??= answer.value.spec;
  }
  if (agreed !== null) return agreed;
  const [first] = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
  throw first;
}

/** A client that stops in the middle of a fork is worse than one that does not start. @throws VALIDATOR_CLIENT_TOO_OLD */
export function refuseNewForks({forks, name: network}: Network, from = "the configuration"): void {
  const known = FORK_NAMES.indexOf(NEWEST_FORK);
  const fork = forks?.find(({name}) => FORK_NAMES.indexOf(name) > known);
  if (fork === undefined) return;
  throw new PleiadesError({
    code: "VALIDATOR_CLIENT_TOO_OLD",
    network,
    fork: fork.name,
    epoch: fork.epoch.toString(),
    saidBy: from,
  });
}

/** @throws VALIDATOR_OTHER_CHAIN */
export function refuseOtherChain(theirs: Network, ours: Network, beaconNode: string): void {
  const differs = (what: string, given: unknown, pinned: unknown): PleiadesError =>
    new PleiadesError({code: "VALIDATOR_OTHER_CHAIN", beaconNode, what, given, pinned});
  const {genesisValidatorsRoot: root, clock} = ours;
  if (root !== null && theirs.genesisValidatorsRoot !== root) {
    throw differs("genesis_validators_root", theirs.genesisValidatorsRoot, root);
  }
  if (clock !== null && theirs.clock?.genesisTime !== clock.genesisTime) {
    throw differs("genesis time", theirs.clock?.genesisTime, clock.genesisTime);
  }
  if (clock !== null && theirs.clock?.secondsPerSlot !== clock.secondsPerSlot) {
    throw differs("seconds per slot", theirs.clock?.secondsPerSlot, clock.secondsPerSlot);
  }
}
