import type {Clock} from "../ports/clock.js";
import type {ControlRoute} from "../ports/http-route.js";
import type {Logger} from "../ports/logger.js";
import {CONTROL_CLOSE_GRACE_MS} from "./bounds.js";
import {Calls} from "./call.js";
import {registerControlRoutes} from "./control-routes.js";
import {type HttpServer, openHttpServer} from "./http-server.js";

/**
 * A server for plugins' control routes on a unix socket with mode 0600: whoever can open it is the node's owner.
 * @param path must be free; its folder must let nobody else in
 * @throws CONTROL_SOCKET · HTTP_ROUTE_INVALID
 */
export function createControlServer(
  {clock, routes, ...modules}: {clock: Clock; logger: Logger; routes: readonly ControlRoute[]},
  {path}: {path: string},
): Promise<HttpServer> {
  const logger = modules.logger.child({component: "control"});
  const calls = new Calls({clock});
  return openHttpServer({clock, logger, calls}, {socket: path, port: 0, closeGraceMs: CONTROL_CLOSE_GRACE_MS}, (app) =>
    registerControlRoutes(app, routes, {calls, logger}),
  );
}
