import {type KeeperInit, startKeeper} from "../../adapters/keeper/process.js";
import {OperatorHub} from "../../adapters/libp2p/operator-hub.js";
import {serveCoordinators} from "../../adapters/operator-link/libp2p-operator-server.js";
import {OperatorNode} from "../../committee/operator-node.js";
import {RankedRequests} from "../../committee/ranked-requests.js";
import {OperatorSightings} from "../../committee/sightings.js";
import type {PeerIdText} from "../../core/bytes.js";
import type {Committee} from "../../core/committee/committee.js";
import {networkToJson} from "../../core/duty/network.js";
import {policyToJson} from "../../core/duty/policy.js";
import {PleiadesError} from "../../core/errors.js";
import type {Logger} from "../../ports/logger.js";
import type {createPluginServer} from "../../remote-signer/plugin-server.js";
import {committeesOfOperator} from "../committee-files.js";
import {type LoadedConfig, rereadConfig} from "../config/load.js";
import {policyFrom} from "../config/policy.js";
import type {OperatorConfig} from "../config/schema.js";
import {signerDelayMs} from "../config/signer-delay.js";
import {serveControl} from "../control-socket.js";
import {watchDisk} from "../disk-watch.js";
import {listenerOptions, renewListener} from "../listener.js";
import {PluginOffers} from "../plugin-offers.js";
import {TOKENS} from "../tokens.js";
import {softwareName} from "../version.js";
import {sampleKeeper} from "../vitals.js";
import {bookOf, composeBase, need, provide, type RunningService, Stops} from "./base.js";
import {serveDistributed} from "./distributed.js";

export interface RunningOperator extends RunningService {
  /** Of the plugins' routes; null when they are not served. */
  readonly url: string | null;
  /** Of the distributed profile; null when it is not served. */
  readonly distributedUrl: string | null;
  readonly addresses: readonly string[];
  readonly keys: number;
  /** The keeper has ended: whoever runs this program should start it again. */
  readonly failed: Promise<PleiadesError>;
}
/**
 * An operator: keeper, then the node that faces the network. Ready when it listens.
 * @throws the codes of configuration, committee files, keeper and link
 */
