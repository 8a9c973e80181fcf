import {dirname} from "node:path";
import {type DependencyContainer, container as globalContainer} from "tsyringe";
import {blstGroup} from "../adapters/bls/blst.js";
import {systemClock} from "../adapters/clock/system.js";
import {type KeeperInit, startKeeper} from "../adapters/keeper/process.js";
import {readIdentity} from "../adapters/libp2p/identity.js";
import {createLibp2pOperatorLink} from "../adapters/operator-link/libp2p-operator-link.js";
import {createLibp2pOperatorServer} from "../adapters/operator-link/libp2p-operator-server.js";
import {OperatorNode} from "../committee/operator-node.js";
import {CommitteeSigningService} from "../committee/signing-service.js";
import type {PeerIdText} from "../core/bytes.js";
import type {Committee} from "../core/committee/committee.js";
import {installFastHasher} from "../core/duty/hasher.js";
import {networkToJson} from "../core/duty/network.js";
import {policyToJson} from "../core/duty/policy.js";
import {toWire} from "../core/duty/request-codec.js";
import {PleiadesError} from "../core/errors.js";
import type {Logger} from "../ports/logger.js";
import type {Deadlines} from "../remote-signer/deadlines.js";
import {createPluginServer, createRemoteSigner} from "../remote-signer/server.js";
import {CommitteeBook} from "./committee-book.js";
import {committeesOfOperator, requireCoordinator} from "./committee-files.js";
import type {LoadedConfig} from "./config/load.js";
import {presetOf, resolveNetwork} from "./config/network.js";
import {policyFrom} from "./config/policy.js";
import type {OperatorConfig, SignerConfig} from "./config/schema.js";
import {enoughOperators} from "./enough-operators.js";
import {withAddresses} from "./moved-operators.js";
import {loadPluginHost} from "./plugins.js";
import {TOKENS, type Token} from "./tokens.js";
import {softwareName} from "./version.js";

/** Typed `register`. */
function provide<T>(container: DependencyContainer, key: Token<T>, value: T): T {
  container.register<T>(key, {useValue: value});
  return value;
}

/** Typed `resolve`. */
const need = <T>(container: DependencyContainer, key: Token<T>): T => container.resolve<T>(key);

/**
 * Wires the two programs. With the plugin host the only place that registers or resolves anything; the container lives as
 * long as its program and no part of the program holds it.
 */
async function composeBase(
  {file, config}: LoadedConfig,
  {role, logger}: {role: "operator" | "signer"; logger: Logger},
): Promise<DependencyContainer> {
  // Every request's signing root is hashed here too, for plugins' vetoes and against the claimed root.
  installFastHasher();
  const container = globalContainer.createChildContainer();
  const network = provide(container, TOKENS.network, await resolveNetwork(config.network));
  const identity = provide(container, TOKENS.identity, await readIdentity(config.node.keyFile));
  const clock = provide(container, TOKENS.clock, systemClock);
  provide(container, TOKENS.config, config);
  provide(container, TOKENS.logger, logger.child({role, node: identity.peerId.slice(-6)}));
  const plugins = await loadPluginHost(config, {
    logger: need(container, TOKENS.logger),
    clock,
    baseDir: dirname(file),
    node: {role, network: network.name, preset: presetOf(config.network)},
  });
  provide(container, TOKENS.plugins, plugins);
  provide(container, TOKENS.observer, plugins.observer);
  return container;
}

const bookOf = (container: DependencyContainer, accept: (committees: readonly Committee[]) => readonly Committee[]) =>
  new CommitteeBook({
    origins: {
      files: need(container, TOKENS.config).committees,
      sources: need(container, TOKENS.plugins).committeeSources,
    },
    network: need(container, TOKENS.network),
    accept,
  });

/** Stops the parts in reverse order; every part gets its turn, whatever another one does. */
class Stops {
  readonly #stops: (() => Promise<void>)[] = [];

  push(stop: () => Promise<void>): void {
    this.#stops.push(stop);
  }

  async run(logger: Logger): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) {
      await stop().catch((error: unknown) => logger.error("stopping a part failed", {error: String(error)}));
    }
  }
}

/** What both programs offer once they run. */
export interface RunningService {
  readonly peerId: string;
  /** n and t of every committee this node works for. */
  readonly committees: () => readonly Committee[];
  /** Reads the committee files again. */
  reload(): Promise<{errors: readonly string[]}>;
  stop(): Promise<void>;
}
export interface RunningOperator extends RunningService {
  /** Of the plugins' routes; null when they are not served. */
  readonly url: string | null;
  readonly addresses: readonly string[];
  readonly keys: number;
}
export interface RunningSigner extends RunningService {
  readonly url: string;
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
  if (loaded.config.network.unpinned || config.startEmpty) requireLoopback(config.listen);
  const identity = need(container, TOKENS.identity);
  const clock = need(container, TOKENS.clock);
  const observer = need(container, TOKENS.observer);
  const log = need(container, TOKENS.logger);
  const plugins = need(container, TOKENS.plugins);
  const book = bookOf(container, (committees) => committeesOfOperator(committees, identity.peerId));
  await book.open();

