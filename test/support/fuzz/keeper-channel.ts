import {fork} from "node:child_process";
import {join} from "node:path";
import {deserialize, serialize} from "node:v8";
import {formatSighting} from "../../../src/core/slashing/sighting.js";
import type {FromKeeper} from "../../../src/keeper/channel.js";
import {attestation, block, KeeperFixture, randao} from "../keeper.js";
import {LONG_NETWORK} from "../kill/duties.js";
import {sightingOf} from "../link.js";
import type {Seeded} from "../seeded.js";
import {waitFor} from "../wait.js";
import {type Json, mutateJson} from "./mutate.js";
import {type FuzzTarget, insist, knownCode} from "./target.js";

const ENTRY = join(import.meta.dirname, "../../fixtures/fuzz/keeper-with-heap.js");

/** Values that cross the channel and are no JSON. */
const EXOTIC: readonly unknown[] = [
  undefined,
  2n ** 70n,
  new Map([["kind", "sign"]]),
  new Set([1]),
  new Date(Number.NaN),
  /x/g,
  new Uint8Array(1000),
  new Error("x"),
  Number.NaN,
  -0,
  new Array(5),
  Object.create(null),
  Array.from({length: 600}, (_, id) => ({id, item: null})),
];

/** Messages of a broken-into operator process to a real keeper process. */
export async function keeperChannelTarget(): Promise<FuzzTarget> {
  const fixture = new KeeperFixture({network: LONG_NETWORK});
  const init = fixture.init({bundleFiles: [await fixture.bundle("bundle.json")]});
  await fixture.createStore(init.dataDir);
  const child = fork(ENTRY, [], {serialization: "advanced", env: {}, execArgv: [], stdio: ["ignore", 2, 2, "ipc"]});
  let ready = false;
  let signing: unknown = null;
  let statusId = 0;
  let heap: number | null = null;
  let codes: string[] = [];
  child.on("message", (raw) => {
    const message = raw as FromKeeper | {kind: "test-heap"; bytes: number};
    if (message.kind === "ready") ready = true;
    if (message.kind === "test-heap") heap = message.bytes;
    if (message.kind === "replies") {
      for (const {reply} of message.replies) codes.push(reply.kind === "signed" ? "ok" : reply.code);
    }
    if (message.kind === "log") codes.push(String(message.fields.code ?? "log"));
    if (message.kind === "result" && message.id === statusId) signing = message.value ?? message.error;
  });
  const alive = () => child.exitCode === null && child.signalCode === null;
  const status = async (): Promise<void> => {
    signing = null;
    statusId = 2 ** 40 + (statusId % 2 ** 20) + 1;
    child.send({kind: "call", id: statusId, method: "status"});
    await waitFor("the keeper's status", () => signing !== null || !alive());
    insist(alive(), `the keeper ended with ${child.signalCode ?? child.exitCode}`);
  };
  child.send({kind: "init", init});
  await waitFor("the keeper", () => ready || !alive(), 30_000);
  insist(ready, "the keeper did not start");

  const wires = [attestation(1, 2), attestation(5, 6), block(7), randao(3), {type: "GENERIC"}];
  const good = (random: Seeded): Json =>
    random.pick<Json>([
      {kind: "sign", items: [{id: 1, item: fixture.request(random.pick(wires)) as unknown as Json}]},
      {
        kind: "sign",
        items: [1, 2, 3].map((id) => ({id, item: fixture.request(random.pick(wires)) as unknown as Json})),
      },
      {kind: "judge", id: 7, sightings: [1, 2].map((n) => formatSighting(sightingOf(n)))},
      {kind: "call", id: 5, method: "keys"},
      {kind: "call", id: 6, method: "watermarks"},
      {kind: "init", init: init as unknown as Json},
    ]);
  return {
    input(random) {
      const messages = Array.from({length: random.int(1, 4)}, () => {
        const message: unknown = random.chance(0.85) ? mutateJson(good(random), random) : good(random);
        if (random.chance(0.85) || typeof message !== "object" || message === null) return message;
        const object = message as {[key: string]: unknown};
        const key = random.pick(["kind", "items", "id", "method", ...Object.keys(object)]);
        object[key] = random.pick(EXOTIC);
        return object;
      });
      return serialize(messages);
    },
    async run(input) {
      let messages: unknown[];
      try {
        messages = deserialize(input) as unknown[];
      } catch {
        return "not a message";
      }
      codes = [];
      for (const message of Array.isArray(messages) ? messages : [messages]) {
        // To close is a right of whoever holds the channel.
        if ((message as {kind?: unknown} | null)?.kind === "close") continue;
        if (message === undefined || typeof message === "function") continue;
        child.send(message as object);
      }
      await status();
      insist(
        (signing as {signing?: unknown}).signing === true,
        `the keeper stopped: ${String((signing as {code?: unknown}).code)}`,
      );
      for (const code of codes) if (code !== "ok" && code !== "log") knownCode(code);
      return codes[0] ?? "ok";
    },
    async healthy() {
      codes = [];
      child.send({kind: "sign", items: [{id: 2 ** 41, item: fixture.request(randao(3))}]});
      await waitFor("a good request answered", () => codes.includes("ok"));
    },
    async memory() {
      heap = null;
      child.send({kind: "test-heap"});
      await waitFor("the keeper's heap", () => heap !== null);
      return heap!;
    },
    async close() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.disconnect();
      await ended;
      await fixture.close();
    },
  };
}
