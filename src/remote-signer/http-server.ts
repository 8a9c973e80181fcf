import {chmod} from "node:fs/promises";
import {createServer, type Server} from "node:http";
import {createServer as createTlsServer} from "node:https";
import type {AddressInfo, Socket} from "node:net";
import {type FastifyInstance, type FastifyRequest, fastify} from "fastify";
import {codeOf, PleiadesError} from "../core/errors.js";
import type {RateLimit} from "../core/token-bucket.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import type {ServerTls} from "../ports/server-tls.js";
import type {AccessTokens} from "./access-token.js";
import {hostAndPort} from "./addresses.js";
import * as bounds from "./bounds.js";
import type {Calls} from "./call.js";
import {Connections} from "./connections.js";
import {Drain} from "./drain.js";
import {exposureWarning} from "./exposure.js";
import {answerOnSocket, fromFramework} from "./framework-errors.js";
import {Guard, type RateClass, refusalHeaders} from "./guard.js";
import {logInternal} from "./internal-error.js";
import {parseStrictJson} from "./json.js";
import {belowToken} from "./path-token.js";
import {RateLimiter} from "./rate-limiter.js";
import {sendError} from "./replies.js";
import {httpsOptions, renewCertificates} from "./tls.js";
import {traceIdOf} from "./trace.js";

/** Defaults and reasons of the bounds are in bounds.ts. */
export interface ServerOptions {
  /** A unix socket's path in place of host and port. It answers its user alone, so the bounds on addresses fall away. */
  readonly socket?: string;
  /** Default 127.0.0.1; "localhost" means the same. */
  readonly host?: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly bodyLimitBytes?: number;
  readonly maxConnections?: number;
  readonly maxConnectionsPerClient?: number;
  /** How long `close` waits for requests that are being answered. */
  readonly closeGraceMs?: number;
  /** Without it the server speaks plain HTTP. */
  readonly tls?: ServerTls | null;
  /** Without them nobody is asked for one. */
  readonly tokens?: AccessTokens | null;
  /** Names in Host headers, besides localhost and `host`. */
  readonly allowedHosts?: readonly string[];
  /** Per client; `connections` are new ones from one address of another machine. Nothing is limited by default. */
  readonly rateLimits?: {readonly [C in RateClass | "connections"]?: RateLimit | null};
  readonly timeouts?: Partial<Timeouts>;
  /** Serves every route below /token only: for a client that can be given a URL and no header. */
  readonly pathToken?: string;
}

/** Milliseconds. */
export interface Timeouts {
  /** From a connection's first moment, or the end of the answer before, to the end of a request's head. */
  readonly headers: number;
  /** To the end of its body. */
  readonly request: number;
  /** How often the two are looked at. */
  readonly check: number;
  readonly handshake: number;
  /** Without a byte sent or taken, while nothing is being worked on for the client. */
  readonly stalled: number;
}

export interface HttpServer {
  /** With the real port. */
  readonly url: string;
  /** Stops accepting, lets what is being answered finish up to a bound, then closes every connection. Idempotent. */
  close(): Promise<void>;
  /** New connections get the new certificate, and every request is held to the new list of clients. */
  renewTls(tls: ServerTls): void;
  /** Every request from now on is held to these. */
  renewTokens(tokens: AccessTokens): void;
}

/** The server with its routes, listening. @throws HTTP_ADDRESS_IN_USE · HTTP_LISTEN_FAILED */
export async function openHttpServer(
  {clock, logger, calls}: {clock: Clock; logger: Logger; calls: Calls},
  options: ServerOptions,
  register: (app: FastifyInstance) => void,
): Promise<HttpServer> {
  const drain = new Drain();
  const state = {closing: false};
  const {tls = null, tokens = null, rateLimits = {}, host = "127.0.0.1", allowedHosts = []} = options;
  const guard = new Guard({clock, secrets: {tls, tokens}}, {hostNames: [host, ...allowedHosts], limits: rateLimits});
  const openings = rateLimits.connections ?? null;
  const connections = new Connections(
    {clock, logger, openings: openings === null ? null : new RateLimiter({clock}, openings)},
    {
      max: options.maxConnections ?? bounds.MAX_CONNECTIONS,
      maxPerClient: options.maxConnectionsPerClient ?? bounds.MAX_CONNECTIONS_PER_CLIENT,
    },
  );
  const app = createApp({clock, logger, drain, state, guard, connections}, options);
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
    // The HTTP server does not know those that are still in their TLS handshake.
    connections.closeAll();
    await stopped;
  };
  return {
    url,
    close() {
      closed ??= close();
      return closed;
    },
    renewTls(renewed) {
      // A listener does not change between plain and encrypted while it runs.
      if (guard.secrets.tls === null) return;
      renewCertificates(app.server, renewed);
      guard.renew({tls: renewed});
    },
    renewTokens(renewed) {
      if (guard.secrets.tokens !== null) guard.renew({tokens: renewed});
    },
  };
}

interface AppModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly drain: Drain;
  readonly state: {readonly closing: boolean};
  readonly guard: Guard;
  readonly connections: Connections;
}

