import type {PubkeyHex, RootHex} from "../../src/core/bytes.js";
import {PleiadesError} from "../../src/core/errors.js";
import type {SlashingRecord} from "../../src/core/slashing/record.js";
import type {Decision, SlashingStore} from "../../src/ports/slashing-store.js";
import type {Process} from "./process.js";

/** What is on a disk: only what was flushed. */
interface Content {
  readonly records: ReadonlyMap<PubkeyHex, SlashingRecord>;
  readonly chain: RootHex | null;
}

/** A disk outlives the programs that use it. */
export class Disk {
  content: Content = {records: new Map(), chain: null};
  /** While true, flushes fail: it is full. */
  full = false;
}

/** The moments of a commit at which a crash makes a difference. */
export type CommitMoment = "written" | "durable";

interface Job {
  /** Runs inside the write queue, on the records as they will be. */
  readonly run: (records: Map<PubkeyHex, SlashingRecord>) => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A durable store on simulated time. Transactions that wait together are decided together, become durable one flush
 * later, and are told of it one turn after that. Each of the three is an event, so a crash may come between any two.
 */
export class SimulatedSlashingStore implements SlashingStore {
  readonly #process: Process;
  readonly #disk: Disk;
  readonly #flushMs: () => number;
  readonly #onCommit: (moment: CommitMoment) => void;
  #waiting: Job[] = [];
  #busy = false;
  #chain: RootHex | null;
  #failure: PleiadesError | null = null;

  constructor(
    {process, disk}: {process: Process; disk: Disk},
    {flushMs, onCommit = () => {}}: {flushMs: () => number; onCommit?: (moment: CommitMoment) => void},
  ) {
    this.#process = process;
    this.#disk = disk;
    this.#flushMs = flushMs;
    this.#onCommit = onCommit;
    this.#chain = disk.content.chain;
  }

  transact<R>(key: PubkeyHex, decide: (record: SlashingRecord | undefined) => Decision<R>): Promise<R> {
    return this.#add((records) => {
      const {write, result} = decide(records.get(key));
      if (write !== "keep") records.set(key, write);
      return result;
    });
  }

  transactAll<R>(
    decide: (records: ReadonlyMap<PubkeyHex, SlashingRecord>) => {
      writes: ReadonlyMap<PubkeyHex, SlashingRecord>;
      result: R;
    },
  ): Promise<R> {
    return this.#add((records) => {
      const {writes, result} = decide(new Map(records));
      for (const [key, record] of writes) records.set(key, record);
      return result;
    });
  }

  readAll(): Promise<ReadonlyMap<PubkeyHex, SlashingRecord>> {
    return this.#add((records) => new Map(records));
  }

  genesisValidatorsRoot(): RootHex | null {
    return this.#chain;
  }

  pinGenesisValidatorsRoot(root: RootHex): Promise<void> {
    return this.#add(() => {
      if (this.#chain !== null && this.#chain !== root) {
        throw new PleiadesError({code: "SLASHING_WRONG_CHAIN", pinned: this.#chain, given: root});
      }
      this.#chain = root;
    });
  }

  async close(): Promise<void> {
    this.#fail("closed", []);
  }

  #add<R>(body: (records: Map<PubkeyHex, SlashingRecord>) => R): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      let result: R;
      this.#waiting.push({
        run: (records) => {
          result = body(records);
        },
        resolve: () => resolve(result),
        reject,
      });
      if (this.#busy) return;
      this.#busy = true;
      this.#process.after(0, "write", () => this.#write());
    });
  }

  #write(): void {
    const jobs = this.#waiting;
    this.#waiting = [];
    const records = new Map(this.#disk.content.records);
    const decided = jobs.filter((job) => {
      try {
        job.run(records);
        return true;
      } catch (error) {
        job.reject(error);
        return false;
      }
    });
    this.#onCommit("written");
    this.#process.after(this.#flushMs(), "flush", () => this.#flush(decided, records));
  }

  #flush(jobs: readonly Job[], records: ReadonlyMap<PubkeyHex, SlashingRecord>): void {
    if (this.#disk.full) {
      this.#fail("disk full", jobs);
      return;
    }
    this.#disk.content = {records, chain: this.#chain};
    this.#onCommit("durable");
    this.#process.after(0, "committed", () => {
      for (const job of jobs) job.resolve();
      this.#busy = this.#waiting.length > 0;
      if (this.#busy) this.#write();
    });
  }

  #fail(reason: string, jobs: readonly Job[]): void {
    this.#failure ??= new PleiadesError({code: "SLASHING_STORE_FAILED", reason});
    for (const job of [...jobs, ...this.#waiting]) job.reject(this.#failure);
    this.#waiting = [];
  }
}
