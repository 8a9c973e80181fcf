import {Agent, request} from "node:https";
import type {SecureContextOptions} from "node:tls";
import {PleiadesError, type ReasonCode} from "../../../core/errors.js";

/** What a participant's server may send: a batch of 1024 results of about 600 bytes, and room for wide spelling. */
const MAX_RESPONSE_BYTES = 2 ** 21;
/** Requests to one participant under way; more wait in the agent. As many as TLS connections one operator is asked for. */
const MAX_SOCKETS = 64;
/** Somewhat less than servers keep idle connections (ours 75 s), so that none is used while it is being closed. */
const IDLE_MS = 30_000;

export interface ProfileResponse {
  readonly status: number;
  /** Parsed JSON; undefined when the body is none. */
  readonly body: unknown;
}

/** Requests to one participant's origin: mutual TLS 1.3, connections kept and shared. */
export class ProfileClient {
  readonly #origin: string;
  readonly #agent: Agent;
  readonly #maxResponseBytes: number;

  /** @param context own certificate and key, and the authorities the participant is checked against */
  constructor(
    origin: string,
    context: SecureContextOptions,
    {maxResponseBytes = MAX_RESPONSE_BYTES}: {maxResponseBytes?: number} = {},
  ) {
    this.#origin = origin;
    this.#maxResponseBytes = maxResponseBytes;
    this.#agent = new Agent({
      ...context,
      minVersion: "TLSv1.3",
      keepAlive: true,
      timeout: IDLE_MS,
      maxSockets: MAX_SOCKETS,
      rejectUnauthorized: true,
    });
  }

  /**
   * @param json the body of a POST; null asks with GET
   * @throws LINK_ABORTED · LINK_UNREACHABLE · LINK_WRONG_PEER · LINK_REJECTED · LINK_DISCONNECTED · LINK_BAD_REPLY
   */
  ask(path: string, json: string | null, signal: AbortSignal): Promise<ProfileResponse> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => reject(explain(error, signal));
      if (signal.aborted) return fail(signal.reason);
      const headers = {
        accept: "application/json",
        ...(json === null ? {} : {"content-type": "application/json", "content-length": Buffer.byteLength(json)}),
      };
      const method = json === null ? "GET" : "POST";
      const outgoing = request(new URL(path, this.#origin), {agent: this.#agent, method, headers, signal});
      outgoing.on("error", fail);
      outgoing.on("response", (incoming) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > this.#maxResponseBytes)
            outgoing.destroy(new PleiadesError({code: "LINK_BAD_REPLY", reason: "size"}));
          else chunks.push(chunk);
        });
        incoming.on("error", fail);
        incoming.on("end", () => {
          const status = incoming.statusCode ?? 0;
          resolve({status, body: parse(Buffer.concat(chunks).toString("utf8"))});
        });
      });
      outgoing.end(json ?? undefined);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
]);

/** What a failed request says about the link. */
function explain(error: unknown, signal: AbortSignal): PleiadesError {
  if (error instanceof PleiadesError) return error;
  if (signal.aborted) return new PleiadesError({code: "LINK_ABORTED"}, {cause: error});
  const reason = (error as NodeJS.ErrnoException | null)?.code ?? "unknown";
  const code: ReasonCode = UNREACHABLE.has(reason)
    ? "LINK_UNREACHABLE"
    : /^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT)/.test(reason)
      ? "LINK_WRONG_PEER"
      : /^(?:ERR_SSL|EPROTO)/.test(reason)
        ? "LINK_REJECTED"
        : "LINK_DISCONNECTED";
  return new PleiadesError({code, reason}, {cause: error});
}
