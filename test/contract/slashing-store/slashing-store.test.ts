import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {LmdbSlashingStore} from "../../../src/adapters/slashing-store/lmdb.js";
import {LmdbEnvironment} from "../../../src/adapters/slashing-store/lmdb-environment.js";
import {MemorySlashingStore} from "../../../src/adapters/slashing-store/memory.js";
import {Process} from "../../simulation/process.js";
import {Scheduler} from "../../simulation/scheduler.js";
import {Disk, SimulatedSlashingStore} from "../../simulation/store.js";
import {slashingStoreContract} from "./contract.js";

describe("slashing store in memory", () => {
  slashingStoreContract(async () => new MemorySlashingStore());
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