  const stops = new Stops();
  try {
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
        },
        {logger: log, observer, clock},
      ),
    );
    stops.push(() => keeper.close());
    const node = provide(
      container,
      TOKENS.operatorNode,
      new OperatorNode(
        {
          keeper,
          logger: log,
          observer,
          veto: plugins.veto,
        },
        {committees: () => book.current(), preset: network.preset},
      ),
    );
    await plugins.start();
    stops.push(() => plugins.stop());
    const server = provide(
      container,
      TOKENS.operatorServer,
      await createLibp2pOperatorServer(
        {identity, node, logger: log, clock},
        {
          listen: config.listen,
          allowedPeers: allowedPeers(() => book.current()),
          software: softwareName(),
        },
      ),
    );
    stops.push(() => server.close());
    const {enabled, host, port} = config.http;
    const http = enabled ? await createPluginServer({clock, logger: log, routes: plugins.routes}, {host, port}) : null;
    if (http !== null) stops.push(() => http.close());
    const keys = await keeper.keys();
    return {
      peerId: identity.peerId,
      addresses: server.addresses(),
      url: http?.url ?? null,
      keys: keys.length,
      committees: () => book.current(),
      reload: () => book.reload(),
      stop: () => stops.run(log),
    };
  } catch (error) {
    await stops.run(log);
    throw error;
  }
}

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
function requireLoopback(listen: readonly string[]): void {
  const beyond = listen.find((address) => !/^\/(?:ip4\/127\.|ip6\/::1\/)/.test(address));
  if (beyond !== undefined) throw new PleiadesError({code: "CONFIG_NETWORK_UNPINNED", listen: beyond});
}

/**
 * A signer: connections to the operators, then the HTTP API. It listens only once enough operators are connected, or
 * after a bound with a warning: a client that finds the port open asks at once.
 * @throws the codes of configuration, committee files, link and HTTP
 */
export async function composeSigner(
  loaded: LoadedConfig,
  {config, logger}: {config: SignerConfig; logger: Logger},
): Promise<RunningSigner> {
  const container = await composeBase(loaded, {role: "signer", logger});
  const network = need(container, TOKENS.network);
  const identity = need(container, TOKENS.identity);
  const clock = need(container, TOKENS.clock);
  const observer = need(container, TOKENS.observer);
  const log = need(container, TOKENS.logger);
  const plugins = need(container, TOKENS.plugins);
  const book = bookOf(container, (committees) => {
    requireCoordinator(committees, identity.peerId);
    return withAddresses(committees, config.operatorAddresses);
  });
  await book.open();

  const stops = new Stops();
  try {
    const link = provide(
      container,
      TOKENS.operatorLink,
      await createLibp2pOperatorLink({identity, logger: log, observer, clock}, {software: softwareName()}),
    );
    stops.push(() => link.close());
    const service = provide(
      container,
      TOKENS.signingService,
      new CommitteeSigningService(
        {link, clock, logger: log, observer, bls: blstGroup, toWire: (request) => toWire(request, network.preset)},
        {committees: book.current(), hedgeDelayMs: config.hedgeDelayMs},
      ),
    );
    await plugins.start();
    stops.push(() => plugins.stop());
    await enoughOperators(service, {clock, logger: log});
    const reload = async (): Promise<{errors: readonly string[]}> => {
      const result = await book.reload();
      service.setCommittees(book.current());
      return result;
    };
    const server = await createRemoteSigner(
      {service, logger: log, observer, clock, reload, routes: plugins.routes},
      {
        network,
        host: config.host,
        port: config.port,
        bodyLimitBytes: config.bodyLimitBytes,
        maxConcurrent: config.maxConcurrent,
        deadlinesMs: deadlinesOf(config),
      },
    );
    stops.push(() => server.close());
    return {
      peerId: identity.peerId,
      url: server.url,
      committees: () => book.current(),
      reload,
      stop: () => stops.run(log),
    };
  } catch (error) {
    await stops.run(log);
    throw error;
  }
}

/** The deadlines that are configured, without the keys that are not. */
const deadlinesOf = ({deadlinesMs}: SignerConfig): Partial<Deadlines> =>
  Object.fromEntries(Object.entries(deadlinesMs).filter(([, value]) => value !== undefined)) as Partial<Deadlines>;
