import type {LifeId, PubkeyHex, RootHex} from "../../src/core/bytes.js";
import {PleiadesError} from "../../src/core/errors.js";
import {NO_PAST, type Past, requireRising} from "../../src/core/slashing/past.js";
import type {SlashingRecord} from "../../src/core/slashing/record.js";
import type {Decision, SlashingStore} from "../../src/ports/slashing-store.js";
import type {Process} from "./process.js";

/** What is on a disk: only what was flushed. */
export interface Content {
  readonly records: ReadonlyMap<PubkeyHex, SlashingRecord>;
  readonly past: Past;
  readonly chain: RootHex | null;
  /**
   * The highest sequence of each life that whoever wrote here was told of. The oracle's, not the product's: copied and
   * lost with the rest.
   */
  readonly told: ReadonlyMap<LifeId, bigint>;
}

export const EMPTY_DISK: Content = {records: new Map(), past: NO_PAST, chain: null, told: new Map()};

/** A disk outlives the programs that use it. */
export class Disk {
  content: Content = EMPTY_DISK;
  /** Of a copy: the sequence at which it was taken. */
  copiedAt = -1n;
  /** While true, flushes fail: it is full. */
  full = false;
}

/** What a commit will hold. */
interface Written {
  readonly records: Map<PubkeyHex, SlashingRecord>;
  past: Past;
}

/** Every transaction that writes records raises the sequence. */
function write(written: Written, writes: ReadonlyMap<PubkeyHex, SlashingRecord>): void {
  if (writes.size === 0) return;
  for (const [key, record] of writes) written.records.set(key, record);
  written.past = {...written.past, sequence: written.past.sequence + 1n};
}

/** The moments of a commit at which a crash makes a difference. */
export type CommitMoment = "written" | "durable";

interface Job {
  /** Runs inside the write queue, on the records as they will be. */
  readonly run: (written: Written) => void;
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
  /** Of the newest transaction that resolved. */
  #sequence: bigint;

  constructor(
    {process, disk}: {process: Process; disk: Disk},
    {flushMs, onCommit = () => {}}: {flushMs: () => number; onCommit?: (moment: CommitMoment) => void},
  ) {
    this.#process = process;
    this.#disk = disk;
    this.#flushMs = flushMs;
    this.#onCommit = onCommit;
    this.#chain = disk.content.chain;
    this.#sequence = disk.content.past.sequence;
  }

  transact<R>(key: PubkeyHex, decide: (record: SlashingRecord | undefined) => Decision<R>): Promise<R> {
    return this.#add((written) => {
      const {write: record, result} = decide(written.records.get(key));
      if (record !== "keep") write(written, new Map([[key, record]]));
      return result;
    });
  }

  transactAll<R>(
    decide: (records: ReadonlyMap<PubkeyHex, SlashingRecord>) => {
      writes: ReadonlyMap<PubkeyHex, SlashingRecord>;
      result: R;
    },
  ): Promise<R> {
    return this.#add((written) => {
      const {writes, result} = decide(new Map(written.records));
      write(written, writes);
      return result;
    });
  }

  transactPast<R>(
    decide: (
      past: Past,
      records: ReadonlyMap<PubkeyHex, SlashingRecord>,
    ) => {past: Past | "keep"; writes: ReadonlyMap<PubkeyHex, SlashingRecord>; result: R},
  ): Promise<R> {
    return this.#add((written) => {
      const {past, writes, result} = decide(written.past, new Map(written.records));
      if (past !== "keep") written.past = requireRising(written.past, past);
      write(written, writes);
      return result;
    });
  }

  sequence(): bigint {
    return this.#sequence;
  }

  readAll(): Promise<ReadonlyMap<PubkeyHex, SlashingRecord>> {
    return this.#add(({records}) => new Map(records));
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

  #add<R>(body: (written: Written) => R): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      let result: R;
      this.#waiting.push({
        run: (written) => {
          result = body(written);
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
    const written: Written = {records: new Map(this.#disk.content.records), past: this.#disk.content.past};
    const decided = jobs.filter((job) => {
      try {
        job.run(written);
        return true;
      } catch (error) {
        job.reject(error);
        return false;
      }
    });
    this.#onCommit("written");
    this.#process.after(this.#flushMs(), "flush", () => this.#flush(decided, written));
  }

  #flush(jobs: readonly Job[], {records, past}: Written): void {
    if (this.#disk.full) {
      this.#fail("disk full", jobs);
      return;
    }
    this.#disk.content = {...this.#disk.content, records, past, chain: this.#chain};
    this.#onCommit("durable");
    this.#process.after(0, "committed", () => {
      this.#sequence = past.sequence;
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
