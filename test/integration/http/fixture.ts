import {Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request} from "node:http";
import {expect} from "chai";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {type PubkeyHex, parseBytes4Hex, parseEpoch, parseRootHex, rootHex} from "../../../src/core/bytes.js";
import {FORK_NAMES, type Network} from "../../../src/core/duty/network.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {parseSignRequest} from "../../../src/core/duty/request-codec.js";
import type {SignType} from "../../../src/core/duty/sign-request.js";
import {hasForkInfo, signTypeRow} from "../../../src/core/duty/sign-types.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import type {PleiadesEvent} from "../../../src/ports/observer.js";
import type {HttpServer} from "../../../src/remote-signer/http-server.js";
import {
  createRemoteSigner,
  type RemoteSignerModules,
  type RemoteSignerOptions,
} from "../../../src/remote-signer/server.js";
import {interopSecrets, SingleKeyService} from "../../support/single-key-service.js";

/** The preset of this test process; it cannot change within one. */
export const PRESET = PRESETS[process.env.LODESTAR_PRESET === "minimal" ? "minimal" : "mainnet"];

export const GENESIS_ROOT = parseRootHex("aa".repeat(32));

/** Every fork to Electra from the start, so that epoch 0 is Electra's; fork n has version 0x0n000001. */
export const NETWORK: Network = {
  name: "test",
  preset: PRESET,
  forks: FORK_NAMES.slice(0, 6).map((name, i) => ({
    name,
    version: parseBytes4Hex(`0x0${i}000001`),
    epoch: parseEpoch(0),
  })),
  genesisValidatorsRoot: GENESIS_ROOT,
  clock: {genesisTime: 1_000_000, secondsPerSlot: 12},
};

export const FORK_INFO = {
  fork: {previous_version: "0x04000001", current_version: "0x05000001", epoch: "0"},
  genesis_validators_root: GENESIS_ROOT,
};

export type Body = {[key: string]: unknown};

/** A valid body of this type, every field of its message zero; `change` edits the message. */
export function bodyFor(type: SignType, change: Body = {}): Body {
  const row = signTypeRow(type);
  const message = row.container(PRESET, "electra").toJson(row.container(PRESET, "electra").defaultValue() as never);
  const changed = {...(message as Body), ...change};
  const body: Body = {
    type,
    [row.jsonKey]: row.versionedKey === null ? changed : {version: "ELECTRA", [row.versionedKey]: changed},
    ...(hasForkInfo(row.domainRule) ? {fork_info: FORK_INFO} : {}),
  };
  if (type === "DEPOSIT") (body.deposit as Body).genesis_fork_version = "0x00000001";
  return body;
}

/** The same body with the root it has on this network. */
export function withRoot(body: Body, network: Network = NETWORK): Body & {signingRoot: string} {
  return {...body, signingRoot: rootOf(body, network)};
}

export function rootOf(body: Body, network: Network = NETWORK): string {
  return rootHex(computeSigningRoot(parseSignRequest(body, network.preset).request, network).signingRoot);
}

export const attestation = (slot: number, target = 0): Body =>
  bodyFor("ATTESTATION", {slot: String(slot), target: {epoch: String(target), root: `0x${"00".repeat(32)}`}});

export interface Started extends HttpServer {
  readonly keys: readonly PubkeyHex[];
  readonly logger: MemoryLogger;
  readonly events: PleiadesEvent[];
  /** POST to the sign endpoint of the first key, unless told otherwise. */
  sign(body: unknown, more?: {key?: string; headers?: OutgoingHttpHeaders; signal?: AbortSignal}): Promise<Answer>;
  get(path: string, headers?: OutgoingHttpHeaders): Promise<Answer>;
  post(path: string, body?: unknown, headers?: OutgoingHttpHeaders): Promise<Answer>;
}

const running = new Set<HttpServer>();

/** Starts a signer on a free port over four whole keys, unless given another service. */
export async function start(
  modules: Partial<RemoteSignerModules> = {},
  options: Partial<RemoteSignerOptions> = {},
): Promise<Started> {
  const logger = new MemoryLogger();
  const events: PleiadesEvent[] = [];
  const service = modules.service ?? new SingleKeyService(interopSecrets(0, 3));
  const signer = await createRemoteSigner(
    {
      service,
      logger,
      observer: (event) => events.push(event),
      clock: systemClock,
      reload: async () => ({errors: []}),
      ...modules,
    },
    {network: NETWORK, port: 0, ...options},
  );
  running.add(signer);
  const keys = service.publicKeys();
  const send = (
    method: string,
    path: string,
    body?: unknown,
    headers: OutgoingHttpHeaders = {},
    signal?: AbortSignal,
  ) =>
    ask(signer.url + path, {
      method,
      ...(body === undefined
        ? {}
        : {body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body)}),
      headers: body === undefined ? headers : {"content-type": "application/json", ...headers},
      ...(signal === undefined ? {} : {signal}),
    });
  return {
    url: signer.url,
    close: () => signer.close(),
    renewTls: (tls) => signer.renewTls(tls),
    renewTokens: (tokens) => signer.renewTokens(tokens),
    keys,
    logger,
    events,
    sign: (body, {key = keys[0]!, headers = {accept: "*/*"}, signal} = {}) =>
      send("POST", `/api/v1/eth2/sign/${key}`, body, headers, signal),
    get: (path, headers) => send("GET", path, undefined, headers),
    post: (path, body, headers) => send("POST", path, body, headers),
  };
}

/** For afterEach: nothing may stay open after a test. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((signer) => signer.close()));
  running.clear();
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

/** One HTTP request with exactly these headers (fetch adds an Accept of its own) on a connection of its own. */
export function ask(
  url: string,
  {
    method,
    body,
    headers = {},
    signal,
    agent = new Agent(),
  }: {method: string; body?: string | Buffer; headers?: OutgoingHttpHeaders; signal?: AbortSignal; agent?: Agent},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {method, headers, agent, ...(signal === undefined ? {} : {signal})}, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const json = response.headers["content-type"] === "application/json" ? JSON.parse(text) : undefined;
        resolve({status: response.statusCode ?? 0, headers: response.headers, text, json});
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Every error of the signer looks like this. */
export function expectError(answer: Answer, status: number, code: string): void {
  expect(answer.text).to.contain(code);
  expect(answer.status).to.equal(status);
  expect(answer.headers["content-type"]).to.equal("application/json");
  expect(Object.keys(answer.json).slice(0, 2)).to.deep.equal(["code", "message"]);
  expect(answer.json.code).to.equal(code);
  expect(answer.text.length).to.be.below(2000);
  expect(answer.text).not.to.match(/node_modules|\.[jt]s:\d|\\n/);
}

/** Waits for a condition without sleeping longer than it takes; fails after five seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
