import {mkdirSync} from "node:fs";
import {join} from "node:path";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {LmdbSlashingStore} from "../../../src/adapters/slashing-store/lmdb.js";
import {LmdbEnvironment} from "../../../src/adapters/slashing-store/lmdb-environment.js";
import {type PubkeyHex, parseOperatorId} from "../../../src/core/bytes.js";
import type {WireRequest} from "../../../src/core/duty/sign-request.js";
import type {SlashingRecord} from "../../../src/core/slashing/record.js";
import {isValidPartial} from "../../../src/core/threshold/collect.js";
import {storePath} from "../../../src/keeper/start.js";
import type {PartialReply} from "../../../src/ports/operator-link.js";
import {KeeperFixture} from "../keeper.js";
import type {Seeded} from "../seeded.js";
import {waitFor} from "../wait.js";
import {Duties, LONG_NETWORK} from "./duties.js";
import {KeeperChild} from "./keeper-child.js";
import {Ledger, readMessage} from "./ledger.js";

const KEYS = 6;
const OPERATOR = parseOperatorId(1);
/** Requests that wait in the keeper at once: enough that every kill finds some before, in and after their commit. */
const WINDOW = 48;
/** For a start and for an answer; both take milliseconds on an idle machine. */
const BOUND_MS = 30_000;

export interface RoundsResult {
  readonly kills: number;
  readonly whileStarting: number;
  readonly stores: number;
  readonly released: number;
  /** Replies by outcome: "signed" or the code. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly problems: readonly string[];
}

/** Records of a store whose keeper is dead. */
export async function readRecords(dataDir: string): Promise<ReadonlyMap<PubkeyHex, SlashingRecord>> {
  const environment = await LmdbEnvironment.open(storePath(dataDir));
  try {
    return await new LmdbSlashingStore({environment}).readAll();
  } finally {
    await environment.close();
  }
}

/**
 * Kills one keeper after another on the same store, under load, at instants that follow from `random`: before it is
 * ready, right behind the n-th answer, or at some millisecond. After every kill the records are read back and compared
 * with all that was ever answered. Now and then it goes on with a new store, whose first start adds the shares.
 */
export class KeeperRounds {
  readonly #fixture = new KeeperFixture({keys: KEYS, network: LONG_NETWORK});
  readonly #random: Seeded;
  readonly #entry: string;
  readonly #outcomes = new Map<string, number>();
  readonly #problems: string[] = [];
  #kills = 0;
  #whileStarting = 0;
  #stores = 0;
  #released = 0;
  #ledger = new Ledger("");
  #duties = new Duties(KEYS, {} as Seeded);
  #dataDir = "";
  #bundle = "";

  constructor({random, entry}: {random: Seeded; entry: string}) {
    this.#random = random;
    this.#entry = entry;
  }

