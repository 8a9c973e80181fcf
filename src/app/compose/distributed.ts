import {blstGroup} from "../../adapters/bls/blst.js";
import {DistributedNode} from "../../committee/distributed-node.js";
import type {RankedRequests} from "../../committee/ranked-requests.js";
import {type PeerIdText, parsePeerIdText} from "../../core/bytes.js";
import type {Committee} from "../../core/committee/committee.js";
import type {Network} from "../../core/duty/network.js";
import {toWire} from "../../core/duty/request-codec.js";
import type {Clock} from "../../ports/clock.js";
import type {Keeper} from "../../ports/keeper.js";
import type {Logger} from "../../ports/logger.js";
import type {Observer} from "../../ports/observer.js";
import type {VetoGate} from "../../ports/veto.js";
import type {DistributedSection} from "../config/distributed.js";
import {listenerOptions, renewListener} from "../listener.js";

export interface RunningParticipant {
  readonly url: string;
  /** After the committee files were read again. Returns what went wrong, in words. */
  reload(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/**
 * The listener of the distributed profile; null when it is off, and then nothing of it is loaded.
 * @throws the codes of the TLS files and of the server
 */
export async function serveDistributed(
  modules: {
    keeper: Keeper;
    clock: Clock;
    logger: Logger;
    observer: Observer;
    veto: VetoGate | null;
    ranked: RankedRequests;
  },
  {
    config,
    self,
    committees,
    network,
  }: {config: DistributedSection; self: PeerIdText; committees: () => readonly Committee[]; network: Network},
): Promise<RunningParticipant | null> {
  if (!config.enabled) return null;
  const {clock, logger} = modules;
  const endpoints = endpointsOf(config.participants);
  const own = endpoints.get(self);
  // Coordinators come by the name in their account views, so this listener answers to it.
  const named = own === undefined ? [] : [new URL(own).hostname];
  const section = {...config, tokenFile: null, allowedHosts: [...config.allowedHosts, ...named]};
  const options = listenerOptions(section, {now: clock.now()});
  const node = new DistributedNode(
    {...modules, bls: blstGroup, toWire: (request) => toWire(request, network.preset)},
    {self, committees, endpoints},
  );
  await node.refresh();
  const {createDistributedServer} = await import("../../remote-signer/distributed/server.js");
  const server = await createDistributedServer(
    {participant: node, clock, logger},
    {...options, network, coordinators: config.coordinators.map(coordinatorOf)},
  );
  return {
    url: server.url,
    async reload() {
      await node.refresh();
      return renewListener(server, section, {now: clock.now()});
    },
    close: () => server.close(),
  };
}

const coordinatorOf = ({keys, rank, ...coordinator}: DistributedSection["coordinators"][number], place: number) => ({
  ...coordinator,
  rank: rank ?? null,
  place,
  keys: keys === "all" ? keys : new Set(keys),
});

/** zod gives an object: its keys are peer ids that were parsed. */
const endpointsOf = (participants: DistributedSection["participants"]): ReadonlyMap<PeerIdText, string> =>
  new Map(Object.entries(participants).map(([peer, origin]) => [parsePeerIdText(peer), origin]));