/** The server without routes: bounds, body parser, error form. fastify's own logger stays off. */
function createApp(modules: AppModules, options: ServerOptions): FastifyInstance {
  const {clock, logger, drain, state, guard, connections} = modules;
  const app = fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes ?? bounds.BODY_LIMIT_BYTES,
    serverFactory: (handler) => createBareServer(options, connections, handler),
    routerOptions: {maxParamLength: bounds.MAX_PARAM_CHARS},
    ...(options.pathToken === undefined ? {} : {rewriteUrl: belowToken(options.pathToken)}),
    return503OnClosing: false, // Ours has the form of our errors.
    frameworkErrors: (error, _request, reply) => void sendError(reply, fromFramework(error)),
    clientErrorHandler: answerOnSocket,
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", {parseAs: "buffer"}, (_request, body, done) => {
    try {
      done(null, body.length === 0 ? undefined : parseStrictJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });

  app.decorateRequest("arrivedAt", 0);
  app.decorateRequest("trace");
  app.addHook("onRequest", (request, reply, done) => {
    request.arrivedAt = clock.monotonic();
    request.trace = traceIdOf(request.headers.traceparent);
    drain.enter();
    reply.raw.once("close", () => drain.leave());
    const refusal = state.closing
      ? new PleiadesError({code: "HTTP_SHUTTING_DOWN"})
      : (withoutHost(request) ?? guard.refusal(request));
    if (refusal === null) done();
    else sendError(reply.headers(refusalHeaders(refusal)), refusal);
  });
  // The whole request is here, and from now on somebody works for it.
  app.addHook("preHandler", (request, reply, done) => {
    reply.raw.once("close", connections.busy(request.raw.socket));
    done();
  });
  app.addHook("onSend", (_request, reply, payload, done) => {
    if (state.closing) reply.header("connection", "close");
    done(null, payload);
  });
  app.setNotFoundHandler((_request, reply) => sendError(reply, new PleiadesError({code: "HTTP_NOT_FOUND"})));
  app.setErrorHandler((raw, request, reply) => {
    const error = fromFramework(raw);
    if (codeOf(error) === "INTERNAL")
      logInternal(logger, error, {
        method: request.method,
        route: request.routeOptions.url,
        trace: request.trace,
      });
    return sendError(reply, error);
  });
  return app;
}

/** RFC 9112 section 3.2: node's own refusal, which is off, has no body. */
const withoutHost = ({headers, raw}: FastifyRequest): PleiadesError | null =>
  headers.host === undefined && raw.httpVersion === "1.1" ? new PleiadesError({code: "HTTP_MALFORMED"}) : null;

/** node's own server, with our bounds. */
function createBareServer(
  {tls = null, timeouts = {}, socket}: ServerOptions,
  connections: Connections,
  handler: Parameters<typeof createServer>[1],
): Server {
  const options = {
    requireHostHeader: false,
    maxHeaderSize: bounds.MAX_HEADER_BYTES,
    requestTimeout: timeouts.request ?? bounds.REQUEST_TIMEOUT_MS,
    headersTimeout: timeouts.headers ?? bounds.HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: timeouts.check ?? bounds.CONNECTION_CHECK_MS,
    keepAliveTimeout: bounds.KEEP_ALIVE_TIMEOUT_MS,
  };
  const handshakeTimeoutMs = timeouts.handshake ?? bounds.HANDSHAKE_TIMEOUT_MS;
  const server =
    tls === null
      ? createServer(options, handler)
      : createTlsServer({...options, ...httpsOptions(tls, {handshakeTimeoutMs})}, handler);
  if (socket === undefined) connections.watch(server);
  else server.maxConnections = bounds.MAX_CONTROL_CONNECTIONS;
  // RFC 9110 section 10.1.1 leaves it to us; node would answer 417 without a body.
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
  // Nobody can be answered before the handshake is over: what is written would wait for it for ever.
  server.on("tlsClientError", (_error, socket: Socket) => socket.destroy());
  // Who watches on a unix socket may see nothing for long.
  server.timeout = socket === undefined ? (timeouts.stalled ?? bounds.STALLED_TIMEOUT_MS) : 0;
  server.on("timeout", (socket) => {
    // Silence is right while the committee works on an answer; with an answer that is not taken it is not.
    if (connections.isBusy(socket) && socket.writableLength === 0) return;
    socket.destroy();
  });
  return server;
}

async function listen(app: FastifyInstance, options: ServerOptions, logger: Logger): Promise<string> {
  if (options.socket !== undefined) return listenOnSocket(app, options.socket);
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
  const url = `${(options.tls ?? null) === null ? "http" : "https"}://${hostAndPort(host, port)}`;
  const {tls = null, tokens = null} = options;
  const warning = exposureWarning({
    host: address,
    tls: tls !== null,
    clientCertificates: (tls?.clients ?? null) !== null,
    token: tokens !== null,
  });
  if (warning !== null) logger.warn(`listening beyond this machine: ${warning}`, {url});
  return url;
}

/** @throws CONTROL_SOCKET */
async function listenOnSocket(app: FastifyInstance, path: string): Promise<string> {
  try {
    await app.listen({path});
    await chmod(path, 0o600);
    return `unix:${path}`;
  } catch (error) {
    await app.close();
    const reason = (error as NodeJS.ErrnoException).code ?? "unknown";
    throw new PleiadesError({code: "CONTROL_SOCKET", path, reason}, {cause: error});
  }
}

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
