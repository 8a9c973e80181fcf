import {Readable} from "node:stream";
import type {FastifyInstance, FastifyReply, FastifyRequest} from "fastify";
import {PleiadesError} from "../core/errors.js";
import type {ControlRoute} from "../ports/http-route.js";
import type {Logger} from "../ports/logger.js";
import {MAX_CONTROL_LINE_BYTES, MAX_CONTROL_MS} from "./bounds.js";
import type {Calls} from "./call.js";
import {pluginRequest, registerByUrl} from "./plugin-routes.js";
import {toErrorReply} from "./status.js";

/**
 * Serves plugins' control routes. An answer in lines is newline-delimited JSON, one of `{"value":…}` per line; the last
 * line is `{"done":true}` or `{"failure":{code, message}}`, so that one that broke off is told from one that ended.
 * @throws HTTP_ROUTE_INVALID
 */
export function registerControlRoutes(
  app: FastifyInstance,
  routes: readonly ControlRoute[],
  {calls, logger}: {calls: Calls; logger: Logger},
): void {
  registerByUrl(app, routes, (route) => handlerOf(route, {calls, logger}));
}

function handlerOf({plugin, path, handler}: ControlRoute, {calls, logger}: {calls: Calls; logger: Logger}) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const call = calls.open(MAX_CONTROL_MS);
    const {signal} = call;
    reply.raw.once("close", () => {
      call.cut("HTTP_CLIENT_GONE");
      call.end();
    });
    const response = await call.race(Promise.resolve({...pluginRequest(request), signal}).then(handler));
    if (!("lines" in response)) {
      const {status, contentType, body} = response;
      return reply.code(status).header("content-type", contentType).send(Buffer.from(body));
    }
    const failed = (error: unknown): string => {
      const {body} = toErrorReply(error);
      // Whoever watched has stopped watching, as they may: that is no failure.
      const level = body.code === "HTTP_CLIENT_GONE" ? "debug" : "warn";
      logger[level]("a plugin's answer in lines failed", {code: body.code, plugin, path, message: body.message});
      return line({failure: body});
    };
    return reply
      .code(200)
      .header("content-type", "application/x-ndjson")
      .send(Readable.from(linesOf(response.lines, signal, failed), {objectMode: false}));
  };
}

async function* linesOf(
  values: AsyncIterable<unknown>,
  signal: AbortSignal,
  failed: (error: unknown) => string,
): AsyncGenerator<string> {
  const iterator = values[Symbol.asyncIterator]();
  let over = false;
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal);
      over = next.done === true;
      if (over) break;
      yield line({value: next.value ?? null});
    }
    yield line({done: true});
  } catch (error) {
    over = !signal.aborted;
    yield failed(error);
  } finally {
    // Not waited for: an iterator that hangs must not hold the connection.
    if (!over) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/** @throws CONTROL_ANSWER: not JSON, or too long */
function line(value: unknown): string {
  const text = JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item));
  if (text.length <= MAX_CONTROL_LINE_BYTES) return `${text}\n`;
  throw new PleiadesError({code: "CONTROL_ANSWER", reason: "a line is too long", length: text.length});
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, {once: true});
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}
