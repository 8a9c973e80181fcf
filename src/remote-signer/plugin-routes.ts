import {validateHeaderValue} from "node:http";
import type {FastifyInstance, FastifyReply, FastifyRequest} from "fastify";
import {PleiadesError} from "../core/errors.js";
import type {PluginRequest, PluginResponse, PluginRoute} from "../ports/http-route.js";
import type {Logger} from "../ports/logger.js";
import {PLUGIN_ROUTE_TIMEOUT_MS} from "./bounds.js";
import type {Calls} from "./call.js";
import {traceOf} from "./internal-error.js";
import {serve} from "./routes.js";

const PLUGIN_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
/** Plain segments only: no parameters or wildcards, so one plugin's route can never shadow another's. */
const PATH = /^(?:\/[A-Za-z0-9._~-]+)*$/;

/**
 * Serves plugins' routes under `/plugin/<name>`, where nothing of the signer's own API is.
 * @throws HTTP_ROUTE_INVALID for a name or path that cannot be served, or a route given twice
 */
export function registerPluginRoutes(
  app: FastifyInstance,
  routes: readonly PluginRoute[],
  {calls, logger}: {calls: Calls; logger: Logger},
): void {
  registerByUrl(app, routes, (route) => handlerOf(route, {calls, logger}));
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
type Located = Pick<PluginRoute, "plugin" | "method" | "path">;

/** @throws HTTP_ROUTE_INVALID */
export function registerByUrl<R extends Located>(
  app: FastifyInstance,
  routes: readonly R[],
  handlerOf: (route: R) => Handler,
): void {
  const byUrl = new Map<string, Partial<Record<PluginRoute["method"], R>>>();
  for (const route of routes) {
    const {plugin, method, path} = route;
    if (!PLUGIN_NAME.test(plugin) || !PATH.test(path)) {
      throw new PleiadesError({code: "HTTP_ROUTE_INVALID", plugin, path});
    }
    const url = `/plugin/${plugin}${path}`;
    const methods = byUrl.get(url) ?? {};
    if (methods[method] !== undefined) throw new PleiadesError({code: "HTTP_ROUTE_INVALID", method, url, twice: true});
    byUrl.set(url, {...methods, [method]: route});
  }
  for (const [url, {GET, POST}] of byUrl) {
    serve(app, url, {
      ...(GET === undefined ? {} : {GET: handlerOf(GET)}),
      ...(POST === undefined ? {} : {POST: handlerOf(POST)}),
    });
  }
}

export const pluginRequest = ({query, headers, body}: FastifyRequest): PluginRequest => ({
  query: lastOf(query as Record<string, string | string[]>),
  headers: joined(headers),
  body: body ?? null,
});

function handlerOf({plugin, path, handler}: PluginRoute, {calls, logger}: {calls: Calls; logger: Logger}) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const call = calls.open(PLUGIN_ROUTE_TIMEOUT_MS);
    try {
      const response = await call.race(
        // A handler that throws before its promise counts as one that rejects.
        Promise.resolve(pluginRequest(request)).then(handler),
      );
      const {status, contentType, body} = checked(response);
      return reply.code(status).header("content-type", contentType).send(Buffer.from(body));
    } catch (error) {
      if (call.signal.aborted && error === call.signal.reason) throw error;
      logger.error("a plugin's route failed", {code: "HTTP_PLUGIN_ROUTE_FAILED", plugin, path, error: traceOf(error)});
      throw new PleiadesError({code: "HTTP_PLUGIN_ROUTE_FAILED", plugin});
    } finally {
      call.end();
    }
  };
}

/** The plugin's answer, when HTTP can carry it; found out here because node would only drop the connection. */
function checked(response: PluginResponse): PluginResponse {
  const {status, contentType, body} = response;
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError(`status ${status}`);
  validateHeaderValue("content-type", contentType);
  if (typeof body !== "string") throw new TypeError("body is not a text");
  return response;
}

const lastOf = (query: Record<string, string | string[]>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, Array.isArray(value) ? (value.at(-1) ?? "") : value]),
  );

const joined = (headers: FastifyRequest["headers"]): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
