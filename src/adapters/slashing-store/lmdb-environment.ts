import {closeSync, existsSync, mkdirSync, openSync, readSync} from "node:fs";
import {dirname, join} from "node:path";
import {type Database, open, type RootDatabase} from "lmdb";
import {PleiadesError} from "../../core/errors.js";
import {withPromptExit} from "./prompt-exit.js";

/** Raised whenever an older version could misread what this one writes. */
export const SCHEMA_VERSION = 3;
/** Its records and shares are as now; it knew nothing of its past. */
const WITHOUT_PAST = 1;
/** As now, but each share signed for ever, and a key had one. */
const WITHOUT_TENURES = 2;

/** Enough for 100,000 validators; LMDB reserves address space only. */
const MAP_SIZE = 2 ** 30;

/** Eight bytes, big endian. */
const SEQUENCE = "sequence";
const SEQUENCE_BYTES = 8;

/** Tells that another program's LMDB folder is not ours. */
const MAGIC = "pleiades keeper store";

export type OnCommit = (commit: {records: number; durationMs: number}) => void;
/** Waited for between a commit and the release of what it holds; for tests that hold a flush or make it fail. */
export type AwaitFlush = () => Promise<void>;

/**
 * One LMDB environment: records, shares and facts about the store. Every write goes through {@link transaction}, which
 * resolves only when its commit is durable; after one failed commit nothing is written or resolved any more.
 *
 * `overlappingSync` is off: with it a transaction resolves when it is visible and is flushed later. What several
 * transactions write in one turn of the event loop shares one commit and one flush.
 */
export class LmdbEnvironment {
  readonly meta: Database<Uint8Array, string>;
  readonly records: Database<Uint8Array, string>;
  readonly shares: Database<Uint8Array, string>;
  /** The one withdrawal credential of each group key. */
  readonly withdrawals: Database<Uint8Array, string>;
  /** When shares begin and cease to sign. */
  readonly tenures: Database<Uint8Array, string>;
  /** Ceremonies under way. */
  readonly ceremonies: Database<Uint8Array, string>;
  readonly #root: RootDatabase<Uint8Array, string>;
  readonly #onCommit: OnCommit;
  readonly #awaitFlush: AwaitFlush | null;
  #failure: PleiadesError | null = null;
  #closing: Promise<void> | null = null;
  /** What the commit that is being released holds. */
  #commit: {readonly startedAt: number; records: number} | null = null;
  /** Values written by the body that is running. */
  #written = 0;
  /** The sequence that the running body wrote; null: none. */
  #raised: bigint | null = null;
  /** Of the newest transaction that was released. */
  #sequence = 0n;

  /** @throws SLASHING_STORE_OPEN · SLASHING_STORE_VERSION */
  static async open(
    path: string,
    onCommit: OnCommit = () => {},
    awaitFlush: AwaitFlush | null = null,
  ): Promise<LmdbEnvironment> {
    let environment: LmdbEnvironment;
    try {
      ensureFolder(dirname(path));
      ensureFolder(path);
      refuseForeignFile(join(path, "data.mdb"));
      environment = new LmdbEnvironment(path, onCommit, awaitFlush);
    } catch (error) {
      throw new PleiadesError({code: "SLASHING_STORE_OPEN", path, reason: reasonOf(error)}, {cause: error});
    }
    try {
      await environment.#checkSchema();
      environment.#sequence = environment.readSequence();
    } catch (error) {
      await environment.close();
      throw error;
    }
    return environment;
  }

