import {spawn} from "node:child_process";
import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {open as openLmdb} from "lmdb";
import {LmdbSlashingStore} from "../../../src/adapters/slashing-store/lmdb.js";
import {LmdbEnvironment} from "../../../src/adapters/slashing-store/lmdb-environment.js";
import {encodeRecord} from "../../../src/adapters/slashing-store/record-codec.js";
import {parseLifeId, parseRootHex, parseSlot} from "../../../src/core/bytes.js";
import {codeOf} from "../../../src/core/errors.js";
import {EMPTY_RECORD} from "../../../src/core/slashing/decide.js";
import {beginLife} from "../../../src/core/slashing/past.js";
import {SlashingGuard} from "../../../src/keeper/slashing-guard.js";
import {KEY, OTHER, recordAt} from "./contract.js";

const COUNTER = join(import.meta.dirname, "../../fixtures/slashing-store/count-up.js");
const ROOT = parseRootHex(`0x${"22".repeat(32)}`);
const nothing = async (): Promise<null> => null;

const LIFE = parseLifeId("1f".repeat(16));
const BLOCK = {kind: "block", slot: parseSlot("7")} as const;

/** A flush that a test holds, ends or makes fail, once everything before it has happened. */
class HeldFlush {
  /** Commits that are visible and wait for their flush. */
  waiting = 0;
  #held: Promise<void> | null = null;
  #finish: (error?: Error) => void = () => {};