export async function composeOperator(
  loaded: LoadedConfig,
  {config, logger, password}: {config: OperatorConfig; logger: Logger; password: KeeperInit["password"]},
): Promise<RunningOperator> {
  const container = await composeBase(loaded, {role: "operator", logger});
  const network = need(container, TOKENS.network);
  if (loaded.config.network.unpinned || config.startEmpty) requireLoopback(config);
  const identity = need(container, TOKENS.identity);
  const clock = need(container, TOKENS.clock);
  const observer = need(container, TOKENS.observer);
  const log = need(container, TOKENS.logger);
  const plugins = need(container, TOKENS.plugins);
  const book = bookOf(container, (committees) => committeesOfOperator(committees, identity.peerId));
  await book.open();

  const stops = new Stops();
  try {
    const hub = await OperatorHub.create({identity, logger: log}, {listen: config.listen});
    stops.push(() => hub.close());
    const keeper = provide(
      container,
      TOKENS.keeper,
      await startKeeper(
        {
          dataDir: loaded.config.dataDir,
          password,
          network: networkToJson(network),
          policy: policyToJson(policyFrom(config.policy)),
          committeeFiles: loaded.config.committees,
          bundleFiles: config.bundles,
          signingThreads: config.signingThreads,
          startEmpty: config.startEmpty,
          logDecisions: loaded.config.logging.level === "debug",
        },
        {logger: log, observer, clock},
      ),
    );
    stops.push(() => keeper.close());
    stops.push(watchDisk({clock, logger: log, observer}, {folder: loaded.config.dataDir}));
    stops.push(sampleKeeper({clock, observer}, keeper));
    const ranked = new RankedRequests({clock}, {signerDelayMs: signerDelayMs(loaded.config, network)});
    const node = provide(
      container,
      TOKENS.operatorNode,
      new OperatorNode(
        {
          keeper,
          logger: log,
          observer,
          veto: plugins.veto,
          ranked,
        },
        {committees: () => book.current(), preset: network.preset},
      ),
    );
    const committeesChanged = async () => (await book.reload()).errors;
    const {vault, repair} = keeper;
    const offers = new PluginOffers(
      {hub, clock, logger: log, identity, vault, repair, committeesChanged},
      {dataDir: loaded.config.dataDir},
    );
    stops.push(() => offers.close());
    await plugins.start((plugin) => offers.of(plugin));
    stops.push(() => plugins.stop());
    // Some plugins know their committees only once they have started.
    for (const error of await committeesChanged()) log.warn("a committee file could not be used", {error});
    const server = provide(
      container,
      TOKENS.operatorServer,
      await serveCoordinators(
        {
          hub,
          node,
          sightings: new OperatorSightings(
            {keeper, logger: log},
            {self: identity.peerId, committees: () => book.current()},
          ),
          logger: log,
          clock,
        },
        {
          allowedPeers: allowedPeers(() => book.current()),
          software: softwareName(),
        },
      ),
    );
    stops.push(() => server.close());
    const http = config.http.enabled
      ? await servePlugins(
          {clock, logger: log, routes: plugins.routes},
          listenerOptions(config.http, {now: clock.now()}),
        )
      : null;
    if (http !== null) stops.push(() => http.close());
    const distributed = await serveDistributed(
      {keeper, clock, logger: log, observer, veto: plugins.veto, ranked},
      {config: config.distributed, self: identity.peerId, committees: () => book.current(), network},
    );
    if (distributed !== null) stops.push(() => distributed.close());
    const control = await serveControl(
      {clock, logger: log, routes: plugins.controlRoutes},
      {dataDir: loaded.config.dataDir},
    );
    if (control !== null) stops.push(() => control.close());
    const keys = await keeper.keys();
    return {
      peerId: identity.peerId,
      addresses: server.addresses(),
      url: http?.url ?? null,
      distributedUrl: distributed?.url ?? null,
      keys: keys.length,
      failed: keeper.ended,
      committees: () => book.current(),
      reload: async () => {
        const again = await rereadConfig(loaded.file);
        const {committees, operator} = again.config ?? loaded.config;
        book.readFrom(committees);
        // The keeper first: what this node then lets through is already signed with.
        const held = await keeper.reload({
          committeeFiles: committees,
          bundleFiles: operator?.bundles ?? config.bundles,
        });
        const {errors} = await book.reload();
        const renewed = http === null ? [] : renewListener(http, config.http, {now: clock.now()});
        return {
          errors: [...again.errors, ...held.errors, ...errors, ...renewed, ...((await distributed?.reload()) ?? [])],
        };
      },
      stop: () => stops.run(log),
    };
  } catch (error) {
    await stops.run(log);
    throw error;
  }
}

/** An operator without HTTP does not load fastify. */
const servePlugins: typeof createPluginServer = async (...args) =>
  (await import("../../remote-signer/plugin-server.js")).createPluginServer(...args);

/** Everybody who coordinates some committee. Asked for every frame, so the set is made once for each reading of the files. */
function allowedPeers(committees: () => readonly Committee[]): () => ReadonlySet<PeerIdText> {
  let of: readonly Committee[] | undefined;
  let peers: ReadonlySet<PeerIdText> = new Set();
  return () => {
    if (of !== committees()) {
      of = committees();
      peers = new Set(of.flatMap(({coordinators}) => coordinators));
    }
    return peers;
  };
}

/** What is not pinned is taken from requests, so nobody else may ask. @throws CONFIG_NETWORK_UNPINNED */
function requireLoopback({listen, distributed}: OperatorConfig): void {
  const beyond = listen.find((address) => !/^\/(?:ip4\/127\.|ip6\/::1\/)/.test(address));
  if (beyond !== undefined) throw new PleiadesError({code: "CONFIG_NETWORK_UNPINNED", listen: beyond});
  const {enabled, host} = distributed;
  if (enabled && !/^(?:127\.|localhost$|::1$)/.test(host)) {
    throw new PleiadesError({code: "CONFIG_NETWORK_UNPINNED", listen: host});
  }
}
