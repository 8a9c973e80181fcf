import {type ChildProcess, fork} from "node:child_process";
import {join} from "node:path";
import {inspect} from "node:util";
import {expect} from "chai";
import fc from "fast-check";
import type {FromKeeper, ReplyItem} from "../../../src/keeper/channel.js";
import {attestation, block, KeeperFixture, OTHER_CHAIN, randao} from "../../support/keeper.js";

const ENTRY = join(import.meta.dirname, "../../../src/keeper/entry.js");

/** A keeper whose parent is not ours: whatever can be sent over the channel is sent. */
class RawKeeper {
  readonly replies = new Map<number, ReplyItem>();
  readonly logs: string[] = [];
  readonly #child: ChildProcess;
  readonly #results = new Map<number, unknown>();
  #ready = false;

  constructor(init: unknown) {
    this.#child = fork(ENTRY, [], {serialization: "advanced", env: {}, execArgv: [], stdio: ["ignore", 2, 2, "ipc"]});
    this.#child.on("message", (raw) => {
      const message = raw as FromKeeper;
      if (message.kind === "ready") this.#ready = true;
      if (message.kind === "failed") throw new Error(JSON.stringify(message.error));
      if (message.kind === "replies") for (const reply of message.replies) this.replies.set(reply.id, reply);
      if (message.kind === "result") this.#results.set(message.id, message.value);
      if (message.kind === "log") this.logs.push(String(message.fields.code ?? message.message));
    });
    this.send({kind: "init", init});
  }

  send(message: unknown): void {
    this.#child.send(message as object);
  }

  ready(): Promise<void> {
    return this.#until(() => this.#ready);
  }

  answered(count: number): Promise<void> {
    return this.#until(() => this.replies.size === count);
  }

  /** The keeper has read everything that was sent before. */
  async status(id: number): Promise<{signing: boolean; queued: number}> {
    this.send({kind: "call", id, method: "status"});
    await this.#until(() => this.#results.has(id));
    return this.#results.get(id) as {signing: boolean; queued: number};
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.disconnect();
    await ended;
  }

  async #until(done: () => boolean): Promise<void> {
    for (let waited = 0; !done(); waited += 5) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) throw new Error("the keeper died");
      if (waited > 15_000) throw new Error("no answer");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

const numbers = fc.oneof(
  fc.integer({min: 90, max: 103}),
  fc.constantFrom(0n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n, -1n),
);
const bytes = fc.constantFrom(1, 2, 3);
const votes = fc.tuple(fc.integer({min: 90, max: 101}), fc.integer({min: 90, max: 101}), bytes);
/** Messages that the policy lets through, close together so that they conflict. */
const plausible = fc.oneof(
  votes.map(([source, target, byte]) => attestation(source, target, {byte})),
  fc.tuple(fc.integer({min: 3190, max: 3201}), bytes).map(([slot, byte]) => block(slot, byte)),
);
const junk = fc.oneof(
  fc.anything({withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true, maxDepth: 3}),
  fc.constantFrom("0x", "BLOCK_V2", "__proto__", "9".repeat(100_000), `0x${"00".repeat(50_000)}`, Number.NaN, -0),
  fc.constant(Array.from({length: 5000}, () => [])),
);
const mangled = fc
  .tuple(plausible, fc.constantFrom("type", "fork_info", "attestation", "beacon_block", "signingRoot"), junk)
  .map(([request, member, value]) => ({...request, [member]: value}));
const misplaced = fc.oneof(
  fc
    .tuple(numbers, numbers, numbers)
    .map(([source, target, slot]) => attestation(source, target, {slot: BigInt(slot)})),
  votes.map(([source, target, byte]) => attestation(source, target, {byte, version: "0x09090909"})),
  votes.map(([source, target, byte]) => attestation(source, target, {byte, chain: OTHER_CHAIN})),
  votes.map(([source, target]) => ({...attestation(source, target), signing_root: `0x${"ee".repeat(32)}`})),
);

interface Sent {
  type?: unknown;
  attestation?: {beacon_block_root: string; source: {epoch: string}; target: {epoch: string}};
  beacon_block?: {block_header: {slot: string; parent_root: string}};
}

