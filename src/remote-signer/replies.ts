import type {FastifyReply} from "fastify";
import {toErrorReply} from "./status.js";

/**
 * Sent as bytes: fastify would add a charset to the content type of a text, and Lodestar from 1.22 on takes exactly
 * `application/json`.
 */
export function sendJson(reply: FastifyReply, status: number, value: unknown): FastifyReply {
  return reply
    .code(status)
    .header("content-type", "application/json")
    .send(Buffer.from(JSON.stringify(value)));
}

export function sendText(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).header("content-type", "text/plain; charset=utf-8").send(text);
}

/**
 * Errors are JSON whatever the client accepts: Lodestar takes the text of any error body into its log, and the trace id
 * in it finds the request in the logs of signer, operators and keepers.
 */
export function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  const {status, body} = toErrorReply(error);
  return sendJson(reply, status, {...body, trace: reply.request.trace});
}
