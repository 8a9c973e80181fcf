import type {Clock} from "../ports/clock.js";
import type {PluginRoute} from "../ports/http-route.js";
import type {Logger} from "../ports/logger.js";
import {Calls} from "./call.js";
import {type HttpServer, openHttpServer, type ServerOptions} from "./http-server.js";
import {registerPluginRoutes} from "./plugin-routes.js";

export interface PluginServerModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly routes: readonly PluginRoute[];
}

/**
 * A server with nothing but plugins' routes and the same bounds, for a node that is no signer.
 * @throws HTTP_ADDRESS_IN_USE · HTTP_LISTEN_FAILED · HTTP_ROUTE_INVALID
 */
export function createPluginServer(
  {clock, routes, ...modules}: PluginServerModules,
  options: ServerOptions,
): Promise<HttpServer> {
  const logger = modules.logger.child({component: "plugin-server"});
  const calls = new Calls({clock});
  return openHttpServer({clock, logger, calls}, options, (app) => registerPluginRoutes(app, routes, {calls, logger}));
}