  readonly flush = async (): Promise<void> => {
    if (this.#held === null) return;
    this.waiting++;
    await this.#held;
  };

  hold(): void {
    this.#held = new Promise((resolve, reject) => {
      this.#finish = (error) => (error === undefined ? resolve() : reject(error));
    });
  }

  end(error?: Error): void {
    this.#finish(error);
    this.#held = null;
  }

  async reached(waiting: number): Promise<void> {
    for (let i = 0; this.waiting < waiting; i++) {
      if (i === 5000) throw new Error(`only ${this.waiting} commits`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** What happened at the end of a turn has been told by then. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const codeFrom = (promise: Promise<unknown>): Promise<string> => promise.then(() => "resolved", codeOf);

describe("slashing store on LMDB: what is durable", () => {
  let folder: string;
  const open: LmdbEnvironment[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pleiades-lmdb-"));
  });
  afterEach(async () => {
    for (const environment of open.splice(0)) await environment.close();
    rmSync(folder, {recursive: true, force: true});
  });

  async function openStore(
    ...hooks: [onCommit?: Parameters<typeof LmdbEnvironment.open>[1], flush?: () => Promise<void>]
  ) {
    const environment = await LmdbEnvironment.open(join(folder, "store"), ...hooks);
    open.push(environment);
    return {environment, store: new LmdbSlashingStore({environment})};
  }

  it("releases nothing while the flush is held, not even a repeat that sees the record", async () => {
    const disk = new HeldFlush();
    const {store} = await openStore(undefined, disk.flush);
    await store.transact(KEY, () => ({write: EMPTY_RECORD, result: null}));
    disk.hold();
    const guard = new SlashingGuard({store});
    const released: string[] = [];
    const first = guard.decide(KEY, BLOCK, ROOT, nothing).then(({answer}) => released.push(`first ${answer}`));
    await disk.reached(1);
    const repeat = guard.decide(KEY, BLOCK, ROOT, nothing).then(({answer}) => released.push(`second ${answer}`));
    const read = store.readAll().then(() => released.push("snapshot"));
    await disk.reached(3);
    await new Promise((resolve) => setImmediate(resolve));
    expect(released).to.deep.equal([]);
    disk.end();
    await Promise.all([first, repeat, read]);
    expect(released).to.have.members(["first approve", "second repeat", "snapshot"]);
  });

  it("refuses everything from a failed flush on, also what waits behind it", async () => {
    const disk = new HeldFlush();
    const {store} = await openStore(undefined, disk.flush);
    await store.transact(KEY, () => ({write: EMPTY_RECORD, result: null}));
    disk.hold();
    const guard = new SlashingGuard({store});
    const waiting = [guard.decide(KEY, BLOCK, ROOT, nothing), guard.decide(KEY, BLOCK, ROOT, nothing)].map(codeFrom);
    await disk.reached(2);
    disk.end(new Error("EIO"));
    const later = [guard.decide(KEY, BLOCK, ROOT, nothing), store.readAll(), store.pinGenesisValidatorsRoot(ROOT)].map(
      codeFrom,
    );
    expect(await Promise.all([...waiting, ...later])).to.deep.equal(Array(5).fill("SLASHING_STORE_FAILED"));
  });

  it("tells how many records each commit held", async () => {
    const commits: number[] = [];
    const {store} = await openStore(({records}) => commits.push(records));
    await nextTurn();
    commits.length = 0;
    await Promise.all(
      [KEY, OTHER, KEY].map((key, i) => store.transact(key, () => ({write: recordAt(BigInt(i + 1)), result: null}))),
    );
    await nextTurn();
    expect(commits.reduce((sum, records) => sum + records)).to.equal(3);
    commits.length = 0;
    await store.transact(KEY, () => ({write: "keep", result: null}));
    await nextTurn();
    expect(commits, "nothing was written").to.deep.equal([]);
  });

  it("takes a damaged record for a failure, never for an empty one", async () => {
    const {environment, store} = await openStore();
    for (const key of [KEY, OTHER]) await store.transact(key, () => ({write: recordAt(5n), result: null}));
    const stored = Buffer.from(environment.records.get(KEY) ?? []);
    const last = stored.length - 3;
    const flipped = Buffer.from(stored);
    flipped[last] = stored[last]! ^ 1;
    const moved = environment.records.get(OTHER);
    for (const damaged of [flipped, stored.subarray(0, 5), Buffer.alloc(0), stored.subarray(0, -1), moved!]) {
      await environment.transaction(() => environment.put(environment.records, KEY, damaged));
      const decided = store.transact(KEY, () => ({write: EMPTY_RECORD, result: null}));
      expect(await codeFrom(decided)).to.equal("SLASHING_STORE_CORRUPT");
      expect(await codeFrom(store.readAll())).to.equal("SLASHING_STORE_CORRUPT");
    }
    expect(await codeFrom(store.transact(OTHER, () => ({write: "keep", result: null})))).to.equal("resolved");
  });

  it("refuses the store of a newer version, of something else, and a file that is no store", async () => {
    for (const [name, value, code] of [
      ["schema", "4", "SLASHING_STORE_VERSION"],
      ["magic", "another store", "SLASHING_STORE_OPEN"],
    ] as const) {
      const {environment} = await openStore();
      const {meta} = environment;
      const before = Buffer.from(meta.get(name) ?? []);
      await environment.transaction(() => environment.put(meta, name, Buffer.from(value)));
      await environment.close();
      expect(await codeFrom(openStore())).to.equal(code);
      const raw = openLmdb({path: join(folder, "store"), encoding: "binary", mapSize: 2 ** 30, overlappingSync: false});
      raw.openDB({name: "meta", encoding: "binary"}).putSync(name, before);
      await raw.close();
    }
    for (const garbage of [Buffer.alloc(16_384, 7), Buffer.alloc(16_384), Buffer.from("no store")]) {
      writeFileSync(join(folder, "store/data.mdb"), garbage);
      expect(await codeFrom(openStore())).to.equal("SLASHING_STORE_OPEN");
    }
  });

  it("takes over a store of version 1 as it is, and writes what version 1 must not read", async () => {
    const record = encodeRecord(KEY, recordAt(5n));
    const raw = openLmdb({path: join(folder, "store"), encoding: "binary", mapSize: 2 ** 30, overlappingSync: false});
    const meta = raw.openDB({name: "meta", encoding: "binary"});
    meta.putSync("magic", Buffer.from("pleiades keeper store"));
    meta.putSync("schema", Buffer.from("1"));
    meta.putSync("genesis_validators_root", Buffer.from(ROOT));
    raw.openDB({name: "records", encoding: "binary"}).putSync(KEY, record);
    raw.openDB({name: "shares", encoding: "binary"});
    await raw.close();
    const {environment, store} = await openStore();
    expect(await store.readAll()).to.deep.equal(new Map([[KEY, recordAt(5n)]]));
    expect(store.genesisValidatorsRoot()).to.equal(ROOT);
    expect(store.sequence()).to.equal(0n);
    expect(Buffer.from(environment.meta.get("schema") ?? []).toString()).to.equal("3");
    await store.transact(KEY, () => ({write: recordAt(6n), result: null}));
    await environment.close();
    const again = await openStore();
    expect(again.store.sequence()).to.equal(1n);
    expect((await again.store.readAll()).get(KEY)).to.deep.equal(recordAt(6n));
  });

  it("claims no sequence of a body that was taken back", async () => {
    const {environment, store} = await openStore();
    const failing = environment.transaction(() =>
      environment.allOrNothing(() => {
        environment.raiseSequence(9n);
        throw new Error("half way");
      }),
    );
    expect(await codeFrom(failing)).to.equal("INTERNAL");
    expect(store.sequence()).to.equal(0n);
  });

  it("takes a damaged past for a failure, never for an empty one", async () => {
    const {environment, store} = await openStore();
    const begin = () => store.transactPast((past) => ({past: beginLife(past, LIFE), writes: new Map(), result: past}));
    await begin();
    const stored = Buffer.from(environment.meta.get("past") ?? []);
    await environment.transaction(() => environment.put(environment.meta, "past", stored.subarray(0, -1)));
    expect(await codeFrom(begin())).to.equal("SLASHING_STORE_CORRUPT");
    await environment.transaction(() => environment.put(environment.meta, "past", stored));
    expect((await begin()).life).to.equal(LIFE);
  });

  it("loses no increment between processes that write the same record", async function () {
    this.timeout(20_000);
    const {store} = await openStore();
    await store.transact(KEY, () => ({write: recordAt(0n), result: null}));
    const children = [1, 2].map(
      () =>
        new Promise<number | null>((resolve) => {
          const child = spawn(process.execPath, [COUNTER, join(folder, "store"), KEY, "50"], {
            stdio: ["ignore", "ignore", "inherit"],
          });
          child.once("close", resolve);
        }),
    );
    expect(await Promise.all(children)).to.deep.equal([0, 0]);
    expect((await store.readAll()).get(KEY)?.block?.slot).to.equal(100n);
    expect(store.sequence(), "every write of both counted").to.equal(101n);
  });
});