  /** Stops early at the first problem. */
  async run(kills: number, {newStoreEvery = 40}: {newStoreEvery?: number} = {}): Promise<RoundsResult> {
    for (let i = 0; i < kills && this.#problems.length === 0; i++) {
      if (i % newStoreEvery === 0) await this.#newStore();
      await this.#round();
      await this.#judge();
    }
    if (this.#problems.length === 0) await this.#proveLife();
    return {
      kills: this.#kills,
      whileStarting: this.#whileStarting,
      stores: this.#stores,
      released: this.#released,
      outcomes: this.#outcomes,
      problems: this.#problems,
    };
  }

  close(): Promise<void> {
    return this.#fixture.close();
  }

  async #newStore(): Promise<void> {
    const name = `store-${++this.#stores}`;
    this.#ledger = new Ledger(name);
    this.#duties = new Duties(KEYS, this.#random.fork());
    this.#dataDir = join(this.#fixture.folder, name);
    mkdirSync(this.#dataDir, {mode: 0o700});
    this.#bundle = await this.#fixture.bundle(`${name}.bundle.json`);
    await this.#fixture.createStore(this.#dataDir);
  }

  async #round(): Promise<void> {
    const random = this.#random;
    const whileStarting = random.chance(0.12);
    const atAnswer = random.chance(0.5) ? random.int(1, 120) : null;
    const atMs = random.int(0, whileStarting ? 600 : 150);
    const asked = new Map<number, {key: number; wire: WireRequest}>();
    let answers = 0;
    let killed: Promise<void> | null = null;
    const kill = (): Promise<void> => {
      killed ??= child.kill();
      return killed;
    };
    let nextId = 1;
    const ask = (): void => {
      // After the kill nothing reads this any more.
      if (killed !== null) return;
      const items = [];
      while (asked.size < WINDOW) {
        const id = nextId++;
        const duty = this.#duties.next();
        asked.set(id, duty);
        items.push({id, item: this.#fixture.request(duty.wire, duty.key)});
      }
      if (items.length > 0) child.sign(items);
    };
    const child = new KeeperChild(this.#entry, this.#init(), (id, reply) => {
      this.#count(asked.get(id)!, reply);
      asked.delete(id);
      answers++;
      if (atAnswer !== null && answers >= atAnswer) void kill();
      else if (asked.size < WINDOW / 2) ask();
    });
    if (whileStarting) {
      await Promise.race([child.started, pause(atMs)]);
      this.#whileStarting++;
    } else {
      const started = await Promise.race([child.started, pause(BOUND_MS)]);
      if (started !== "ready") this.#problems.push(`the keeper did not start: ${started}`);
      ask();
      if (atAnswer === null) await pause(atMs);
      else await this.#inTime(`answer ${atAnswer}`, () => killed !== null);
    }
    await kill();
    this.#kills++;
  }

  #count({key, wire}: {key: number; wire: WireRequest}, reply: PartialReply): void {
    const outcome = reply.kind === "signed" ? "signed" : reply.code;
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    if (reply.kind !== "signed") return;
    this.#released++;
    const {groupPublicKey, sharePublicKeys} = this.#fixture.committee.validators[key]!;
    const {signingRoot, message} = readMessage(wire, LONG_NETWORK);
    const context = {quorum: {n: 4, t: 3}, message: signingRoot, sharePublicKeys};
    if (!isValidPartial(blstGroup, context, OPERATOR, reply.partial)) {
      this.#problems.push(`a partial signature that is not valid: ${JSON.stringify(wire)}`);
    } else if (message !== null) {
      this.#ledger.add(groupPublicKey, message);
    }
  }

  async #judge(): Promise<void> {
    this.#problems.push(...this.#ledger.conflicts);
    if (this.#ledger.released === 0) return;
    this.#problems.push(...this.#ledger.unrecorded(await readRecords(this.#dataDir)));
  }

  /** After the last kill a keeper signs a new duty with every key. */
  async #proveLife(): Promise<void> {
    const outcomes: string[] = [];
    const child = new KeeperChild(this.#entry, this.#init(), (_id, reply) =>
      outcomes.push(reply.kind === "signed" ? "signed" : reply.code),
    );
    await Promise.race([child.started, pause(BOUND_MS)]);
    child.sign(
      Array.from({length: KEYS}, (_, key) => ({
        id: key,
        item: this.#fixture.request(this.#duties.fresh(key), key),
      })),
    );
    await this.#inTime("an answer for every key", () => outcomes.length === KEYS);
    await child.kill();
    if (outcomes.some((one) => one !== "signed")) this.#problems.push(`after the last start: ${outcomes.join(", ")}`);
  }

  async #inTime(what: string, condition: () => boolean): Promise<void> {
    await waitFor(what, condition, BOUND_MS).catch((error: Error) => this.#problems.push(error.message));
  }

  #init() {
    return this.#fixture.init({dataDir: this.#dataDir, bundleFiles: [this.#bundle]});
  }
}

/** A pause that lost a race does not keep the process alive. */
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
