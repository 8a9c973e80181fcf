import {type AddressInfo, BlockList, isIP} from "node:net";
import {type FastifyInstance, fastify} from "fastify";
import {codeOf, PleiadesError} from "../core/errors.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import * as bounds from "./bounds.js";
import type {Calls} from "./call.js";
import {Drain} from "./drain.js";
import {answerOnSocket, fromFramework} from "./framework-errors.js";
import {logInternal} from "./internal-error.js";
import {parseStrictJson} from "./json.js";
import {belowToken} from "./path-token.js";
import {sendError} from "./replies.js";

/** Defaults and reasons of the bounds are in bounds.ts. */
export interface ServerOptions {
  /** Default 127.0.0.1; "localhost" means the same. */
  readonly host?: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly bodyLimitBytes?: number;
  readonly maxConnections?: number;
  /** How long `close` waits for requests that are being answered. */
  readonly closeGraceMs?: number;
  /** Serves every route below /token only: for a client that can be given a URL and no header. */
  readonly pathToken?: string;
}

export interface HttpServer {
  /** With the real port. */
  readonly url: string;
  /** Stops accepting, lets what is being answered finish up to a bound, then closes every connection. Idempotent. */
  close(): Promise<void>;
}

/** The server with its routes, listening. */
export async function openHttpServer(
  {clock, logger, calls}: {clock: Clock; logger: Logger; calls: Calls},
  options: ServerOptions,
  register: (app: FastifyInstance) => void,
): Promise<HttpServer> {
  const drain = new Drain();
  const state = {closing: false};
  const app = createApp({clock, logger, drain, state}, options);
  register(app);
  const url = await listen(app, options, logger);

  let closed: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    state.closing = true;
    const stopped = app.close();
    if (!(await finishes(drain, options.closeGraceMs ?? bounds.CLOSE_GRACE_MS, clock))) {
      calls.cutAll("HTTP_SHUTTING_DOWN");
      // Their answers leave at once; a client that does not read its answer is not waited for.
      await finishes(drain, bounds.ABORT_GRACE_MS, clock);
    }
    app.server.closeAllConnections();
    await stopped;
  };
  return {
    url,
    close() {
      closed ??= close();
      return closed;
    },
  };
}

interface AppModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly drain: Drain;
  readonly state: {readonly closing: boolean};
}

/** The server without routes: bounds, body parser, error form. fastify's own logger stays off. */
function createApp({clock, logger, drain, state}: AppModules, options: ServerOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes ?? bounds.BODY_LIMIT_BYTES,
    requestTimeout: bounds.REQUEST_TIMEOUT_MS,
    keepAliveTimeout: bounds.KEEP_ALIVE_TIMEOUT_MS,
    http: {
      maxHeaderSize: bounds.MAX_HEADER_BYTES,
      headersTimeout: bounds.HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: bounds.CONNECTION_CHECK_MS,
    },
    routerOptions: {maxParamLength: bounds.MAX_PARAM_CHARS},
    ...(options.pathToken === undefined ? {} : {rewriteUrl: belowToken(options.pathToken)}),
    return503OnClosing: false, // Ours has the form of our errors.
    frameworkErrors: (error, _request, reply) => void sendError(reply, fromFramework(error)),
    clientErrorHandler: answerOnSocket,
  });
  app.server.maxConnections = options.maxConnections ?? bounds.MAX_CONNECTIONS;
  warnOfDroppedConnections(app, clock, logger);

  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", {parseAs: "buffer"}, (_request, body, done) => {
    try {
      done(null, body.length === 0 ? undefined : parseStrictJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });

  app.decorateRequest("arrivedAt", 0);
  app.addHook("onRequest", (request, reply, done) => {
    request.arrivedAt = clock.monotonic();
    drain.enter();
    reply.raw.once("close", () => drain.leave());
    if (state.closing) sendError(reply, new PleiadesError({code: "HTTP_SHUTTING_DOWN"}));
    else done();
  });
  app.addHook("onSend", (_request, reply, payload, done) => {
    if (state.closing) reply.header("connection", "close");
    done(null, payload);
  });
  app.setNotFoundHandler((_request, reply) => sendError(reply, new PleiadesError({code: "HTTP_NOT_FOUND"})));
  app.setErrorHandler((raw, request, reply) => {
    const error = fromFramework(raw);
    if (codeOf(error) === "INTERNAL")
      logInternal(logger, error, {method: request.method, route: request.routeOptions.url});
    return sendError(reply, error);
  });
  return app;
}

function warnOfDroppedConnections(app: FastifyInstance, clock: Clock, logger: Logger): void {
  let dropped = 0;
  let lastLogged = Number.NEGATIVE_INFINITY;
  app.server.on("drop", () => {
    dropped++;
    if (clock.monotonic() - lastLogged < bounds.DROP_LOG_INTERVAL_MS) return;
    logger.warn("connections refused: too many are open", {dropped, maxConnections: app.server.maxConnections});
    dropped = 0;
    lastLogged = clock.monotonic();
  });
}

async function listen(app: FastifyInstance, options: ServerOptions, logger: Logger): Promise<string> {
  // fastify binds "localhost" to each of its addresses, which would be several servers with one set of bounds.
  const host = options.host === undefined || options.host === "localhost" ? "127.0.0.1" : options.host;
  const wanted = hostAndPort(host, options.port);
  try {
    await app.listen({host, port: options.port});
  } catch (error) {
    await app.close();
    const reason = (error as NodeJS.ErrnoException).code;
    throw reason === "EADDRINUSE"
      ? new PleiadesError({code: "HTTP_ADDRESS_IN_USE", address: wanted})
      : new PleiadesError({code: "HTTP_LISTEN_FAILED", address: wanted, reason: reason ?? "unknown"}, {cause: error});
  }
  const {address, port} = app.server.address() as AddressInfo;
  const url = `http://${hostAndPort(host, port)}`;
  if (!isLoopback(address)) {
    logger.warn("listening beyond this machine: whoever reaches this address can ask for signatures", {url});
  }
  return url;
}

const hostAndPort = (host: string, port: number): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");
const isLoopback = (address: string): boolean => LOOPBACK.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

/** True when every active request ended within the time. */
async function finishes(drain: Drain, withinMs: number, clock: Clock): Promise<boolean> {
  let cancel: () => void = () => {};
  const timeout = new Promise<boolean>((resolve) => {
    cancel = clock.after(withinMs, () => resolve(false));
  });
  try {
    return await Promise.race([drain.whenIdle().then(() => true), timeout]);
  } finally {
    cancel();
  }
}
