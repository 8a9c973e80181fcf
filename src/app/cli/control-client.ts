import {type IncomingMessage, request} from "node:http";
import {PleiadesError} from "../../core/errors.js";
import {isReasonCode} from "../../core/reasons/index.js";
import type {ControlClient, PluginName} from "../../plugin/contract.js";
import {MAX_CONTROL_LINE_BYTES} from "../../remote-signer/bounds.js";
import {errnoOf} from "../config/load.js";
import {controlSocket, shortEnough} from "../control-socket.js";

type Method = "GET" | "POST";
/** A wrapper of a few bytes stands around each value. */
const MAX_ANSWER_BYTES = MAX_CONTROL_LINE_BYTES + 1024;
/** Nobody listens there: no such file or folder, or a socket that its operator left when it was killed. */
const NOBODY = ["ENOENT", "ECONNREFUSED", "ENOTDIR"];

/** One plugin's way to the running operator with this data folder. */
export function controlClient(
  plugin: PluginName,
  {dataDir, signal}: {dataDir: string; signal: AbortSignal},
): ControlClient {
  const socket = controlSocket(dataDir);
  const send = async (method: Method, path: string, body: unknown): Promise<IncomingMessage> => {
    try {
      return await open(shortEnough(socket), {method, path: `/plugin/${plugin}${path}`, body, signal});
    } catch (error) {
      throw explained(error, socket, signal);
    }
  };
  return {
    async ask(method, path, body) {
      const response = await send(method, path, body);
      try {
        return await answerOf(response);
      } catch (error) {
        throw explained(error, socket, signal);
      }
    },
    async *follow(method, path, body) {
      try {
        const response = await send(method, path, body);
        if ((response.statusCode ?? 500) >= 300) await answerOf(response);
        yield* valuesOf(response);
      } catch (error) {
        if (signal.aborted) return;
        throw explained(error, socket, signal);
      }
    },
  };
}

function open(
  socketPath: string,
  {method, path, body, signal}: {method: Method; path: string; body: unknown; signal: AbortSignal},
): Promise<IncomingMessage> {
  const text = body === undefined ? null : Buffer.from(JSON.stringify(body));
  const headers = text === null ? {} : {"content-type": "application/json", "content-length": String(text.length)};
  return new Promise((resolve, reject) => {
    request({socketPath, method, path, headers: {host: "localhost", ...headers}, signal, agent: false})
      .once("response", resolve)
      .once("error", reject)
      .end(text ?? undefined);
  });
}

/** @throws CONTROL_ANSWER · CONTROL_NO_OPERATOR · the code of the answer */
async function answerOf(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new PleiadesError({code: "CONTROL_ANSWER", reason: "too large"});
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  const value = text === "" ? null : parse(text);
  const status = response.statusCode ?? 500;
  if (status >= 300) throw refusal(value, {status});
  return value;
}

/** @throws CONTROL_ANSWER · the code of the failure that ends the answer */
async function* valuesOf(response: IncomingMessage): AsyncGenerator<unknown> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_ANSWER_BYTES) throw new PleiadesError({code: "CONTROL_ANSWER", reason: "too large"});
    for (const line of lines) {
      const item = parse(line) as {value?: unknown; failure?: unknown; done?: unknown} | null;
      if (item?.done === true) return;
      if (item?.failure !== undefined) throw refusal(item.failure, {});
      yield item?.value;
    }
  }
  throw new PleiadesError({code: "CONTROL_ANSWER", reason: "broke off"});
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PleiadesError({code: "CONTROL_ANSWER", reason: "not JSON"}, {cause: error});
  }
}

function refusal(raw: unknown, data: {status?: number}): PleiadesError {
  const {code, message} = (typeof raw === "object" && raw !== null ? raw : {}) as {code?: unknown; message?: unknown};
  const reason = typeof message === "string" ? message : undefined;
  // Its plugin is not there, or an older one.
  if (code === "HTTP_NOT_FOUND") return new PleiadesError({code: "CONTROL_NO_OPERATOR", reason: "no such route"});
  if (isReasonCode(code)) return new PleiadesError({code, reason});
  return new PleiadesError({
    code: "CONTROL_ANSWER",
    ...data,
    answered: typeof code === "string" ? code : undefined,
    reason,
  });
}

function explained(error: unknown, socket: string, signal: AbortSignal): PleiadesError {
  if (error instanceof PleiadesError) return error;
  if (signal.aborted) return new PleiadesError({code: "LINK_ABORTED"});
  const reason = errnoOf(error);
  if (NOBODY.includes(reason)) return new PleiadesError({code: "CONTROL_NO_OPERATOR", socket}, {cause: error});
  if (reason === "EACCES" || reason === "EPERM") {
    return new PleiadesError({code: "CONTROL_SOCKET", path: socket, reason}, {cause: error});
  }
  return new PleiadesError({code: "CONTROL_ANSWER", reason}, {cause: error});
}