/** By the consensus specs' own definition, over what was really signed. */
function conflict(a: Sent, b: Sent): boolean {
  if (a.type === "BLOCK_V2" && b.type === "BLOCK_V2") {
    const [x, y] = [a.beacon_block!.block_header, b.beacon_block!.block_header];
    return x.slot === y.slot && x.parent_root !== y.parent_root;
  }
  if (a.type !== "ATTESTATION" || b.type !== "ATTESTATION") return false;
  const [x, y] = [a.attestation!, b.attestation!];
  const surrounds = (one: typeof x, other: typeof x): boolean =>
    BigInt(one.source.epoch) < BigInt(other.source.epoch) && BigInt(other.target.epoch) < BigInt(one.target.epoch);
  const differ = x.beacon_block_root !== y.beacon_block_root || x.source.epoch !== y.source.epoch;
  return (x.target.epoch === y.target.epoch && differ) || surrounds(x, y) || surrounds(y, x);
}

describe("a keeper whose operator process was broken into", function () {
  this.timeout(30_000);
  let fixture: KeeperFixture;
  let keeper: RawKeeper;
  beforeEach(async () => {
    fixture = new KeeperFixture();
    keeper = new RawKeeper(fixture.init({bundleFiles: [await fixture.bundle("bundle.json")]}));
    await keeper.ready();
  });
  afterEach(async () => {
    await keeper.end();
    await fixture.close();
  });

  it("signs no conflicting pair, whatever it is asked, and answers each request", async () => {
    const seed = Date.now() & 0xffff;
    const arbitrary = fc.oneof(
      {weight: 3, arbitrary: plausible},
      {weight: 1, arbitrary: mangled},
      {weight: 1, arbitrary: misplaced},
      {weight: 1, arbitrary: junk},
    );
    const requests = fc.sample(arbitrary as fc.Arbitrary<unknown>, {seed, numRuns: 2000});
    for (let start = 0; start < requests.length; start += 100) {
      const items = requests
        .slice(start, start + 100)
        .map((request, i) => ({id: start + i, item: fixture.request(request)}));
      keeper.send({kind: "sign", items});
    }
    await keeper.answered(requests.length);
    const signed = [...keeper.replies.values()]
      .filter(({reply}) => reply.kind === "signed")
      .map(({id}) => requests[id] as Sent);
    expect(signed.length, `seed ${seed}`).to.be.greaterThan(1);
    for (const [i, a] of signed.entries()) {
      for (const b of signed.slice(i + 1)) {
        if (conflict(a, b)) expect.fail(`seed ${seed}: ${inspect([a, b], {depth: 6})}`);
      }
    }
    for (const {id, reply} of keeper.replies.values()) {
      if (reply.kind === "refused") expect(reply.code, `seed ${seed}, request ${id}`).to.not.equal("INTERNAL");
    }
    expect(await keeper.status(0)).to.include({signing: true, queued: 0});
  });

  it("drops what is no message of the channel, says so, and goes on", async () => {
    const seed = Date.now() & 0xffff;
    const cyclic: {self?: unknown} = {};
    cyclic.self = cyclic;
    const shapes: unknown[] = [
      ...fc.sample(junk, {seed, numRuns: 300}),
      ...fc.sample(junk, {seed, numRuns: 100}).map((items) => ({kind: "sign", items})),
      ...fc.sample(junk, {seed, numRuns: 100}).map((id) => ({kind: "call", id, method: "keys"})),
      ...fc.sample(junk, {seed, numRuns: 100}).map((method) => ({kind: "call", id: 7, method})),
      {kind: "sign", items: Array.from({length: 20_000}, (_, id) => ({id, item: null}))},
      {kind: "sign", items: [cyclic, new Map(), null]},
      {kind: "init", init: fixture.init({startEmpty: true})},
      cyclic,
    ];
    // What Node's channel can carry at all.
    const sendable = shapes.filter((shape) => ["object", "string", "number", "boolean"].includes(typeof shape));
    for (const shape of sendable) keeper.send(shape);
    expect(await keeper.status(1), `seed ${seed}`).to.include({signing: true});
    expect(new Set(keeper.logs), `seed ${seed}`).to.include("KEEPER_BAD_MESSAGE");
    keeper.replies.clear();
    keeper.send({kind: "sign", items: [{id: 1, item: fixture.request(randao(100))}]});
    await keeper.answered(1);
    expect(keeper.replies.get(1)?.reply.kind).to.equal("signed");
  });

  it("refuses a root that is not the root of the message", async () => {
    const request = {...attestation(98, 99), signingRoot: `0x${"ee".repeat(32)}`};
    keeper.send({kind: "sign", items: [{id: 1, item: fixture.request(request)}]});
    await keeper.answered(1);
    expect(keeper.replies.get(1)?.reply).to.include({kind: "refused", code: "CODEC_ROOT_MISMATCH"});
  });
});
