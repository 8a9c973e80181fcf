import {Agent} from "node:http";
import {connect} from "node:net";
import {SIGN_TYPES} from "../../../src/core/duty/sign-request.js";
import {ask, bodyFor, start, stopAll} from "../../integration/http/fixture.js";
import {captured} from "../captured.js";
import type {Seeded} from "../seeded.js";
import {type Json, jsonText, mutateBytes, mutateJson, mutateText} from "./mutate.js";
import {type FuzzTarget, insist, knownCode} from "./target.js";

const ANSWER_BOUND_MS = 10_000;

/** Signing requests of every type, and those a Lodestar client really sent where they are at hand. */
function bodies(): Json[] {
  const made = SIGN_TYPES.map((type) => bodyFor(type) as Json);
  return [...made, ...(captured() ?? []).map(({body}) => structuredClone(body) as unknown as Json)];
}

function expectAnswer(status: number, text: string): string {
  let json: {code?: unknown; signature?: unknown};
  try {
    json = JSON.parse(text);
  } catch {
    insist(status === 200, `an answer ${status} that is not JSON: ${text.slice(0, 200)}`);
    return "ok";
  }
  if (status >= 200 && status < 300) return "ok";
  // 500 with a code of its own is Web3Signer's answer to a root that does not match.
  insist(status >= 400 && status < 600, `status ${status}: ${text.slice(0, 200)}`);
  return knownCode(json.code);
}

/** Whole HTTP requests with hostile paths and bodies, through the real server on a real socket. */
export async function httpTarget(): Promise<FuzzTarget> {
  const signer = await start({}, {bodyLimitBytes: 200_000});
  const agent = new Agent({keepAlive: true, maxSockets: 4});
  const corpus = bodies();
  const [key] = signer.keys;
  const send = async (method: string, path: string, body: string): Promise<string> => {
    const answer = await ask(signer.url + path, {
      method,
      agent,
      signal: AbortSignal.timeout(ANSWER_BOUND_MS),
      headers: {"content-type": "application/json", accept: "application/json"},
      ...(method === "GET" ? {} : {body}),
    });
    return expectAnswer(answer.status, answer.text);
  };
  const paths = [`/api/v1/eth2/sign/${key}`, "/api/v1/eth2/sign", "/api/v1/eth2/publicKeys", "/healthcheck", "/reload"];
  return {
    input(random) {
      const path = random.chance(0.85)
        ? paths[0]!
        : random.chance(0.6)
          ? random.pick(paths)
          : // What is no URL at all, the client would not send.
            `/${mutateText(random.pick(paths).slice(1), random).replace(/[^\x21-\x7e]/g, "%20")}`;
      const body = random.pick(corpus);
      const batch = {identifiers: [key!], signing_request: body} as Json;
      const json = mutateJson(path === "/api/v1/eth2/sign" ? batch : body, random);
      return Buffer.from(`${random.chance(0.97) ? "POST" : "GET"} ${path}\n${jsonText(json, random)}`);
    },
    async run(input) {
      const text = input.toString("utf8");
      const line = text.indexOf("\n");
      const [method = "GET", path = "/"] = text.slice(0, line === -1 ? text.length : line).split(" ");
      signer.logger.lines.length = 0;
      signer.events.length = 0;
      const outcome = await send(method === "POST" ? "POST" : "GET", `/${path.slice(1)}`, text.slice(line + 1));
      const errors = signer.logger.lines.filter(({level}) => level === "error");
      insist(errors.length === 0, `logged an error: ${JSON.stringify(errors).slice(0, 500)}`);
      return outcome;
    },
    async healthy() {
      const outcome = await send("POST", paths[0]!, JSON.stringify(bodyFor("RANDAO_REVEAL")));
      insist(outcome === "ok", `a good request is refused: ${outcome}`);
    },
    async close() {
      agent.destroy();
      await stopAll();
    },
  };
}

/** Bytes that are hardly HTTP, in pieces, on the bare socket. */
export async function socketTarget(): Promise<FuzzTarget> {
  const signer = await start({}, {bodyLimitBytes: 20_000});
  const port = Number(new URL(signer.url).port);
  const [key] = signer.keys;
  const body = JSON.stringify(bodyFor("ATTESTATION"));
  const head = (line: string, ...headers: string[]) => [line, "host: localhost", ...headers, "", ""].join("\r\n");
  const json = "content-type: application/json";
  const post = `POST /api/v1/eth2/sign/${key} HTTP/1.1`;
  const corpus = [
    head("GET /upcheck HTTP/1.1"),
    head(post, json, `content-length: ${body.length}`) + body,
    `${head(post, json, "transfer-encoding: chunked")}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    head(post, json, "expect: 100-continue", `content-length: ${body.length}`) + body,
    head("GET /api/v1/eth2/publicKeys HTTP/1.1", "connection: upgrade", "upgrade: websocket"),
    head("GET /upcheck HTTP/1.1") + head("GET /healthcheck HTTP/1.1"),
    head("OPTIONS * HTTP/1.1"),
    head("CONNECT a:1 HTTP/1.1"),
  ];
  const talk = (bytes: Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({port, host: "127.0.0.1"});
      let received = "";
      const timer = setTimeout(() => {
        socket.destroy();
        reject(new Error("the connection stayed open"));
      }, ANSWER_BOUND_MS);
      socket.setEncoding("latin1");
      socket.on("data", (text: string) => {
        received += text;
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        clearTimeout(timer);
        resolve(received);
      });
      const middle = Math.floor(bytes.length / 3);
      socket.write(bytes.subarray(0, middle));
      setImmediate(() => socket.end(bytes.subarray(middle)));
    });
  return {
    input: (random: Seeded) => mutateBytes(Buffer.from(random.pick(corpus)), random),
    async run(input) {
      signer.logger.lines.length = 0;
      signer.events.length = 0;
      const answer = await talk(input);
      const errors = signer.logger.lines.filter(({level}) => level === "error");
      insist(errors.length === 0, `logged an error: ${JSON.stringify(errors).slice(0, 500)}`);
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
      if (status === undefined) {
        insist(answer === "", `not an HTTP answer: ${answer.slice(0, 200)}`);
        return "closed";
      }
      if (Number(status) < 400) return "ok";
      return knownCode(/"code":"([A-Z0-9_]+)"/.exec(answer)?.[1]);
    },
    async healthy() {
      // Not a vote: a mutated one that was still well formed may have been signed, and the record then rightly refuses this one.
      const reveal = JSON.stringify(bodyFor("RANDAO_REVEAL"));
      const answer = await talk(Buffer.from(head(post, json, `content-length: ${reveal.length}`) + reveal));
      insist(answer.includes(" 200 OK"), `a good request is refused: ${answer.slice(0, 500)}`);
    },
    close: stopAll,
  };
}
