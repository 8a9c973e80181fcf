import type {Network} from "../core/duty/network.js";
import type {Clock} from "../ports/clock.js";
import type {PluginRoute} from "../ports/http-route.js";
import type {Logger} from "../ports/logger.js";
import type {Observer} from "../ports/observer.js";
import type {SigningService} from "../ports/signing-service.js";
import {Admission} from "./admission.js";
import * as bounds from "./bounds.js";
import {Calls} from "./call.js";
import {type Deadlines, deadlinesFor} from "./deadlines.js";
import {loadFullBlockReader} from "./full-block.js";
import {type HttpServer, openHttpServer, type ServerOptions} from "./http-server.js";
import {registerPluginRoutes} from "./plugin-routes.js";
import {type Reload, Reloader} from "./reload.js";
import {registerApi} from "./routes.js";
import {Signing, signatureOf} from "./signing.js";

export interface RemoteSignerModules {
  readonly service: SigningService;
  readonly logger: Logger;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly reload: Reload;
  readonly routes?: readonly PluginRoute[];
}

export interface RemoteSignerOptions extends ServerOptions {
  readonly network: Network;
  readonly maxConcurrent?: number;
  readonly maxQueued?: number;
  readonly maxBatchKeys?: number;
  /** Replaces the defaults of the types it names. */
  readonly deadlinesMs?: Partial<Deadlines>;
}

export interface RemoteSigner extends HttpServer {
  /** Signing requests in progress, and those that wait for a place. */
  load(): {readonly running: number; readonly waiting: number};
}

/**
 * Starts the remote signer: resolves once it listens. Call it when the service is ready to sign, because a client that
 * finds the port open asks at once.
 * @throws HTTP_ADDRESS_IN_USE · HTTP_LISTEN_FAILED · HTTP_ROUTE_INVALID
 */
export async function createRemoteSigner(
  modules: RemoteSignerModules,
  options: RemoteSignerOptions,
): Promise<RemoteSigner> {
  const {service, observer, clock, reload, routes = []} = modules;
  const logger = modules.logger.child({component: "remote-signer"});
  const calls = new Calls({clock});
  const admission = new Admission({
    maxConcurrent: options.maxConcurrent ?? bounds.MAX_CONCURRENT,
    maxQueued: options.maxQueued ?? bounds.MAX_QUEUED,
  });
  const signing = new Signing(
    {
      sign: signatureOf(service),
      admission,
      calls,
      readBlock: await loadFullBlockReader(options.network.preset),
      clock,
      logger,
      observer,
    },
    {
      network: options.network,
      deadlines: deadlinesFor(options.network, options.deadlinesMs),
      maxBatchKeys: options.maxBatchKeys ?? bounds.MAX_BATCH_KEYS,
    },
  );

  const server = await openHttpServer({clock, logger, calls}, options, (app) => {
    registerApi(app, {service, signing, calls, reloader: new Reloader({reload, clock, logger})});
    registerPluginRoutes(app, routes, {calls, logger});
  });
  return {...server, load: () => ({running: admission.running, waiting: admission.queued})};
}
