import {STATUS_CODES} from "node:http";
import type {Duplex} from "node:stream";
import {PleiadesError, type ReasonCode} from "../core/errors.js";
import {toErrorReply} from "./status.js";

const FASTIFY_CODES: Readonly<Record<string, ReasonCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "HTTP_BODY_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "HTTP_UNSUPPORTED_MEDIA_TYPE",
  FST_ERR_CTP_EMPTY_TYPE: "HTTP_UNSUPPORTED_MEDIA_TYPE",
  FST_ERR_CTP_INVALID_TYPE: "HTTP_UNSUPPORTED_MEDIA_TYPE",
  FST_ERR_MAX_PARAM_LENGTH: "HTTP_URL_TOO_LONG",
};

/** fastify's own refusals as ours; everything else unchanged, so that it counts as INTERNAL. */
export function fromFramework(error: unknown): unknown {
  if (error instanceof PleiadesError || typeof error !== "object" || error === null) return error;
  const {code, statusCode} = error as {code?: unknown; statusCode?: unknown};
  const known = typeof code === "string" ? FASTIFY_CODES[code] : undefined;
  if (known !== undefined) return new PleiadesError({code: known});
  // What is left of 4xx are bad content lengths, bad URLs and bodies that broke off.
  const malformed = typeof statusCode === "number" && statusCode >= 400 && statusCode < 500;
  return malformed ? new PleiadesError({code: "HTTP_MALFORMED"}) : error;
}

const PARSER_CODES: Readonly<Record<string, ReasonCode>> = {
  HPE_HEADER_OVERFLOW: "HTTP_HEADERS_TOO_LARGE",
  ERR_HTTP_REQUEST_TIMEOUT: "HTTP_REQUEST_TIMEOUT",
};

/** Answers what never became a request (bad HTTP, too large headers, too slow) on the bare socket, then closes it. */
export function answerOnSocket(error: Error & {code?: string}, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const {status, body} = toErrorReply(new PleiadesError({code: PARSER_CODES[error.code ?? ""] ?? "HTTP_MALFORMED"}));
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}