  private constructor(path: string, onCommit: OnCommit, awaitFlush: AwaitFlush | null) {
    this.#root = open<Uint8Array, string>({
      path,
      noSubdir: false,
      mapSize: MAP_SIZE,
      maxDbs: 8,
      encoding: "binary",
      overlappingSync: false,
    });
    this.meta = this.#root.openDB({name: "meta", encoding: "binary"});
    this.records = this.#root.openDB({name: "records", encoding: "binary"});
    this.shares = this.#root.openDB({name: "shares", encoding: "binary"});
    this.withdrawals = this.#root.openDB({name: "withdrawals", encoding: "binary"});
    this.tenures = this.#root.openDB({name: "tenures", encoding: "binary"});
    this.ceremonies = this.#root.openDB({name: "ceremonies", encoding: "binary"});
    this.#onCommit = onCommit;
    this.#awaitFlush = awaitFlush;
  }

  /** Why nothing is written any more, or null. */
  get failure(): PleiadesError | null {
    return this.#failure;
  }

  /** The highest sequence that a released transaction saw; durable. */
  get sequence(): bigint {
    return this.#sequence;
  }

  /**
   * Runs `body` synchronously inside the write queue and resolves with its result once the commit is durable. LMDB keeps
   * what a body wrote before it threw, so bodies decide first and write last; several writes that belong together go
   * through {@link allOrNothing}. An error of the body itself rejects this call alone.
   * @throws SLASHING_STORE_FAILED
   */
  async transaction<R>(body: () => R): Promise<R> {
    if (this.#failure !== null) throw this.#failure;
    const startedAt = performance.now();
    let written = 0;
    let sequence = 0n;
    let outcome: {readonly value: R} | {readonly error: unknown} | undefined;
    try {
      const inside = (): void => {
        // A transaction that was queued behind a failed commit must not write.
        if (this.#failure !== null) {
          outcome = {error: this.#failure};
          return;
        }
        this.#written = 0;
        this.#raised = null;
        try {
          outcome = {value: body()};
        } catch (error) {
          outcome = {error};
          // What it raised may have been taken back.
          this.#raised = null;
        }
        written = this.#written;
        // After the body, which may have raised it; also for a body that wrote nothing but saw what others wrote.
        sequence = this.#raised ?? this.readSequence();
      };
      await withPromptExit(() => this.#root.transaction(inside));
      await this.#awaitFlush?.();
    } catch (error) {
      throw this.fail(error);
    }
    if (this.#failure !== null) throw this.#failure;
    if (outcome === undefined) throw this.fail(new Error("the transaction did not run"));
    if (sequence > this.#sequence) this.#sequence = sequence;
    if (written > 0) this.#committed(written, startedAt);
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Inside a transaction: writes one value. @throws when LMDB does not take it */
  put(database: Database<Uint8Array, string>, key: string, value: Uint8Array): void {
    const written: unknown = database.putSync(key, value);
    if (written !== true) throw new Error(`LMDB did not write ${key}`);
    this.#written++;
  }

  /** The stored sequence; inside a transaction also what is not committed yet. @throws SLASHING_STORE_CORRUPT */
  readSequence(): bigint {
    const stored = this.meta.get(SEQUENCE);
    if (stored === undefined) return 0n;
    if (stored.length !== SEQUENCE_BYTES) throw new PleiadesError({code: "SLASHING_STORE_CORRUPT", key: SEQUENCE});
    return Buffer.from(stored.buffer, stored.byteOffset, SEQUENCE_BYTES).readBigUInt64BE();
  }

  /** Inside a transaction, together with what it counts. */
  raiseSequence(to: bigint = this.readSequence() + 1n): void {
    const value = Buffer.alloc(SEQUENCE_BYTES);
    value.writeBigUInt64BE(to);
    if ((this.meta.putSync(SEQUENCE, value) as unknown) !== true) throw new Error("LMDB did not write the sequence");
    this.#raised = to;
  }

  /** Inside a transaction: all writes of `body` or none. */
  allOrNothing(body: () => void): void {
    // Inside a transaction LMDB runs a child transaction at once; its type only knows the other case.
    void this.#root.childTransaction(body);
  }

  /** From now on everything is refused; also called by the process when LMDB rejects where nobody waits. */
  fail(error: unknown): PleiadesError {
    // LMDB hangs a second rejection on the first; unheard, it would end the process before anybody learns why.
    const second: unknown = (error as {commitError?: unknown} | null)?.commitError;
    if (second instanceof Promise) second.catch(() => {});
    this.#failure ??= new PleiadesError({code: "SLASHING_STORE_FAILED", reason: reasonOf(error)}, {cause: error});
    return this.#failure;
  }

  /** Waits for commits under way; may be called twice. */
  close(): Promise<void> {
    this.#failure ??= new PleiadesError({code: "SLASHING_STORE_FAILED", reason: "closed"});
    this.#closing ??= this.#root.close();
    return this.#closing;
  }

  async #checkSchema(): Promise<void> {
    const stored = this.meta.get("schema");
    if (stored === undefined) {
      await this.transaction(() =>
        this.allOrNothing(() => {
          this.put(this.meta, "magic", Buffer.from(MAGIC));
          this.put(this.meta, "schema", Buffer.from(String(SCHEMA_VERSION)));
        }),
      );
      return;
    }
    const magic = this.meta.get("magic");
    if (magic === undefined || Buffer.from(magic).toString("utf8") !== MAGIC) {
      throw new PleiadesError({code: "SLASHING_STORE_OPEN", reason: "this is not a keeper's store"});
    }
    const version = Number(Buffer.from(stored).toString("utf8"));
    if (version === WITHOUT_PAST || version === WITHOUT_TENURES) {
      await this.transaction(() =>
        this.allOrNothing(() => {
          // Its past starts now: what nobody ever saw a sequence of, nobody can hold against it.
          if (version === WITHOUT_PAST) this.raiseSequence(0n);
          this.put(this.meta, "schema", Buffer.from(String(SCHEMA_VERSION)));
        }),
      );
    } else if (version !== SCHEMA_VERSION) {
      throw new PleiadesError({code: "SLASHING_STORE_VERSION", stored: version, known: SCHEMA_VERSION});
    }
  }

  /** Counts what is released with one commit, and tells it once all of that is released. */
  #committed(records: number, startedAt: number): void {
    if (this.#commit !== null) {
      this.#commit.records += records;
      return;
    }
    const commit = {startedAt, records};
    this.#commit = commit;
    const durationMs = performance.now() - startedAt;
    setImmediate(() => {
      this.#commit = null;
      this.#onCommit({records: commit.records, durationMs});
    });
  }
}

/** One level only: Node's recursive mkdir never returns on some file systems (/proc). */
function ensureFolder(path: string): void {
  try {
    // 0700: the shares in here are encrypted, but nobody else has any business with them.
    mkdirSync(path, {mode: 0o700});
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** LMDB's own magic number, 0xBEEFC0DE, behind the header of the first page. */
const LMDB_MAGIC = {at: 24, bytes: Buffer.from([0xde, 0xc0, 0xef, 0xbe])};

/** lmdb ends the process with a segmentation fault when it is given a file that is not its own. */
export function refuseForeignFile(file: string): void {
  if (!existsSync(file)) return;
  const head = Buffer.alloc(LMDB_MAGIC.at + LMDB_MAGIC.bytes.length);
  const descriptor = openSync(file, "r");
  try {
    // An empty file is what a crash at the very first start leaves.
    if (readSync(descriptor, head) === 0 || head.subarray(LMDB_MAGIC.at).equals(LMDB_MAGIC.bytes)) return;
  } finally {
    closeSync(descriptor);
  }
  throw new Error("data.mdb is not a database, or its beginning is damaged");
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 200);
