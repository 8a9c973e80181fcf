import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {LmdbSlashingStore} from "../../../src/adapters/slashing-store/lmdb.js";
import {LmdbEnvironment} from "../../../src/adapters/slashing-store/lmdb-environment.js";
import {MemorySlashingStore} from "../../../src/adapters/slashing-store/memory.js";
import {Process} from "../../simulation/process.js";
import {Scheduler} from "../../simulation/scheduler.js";
import {Disk, SimulatedSlashingStore} from "../../simulation/store.js";
import {KEY, recordAt, slashingStoreContract} from "./contract.js";

describe("slashing store in memory", () => {
  slashingStoreContract(async () => new MemorySlashingStore());

  it("forgets what came after a snapshot that is put back, and opens again on it", async () => {
    const store = new MemorySlashingStore();
    await store.transact(KEY, () => ({write: recordAt(1n), result: null}));
    const copy = store.snapshot();
    await store.transact(KEY, () => ({write: recordAt(2n), result: null}));
    const twin = new MemorySlashingStore(copy);
    expect((await twin.readAll()).get(KEY)).to.deep.equal(recordAt(1n));
    expect([store.sequence(), twin.sequence()]).to.deep.equal([2n, 1n]);
    await twin.transact(KEY, () => ({write: recordAt(5n), result: null}));
    expect((await store.readAll()).get(KEY), "copies do not write to each other").to.deep.equal(recordAt(2n));
    await store.close();
    store.restore(copy);
    expect(store.sequence()).to.equal(1n);
    expect((await store.readAll()).get(KEY)).to.deep.equal(recordAt(1n));
  });
});

describe("slashing store of a simulation", () => {
  slashingStoreContract(async () => {
    const scheduler = new Scheduler();
    scheduler.runFreely();
    return new SimulatedSlashingStore({process: new Process(scheduler, "test"), disk: new Disk()}, {flushMs: () => 5});
  });
});

describe("slashing store on LMDB", () => {
  const folders: string[] = [];
  after(() => {
    for (const folder of folders) rmSync(folder, {recursive: true, force: true});
  });
  slashingStoreContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), "pleiades-store-"));
    folders.push(folder);
    return new LmdbSlashingStore({environment: await LmdbEnvironment.open(folder)});
  });
});
