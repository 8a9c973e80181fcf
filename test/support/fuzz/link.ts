import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {encodeFrame} from "../../../src/adapters/operator-link/frame.js";
import {helloText, pingText, pongText, signItemText} from "../../../src/adapters/operator-link/messages.js";
import {NO_SIGHTINGS} from "../../../src/adapters/operator-link/no-sightings.js";
import {ServerSession} from "../../../src/adapters/operator-link/server-session.js";
import {CoordinatorSession} from "../../../src/adapters/operator-link/session.js";
import {MemorySlashingStore} from "../../../src/adapters/slashing-store/memory.js";
import {OperatorNode} from "../../../src/committee/operator-node.js";
import type {PeerIdText} from "../../../src/core/bytes.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {EMPTY_POLICY} from "../../../src/core/duty/policy.js";
import {PleiadesError} from "../../../src/core/errors.js";
import {EMPTY_RECORD} from "../../../src/core/slashing/decide.js";
import {SigningKeeper} from "../../../src/keeper/keeper.js";
import {loadShare} from "../../../src/keeper/partial-signer.js";
import type {Logger} from "../../../src/ports/logger.js";
import {testDraft, testKey, testPeerId} from "../committees.js";
import {attestation, block, randao} from "../keeper.js";
import {LONG_NETWORK} from "../kill/duties.js";
import {startServer} from "../libp2p-link.js";
import {hashOf, keyOf, requestOf, sightingOf} from "../link.js";
import {type RawStream, rawCoordinator} from "../raw-peer.js";
import type {Seeded} from "../seeded.js";
import {waitFor} from "../wait.js";
import {MemoryStream} from "./memory-stream.js";
import {type Json, mutateBytes, mutateJson, mutateText} from "./mutate.js";
import {type FuzzTarget, insist, knownCode} from "./target.js";

const TOLD = [1, 2].map((n) => ({peerId: testPeerId(n), sighting: sightingOf(n)}));
const HELLO = JSON.parse(helloText("test/fuzz", {own: sightingOf(3), told: TOLD})) as Json;
const PING = JSON.parse(pingText(1, TOLD)) as Json;
const PONG = JSON.parse(pongText({n: 1, now: 1, stopCode: null, own: sightingOf(3), told: TOLD})) as Json;

const ignore = (): void => {};
/** Hours of lines that nobody reads would look like a leak. */
const NO_LOG: Logger = {debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => NO_LOG};

/** An operator behind its server: the real node and keeper, with records in memory. */
async function operator(peerId: PeerIdText = testPeerId(100)) {
  const key = testKey(1, {n: 4});
  const draft = {...testDraft([key], {n: 4}), coordinators: [peerId]};
  const committee = parseCommitteeFile(formatCommitteeFile(draft, blstGroup), blstGroup);
  const {groupPublicKey, committeeHash} = committee.validators[0]!;
  const store = new MemorySlashingStore();
  await store.transact(groupPublicKey, () => ({write: EMPTY_RECORD, result: null}));
  const share = loadShare(key.shares[0]!.secret, {n: 4, t: 3});
  const keeper = new SigningKeeper(
    {clock: systemClock, store, pool: null},
    {network: LONG_NETWORK, policy: EMPTY_POLICY, shares: [{groupPublicKey, committeeHash, share}], signingThreads: 0},
  );
  const node = new OperatorNode(
    {
      keeper: {sign: async (request) => (await keeper.sign(request)).reply, watermarks: () => keeper.watermarks()},
      logger: NO_LOG,
      observer: () => {},
      veto: null,
    },
    {committees: () => [committee], preset: LONG_NETWORK.preset},
  );
  const item = (id: number, wire: object): Json => {
    const request = {key: groupPublicKey, committeeHash, priority: 1 as const, request: wire as never};
    return JSON.parse(`{"id":${id},${signItemText(request, JSON.stringify(wire))}`) as Json;
  };
  return {node, item, peerId};
}

type Operator = Awaited<ReturnType<typeof operator>>;

