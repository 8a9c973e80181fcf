import {blstGroup} from "../../adapters/bls/blst.js";
import {createLibp2pOperatorLink} from "../../adapters/operator-link/libp2p-operator-link.js";
import {BatchVerifier} from "../../committee/batch-verifier.js";
import {OperatorWatch} from "../../committee/operator-watch.js";
import {CoordinatorSightings} from "../../committee/sightings.js";
import {CommitteeSigningService} from "../../committee/signing-service.js";
import {toWire} from "../../core/duty/request-codec.js";
import type {Logger} from "../../ports/logger.js";
import type {Deadlines} from "../../remote-signer/deadlines.js";
import {createPluginServer} from "../../remote-signer/plugin-server.js";
import {createRemoteSigner} from "../../remote-signer/server.js";
import {requireCoordinator} from "../committee-files.js";
import {type LoadedConfig, rereadConfig} from "../config/load.js";
import type {SignerConfig} from "../config/schema.js";
import {signerDelayMs} from "../config/signer-delay.js";
import {enoughOperators} from "../enough-operators.js";
import {listenerOptions, renewListener} from "../listener.js";
import {withAddresses} from "../moved-operators.js";
import {participantContext, requireParticipantTls} from "../participants/context.js";
import {SightingFile} from "../sighting-file.js";
import {TOKENS} from "../tokens.js";
import {softwareName} from "../version.js";
import {sampleSigner} from "../vitals.js";
import {bookOf, composeBase, need, provide, type RunningService, Stops} from "./base.js";
import {withParticipants} from "./participants.js";

export interface RunningSigner extends RunningService {
  readonly url: string;
  /** Of the plugins' routes, when they are served apart from the API. */
  readonly pluginsUrl: string | null;
}

/**
 * A signer: connections to the operators, then the HTTP API. It listens only once enough operators are connected, or
 * after a bound with a warning: a client that finds the port open asks at once.
 * @param pathToken for a client in this process: the API then listens on a free loopback port, below this secret path,
 *   and the plugins' routes have the configured address to themselves
 * @throws the codes of configuration, committee files, link and HTTP
 */
export async function composeSigner(
  loaded: LoadedConfig,
  {config, logger, pathToken}: {config: SignerConfig; logger: Logger; pathToken?: string},
): Promise<RunningSigner> {
  const container = await composeBase(loaded, {role: "signer", logger});
  const network = need(container, TOKENS.network);
  const identity = need(container, TOKENS.identity);
  const clock = need(container, TOKENS.clock);
  const observer = need(container, TOKENS.observer);
  const log = need(container, TOKENS.logger);
  const plugins = need(container, TOKENS.plugins);
  /** What a reload may change: addresses, committee files, and the files behind the listener. */
  let section = config;
  const book = bookOf(container, (committees) => {
    requireCoordinator(committees, identity.peerId);
    const reached = withAddresses(committees, section.operatorAddresses);
    requireParticipantTls(reached, config.participants);
    return reached;
  });
  await book.open();

  const participantTls = participantContext(config.participants, {now: clock.now()});

  const stops = new Stops();
  try {
    const sightings = new CoordinatorSightings({committees: () => book.current()});
    const memory = await SightingFile.open({sightings, clock, logger: log}, {dataDir: loaded.config.dataDir});
    stops.push(() => memory.close());
    const link = provide(
      container,
      TOKENS.operatorLink,
      withParticipants(
        await createLibp2pOperatorLink({identity, logger: log, observer, clock, sightings}, {software: softwareName()}),
        {clock, logger: log, observer},
        {context: participantTls, committees: () => book.current()},
      ),
    );
    stops.push(() => link.close());
    const verifier = new BatchVerifier({bls: blstGroup, clock});
    const service = provide(
      container,
      TOKENS.signingService,
      new CommitteeSigningService(
        {
          link,
          clock,
          logger: log,
          observer,
          bls: blstGroup,
          toWire: (request) => toWire(request, network.preset),
          verify: (message, key, signature, priority) => verifier.verify({message, key, signature}, priority),
        },
        {
          committees: book.current(),
          hedgeDelayMs: config.hedgeDelayMs,
          self: identity.peerId,
          signerDelayMs: signerDelayMs(loaded.config, network),
        },
      ),
    );
    const watch = new OperatorWatch({link, clock, logger: log});
    stops.push(async () => watch.stop());
    await plugins.start();
    stops.push(() => plugins.stop());
    await enoughOperators(service, {clock, logger: log});
    const listener = listenerOptions(config, {now: clock.now()});
    const reload = async (): Promise<{errors: readonly string[]}> => {
      const again = await rereadConfig(loaded.file);
      if (again.config?.signer !== undefined) {
        section = again.config.signer;
        book.readFrom(again.config.committees);
      }
      const {errors} = await book.reload();
      service.setCommittees(book.current());
      const open = pathToken === undefined ? server : pluginServer;
      const renewed = open === null ? [] : renewListener(open, section, {now: clock.now()});
      return {errors: [...again.errors, ...errors, ...renewed]};
    };
    const server = await createRemoteSigner(
      {service, logger: log, observer, clock, reload, routes: pathToken === undefined ? plugins.routes : []},
      {
        network,
        bodyLimitBytes: config.bodyLimitBytes,
        maxConcurrent: config.maxConcurrent,
        deadlinesMs: deadlinesOf(config),
        ...(pathToken === undefined ? listener : {host: "127.0.0.1", port: 0, pathToken}),
      },
    );
    stops.push(() => server.close());
    stops.push(sampleSigner({clock, observer}, service, () => server.load()));
    const apart = pathToken !== undefined && plugins.routes.length > 0;
    const pluginServer = apart
      ? await createPluginServer({clock, logger: log, routes: plugins.routes}, listener)
      : null;
    if (pluginServer !== null) stops.push(() => pluginServer.close());
    return {
      peerId: identity.peerId,
      url: server.url,
      pluginsUrl: pluginServer?.url ?? null,
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
