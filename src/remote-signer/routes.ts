import type {FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest} from "fastify";
import {parsePubkeyHex, type TraceId} from "../core/bytes.js";
import {PleiadesError} from "../core/errors.js";
import type {SigningService} from "../ports/signing-service.js";
import {signatureForm, upcheckForm} from "./accept.js";
import {WATERMARK_TIMEOUT_MS} from "./bounds.js";
import type {Calls} from "./call.js";
import {healthReport} from "./health.js";
import type {Reloader} from "./reload.js";
import {sendError, sendJson, sendText} from "./replies.js";
import type {Client, Signing} from "./signing.js";
import {toErrorReply} from "./status.js";

declare module "fastify" {
  interface FastifyRequest {
    /** `clock.monotonic()` when the head of the request had been read. */
    arrivedAt: number;
    /** Under which signer, operators and keepers log this request. */
    trace: TraceId;
  }
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> | FastifyReply;
export type Method = "GET" | "POST";

const ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** Serves one path; methods it does not take are refused before their body is read. */
export function serve(
  app: FastifyInstance,
  url: string,
  handlers: {readonly [M in Method]?: Handler},
  config: FastifyContextConfig = {},
): void {
  const allowed: readonly string[] = Object.keys(handlers);
  for (const [method, handler] of Object.entries(handlers)) app.route({method, url, handler, config});
  app.route({
    method: ALL_METHODS.filter((method) => !allowed.includes(method)),
    url,
    onRequest: (request, reply) => {
      reply.header("allow", allowed.join(", "));
      sendError(reply, new PleiadesError({code: "HTTP_METHOD_NOT_ALLOWED", method: request.method}));
    },
    handler: () => undefined,
  });
}

/** The Web3Signer eth2 API and the draft's batch signing. @see Web3Signer eth2 API, signing/paths */
export function registerApi(
  app: FastifyInstance,
  {service, signing, calls, reloader}: {service: SigningService; signing: Signing; calls: Calls; reloader: Reloader},
): void {
  // Open without a token: it says that something listens here, which an open port says anyway, and is what load
  // balancers and supervisors ask. The health check names operators, so it is not.
  serve(
    app,
    "/upcheck",
    {
      GET: (request, reply) =>
        upcheckForm(request.headers.accept) === "json"
          ? sendJson(reply, 200, {status: "OK"})
          : sendText(reply, 200, "OK"),
    },
    {open: true},
  );

  serve(app, "/healthcheck", {
    GET: (_request, reply) => {
      const report = healthReport(service.health());
      return sendJson(reply, report.outcome === "UP" ? 200 : 503, report);
    },
  });

  serve(app, "/api/v1/eth2/publicKeys", {
    GET: (_request, reply) => sendJson(reply, 200, service.publicKeys()),
  });

  serve(
    app,
    "/api/v1/eth2/sign/:identifier",
    {
      POST: async (request, reply) => {
        const key = parsePubkeyHex((request.params as {identifier: string}).identifier, "identifier");
        const {signature} = await signing.signOne(key, bodyOf(request), clientOf(request, reply));
        return signatureForm(request.headers.accept) === "json"
          ? sendJson(reply, 200, {signature})
          : sendText(reply, 200, signature);
      },
    },
    {rateClass: "sign"},
  );

  serve(
    app,
    "/api/v1/eth2/sign",
    {
      POST: async (request, reply) =>
        sendJson(reply, 200, await signing.signBatch(bodyOf(request), clientOf(request, reply))),
    },
    {rateClass: "batch"},
  );

  // The highest slot and epoch any reachable operator has recorded for any key: a watermark for people and scripts, not
  // a permission. A message above it may still be refused, and a key that lags behind may sign below it.
  serve(app, "/api/v1/eth2/highWatermark", {
    GET: async (_request, reply) => {
      const call = calls.open(WATERMARK_TIMEOUT_MS);
      try {
        const {slot, epoch} = await call.race(service.highWatermark(call.signal));
        return sendJson(reply, 200, {
          ...(epoch === null ? {} : {epoch: epoch.toString()}),
          ...(slot === null ? {} : {slot: slot.toString()}),
        });
      } finally {
        call.end();
      }
    },
  });

  app.register(async (scope) => {
    // A reload has no body; whatever a tool like curl adds is read and dropped.
    scope.addContentTypeParser("*", {parseAs: "buffer", bodyLimit: 1024}, (_request, _body, done) => done(null));
    serve(scope, "/reload", {
      GET: (_request, reply) => sendJson(reply, 200, reloader.status),
      POST: (_request, reply) => {
        try {
          reloader.start();
        } catch (error) {
          const {status, body} = toErrorReply(error);
          return sendJson(reply, status, {...body, status: "error"});
        }
        return sendJson(reply, 202, {
          status: "accepted",
          message: "Reload accepted and running in the background. GET /reload tells how it went.",
        });
      },
    });
  });
}

export function bodyOf({body}: FastifyRequest): unknown {
  if (body === undefined) throw new PleiadesError({code: "CODEC_JSON", reason: "empty body"});
  return body;
}

export function clientOf(request: FastifyRequest, reply: FastifyReply): Client {
  return {
    arrivedAt: request.arrivedAt,
    trace: request.trace,
    onGone(callback) {
      // "close" follows a finished answer too; the caller has stopped listening by then.
      const onClose = () => callback();
      reply.raw.once("close", onClose);
      return () => reply.raw.off("close", onClose);
    },
  };
}