/** What an authenticated coordinator may send: a hello and a few frames, as bytes with their damage. */
function coordinatorBytes({item}: Operator, random: Seeded): Buffer {
  const wires = [attestation(1, 2), attestation(5, 6), block(7), randao(3), {type: "GENERIC"}];
  const good: Json[] = [
    PING,
    {type: "request", items: [item(1, random.pick(wires)), {id: 2, op: "watermarks"}]},
    {type: "request", items: [item(3, random.pick(wires)), item(4, random.pick(wires))]},
  ];
  return framed([HELLO, ...good], random);
}

/** Frames, some with another content, some with other bytes. */
function framed(messages: readonly Json[], random: Seeded): Buffer {
  const frames = messages.map((message, i) => {
    // A hello that is wrong ends everything before it begins.
    const changed = random.chance(i === 0 ? 0.05 : 0.5) ? mutateMessage(message, random) : message;
    const text = JSON.stringify(changed) ?? "null";
    return Buffer.from(encodeFrame(random.chance(0.05) ? mutateText(text, random) || " " : text));
  });
  const bytes = Buffer.concat(frames);
  return random.chance(0.1) ? mutateBytes(bytes, random) : bytes;
}

/** Mostly damage inside one item, for a damaged frame ends the stream before anything else is looked at. */
function mutateMessage(message: Json, random: Seeded): Json {
  const items = (message as {items?: Json[]}).items;
  if (items === undefined || random.chance(0.2)) return mutateJson(message, random);
  const changed = items.map((item) => {
    if (random.chance(0.4)) return item;
    const {id = 0, ...rest} = item as {[key: string]: Json};
    const inner = mutateJson(rest, random);
    return typeof inner === "object" && inner !== null && !Array.isArray(inner) ? {...inner, id} : inner;
  });
  return {...(message as object), items: changed} as Json;
}

/** In one, two or many chunks: which depends on the input alone, so that it can be replayed. */
function feed(stream: MemoryStream, input: Buffer): void {
  const size = [input.length, 1 + (input.length >> 1), 7][input.length % 3] ?? 1;
  for (let at = 0; at < input.length && stream.status === "open"; at += Math.max(1, size)) {
    stream.hear(input.subarray(at, at + Math.max(1, size)));
  }
}

/** The codes of refusals in reply frames. */
function codesIn(heard: readonly unknown[]): string[] {
  return heard.flatMap((message) => {
    const {items = []} = message as {items?: {kind?: string; code?: string}[]};
    return items.flatMap(({kind, code}) => (kind === "refused" ? [knownCode(code)] : []));
  });
}

/** The operator's end of a stream from a coordinator that went bad. */
export async function linkServerTarget(): Promise<FuzzTarget> {
  const real = await operator();
  const clock = new ManualClock();
  const run = async (input: Buffer): Promise<string> => {
    const stream = new MemoryStream();
    let ended: PleiadesError | null = null;
    const load = {inFlight: 0};
    const session = new ServerSession(
      {stream: stream.asStream, clock, handler: real.node, load, sightings: NO_SIGHTINGS},
      {
        peerId: real.peerId,
        software: "test/operator",
        allowed: () => true,
        onHello: () => {},
        onEnd: (error) => {
          ended = error;
        },
      },
    );
    feed(stream, input);
    await waitFor("everything answered", () => load.inFlight === 0);
    // One turn, in which the last answers leave.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    const codes = codesIn(stream.heard);
    session.abort(new PleiadesError({code: "LINK_CLOSED"}));
    insist(ended !== null, "the session did not end");
    return codes[0] ?? knownCode((ended as PleiadesError).code);
  };
  return {
    input: (random) => coordinatorBytes(real, random),
    run,
    async healthy() {
      const frames = [HELLO, {type: "request", items: [real.item(1, randao(3))]}];
      const outcome = await run(Buffer.concat(frames.map((one) => encodeFrame(JSON.stringify(one)))));
      insist(outcome === "LINK_CLOSED", `a good request is refused: ${outcome}`);
    },
    close: async () => {},
  };
}

/** The coordinator's end of a stream from an operator that went bad. */
export function linkCoordinatorTarget(): FuzzTarget {
  const clock = new ManualClock();
  const partial = "0a".repeat(192);
  const request = requestOf(1);
  const text = signItemText(request, JSON.stringify(request.request));
  const run = async (input: Buffer): Promise<string> => {
    const stream = new MemoryStream();
    const session = new CoordinatorSession(
      {stream: stream.asStream, clock, sightings: NO_SIGHTINGS},
      {peerId: testPeerId(1), software: "test/coordinator"},
    );
    // The hello is the first frame; what follows answers requests that have left by then.
    const hello = input.length >= 4 ? 4 + Math.min(input.readUInt32BE(), input.length - 4) : input.length;
    feed(stream, input.subarray(0, hello));
    const deadline = new AbortController();
    const asked = [
      session.requestPartial(text, 1, deadline.signal),
      session.requestPartial(text, 1, deadline.signal),
      session.watermarks(deadline.signal),
    ].map((one) => one.then((reply) => ("kind" in reply ? reply : null), codeAs));
    await new Promise((resolve) => setImmediate(resolve));
    feed(stream, input.subarray(hello));
    deadline.abort();
    const outcomes = await Promise.all(asked);
    session.abort(new PleiadesError({code: "LINK_CLOSED"}));
    knownCode((await session.ended).code);
    const [first] = outcomes;
    if (first === null || first === undefined) return "ok";
    return typeof first === "string" ? first : first.kind === "signed" ? "ok" : knownCode(first.code);
  };
  const marks = {kind: "watermarks", more: false, keys: [{key: keyOf(1), slot: "5", epoch: null}]};
  const signed = {kind: "signed", committeeHash: hashOf(7), partial};
  const good: Json[] = [
    HELLO,
    {type: "reply", items: [{...signed, id: 1}]},
    {
      type: "reply",
      items: [
        {id: 2, kind: "refused", code: "SLASHING_DOUBLE_VOTE", message: "no"},
        {...marks, id: 3},
      ],
    },
    PONG,
  ];
  return {
    input: (random) => framed(good, random),
    run,
    async healthy() {
      const outcome = await run(Buffer.concat(good.map((one) => encodeFrame(JSON.stringify(one)))));
      insist(outcome === "ok", `a good answer is not taken: ${outcome}`);
    },
    close: async () => {},
  };
}

const codeAs = (error: unknown): string => {
  if (!(error instanceof PleiadesError)) throw error;
  return knownCode(error.code);
};

/** The operator's server on a real socket, with noise and yamux. Its own limit on new connections sets the pace. */
export async function libp2pTarget(): Promise<FuzzTarget> {
  const coordinator = await rawCoordinator();
  const real = await operator(coordinator.peerId);
  const server = await startServer({allowed: new Set([coordinator.peerId]), handler: real.node});
  let stream: RawStream | null = null;
  const open = async (): Promise<RawStream> => {
    if (stream !== null && !stream.ended) return stream;
    for (const end = performance.now() + 10_000; ; ) {
      try {
        const connection = await coordinator.dial(server.addresses[0]!, server.peerId);
        stream = await connection.open();
        return stream;
      } catch (error) {
        // More than ten connections a second are refused.
        if (performance.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  const run = async (input: Buffer): Promise<string> => {
    server.logger.lines.length = 0;
    const current = await open();
    current.bytes(input);
    // Whatever came before is answered, or the stream is gone.
    if (!current.ended) current.say({type: "ping", n: 1, told: []});
    const before = current.heard.length;
    const done = () => current.ended || current.heard.length > before;
    await waitFor("an answer or the end", done, 1_000).catch(() => current.abort());
    const errors = server.logger.lines.filter(({level}) => level === "error");
    insist(errors.length === 0, `logged an error: ${JSON.stringify(errors).slice(0, 500)}`);
    const codes = codesIn(current.heard);
    current.heard.length = 0;
    return codes[0] ?? (current.ended ? "closed" : "ok");
  };
  return {
    input: (random) => coordinatorBytes(real, random),
    run,
    async healthy() {
      stream?.abort();
      stream = null;
      const fresh = await open();
      fresh.hello();
      fresh.say({type: "request", items: [real.item(1, randao(3))]});
      const answered = () => JSON.stringify(fresh.heard).includes('"signed"');
      await waitFor("a good request answered", answered, 10_000);
      fresh.abort();
    },
    async close() {
      await coordinator.close();
      await server.server.close();
    },
  };
}
