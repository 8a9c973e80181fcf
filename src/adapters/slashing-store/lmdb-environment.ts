import {mkdirSync} from "node:fs";
import {dirname} from "node:path";
import {type Database, open, type RootDatabase} from "lmdb";
import {PleiadesError} from "../../core/errors.js";

/** Raised whenever an older version could misread what this one writes. */
export const SCHEMA_VERSION = 1;

/** Enough for 100,000 validators; LMDB reserves address space only. */
const MAP_SIZE = 2 ** 30;

export type OnCommit = (commit: {records: number; durationMs: number}) => void;

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
  readonly #root: RootDatabase<Uint8Array, string>;
  readonly #onCommit: OnCommit;
  #failure: PleiadesError | null = null;
  #closing: Promise<void> | null = null;
  #batch: {startedAt: number; committed: number} | null = null;

  /** @throws SLASHING_STORE_OPEN · SLASHING_STORE_VERSION */
  static async open(path: string, onCommit: OnCommit = () => {}): Promise<LmdbEnvironment> {
    let environment: LmdbEnvironment;
    try {
      ensureFolder(dirname(path));
      ensureFolder(path);
      environment = new LmdbEnvironment(path, onCommit);
    } catch (error) {
      throw new PleiadesError({code: "SLASHING_STORE_OPEN", path, reason: reasonOf(error)}, {cause: error});
    }
    try {
      await environment.#checkSchema();
    } catch (error) {
      await environment.close();
      throw error;
    }
    return environment;
  }

  private constructor(path: string, onCommit: OnCommit) {
    this.#root = open<Uint8Array, string>({
      path,
      noSubdir: false,
      mapSize: MAP_SIZE,
      maxDbs: 4,
      encoding: "binary",
      overlappingSync: false,
    });
    this.meta = this.#root.openDB({name: "meta", encoding: "binary"});
    this.records = this.#root.openDB({name: "records", encoding: "binary"});
    this.shares = this.#root.openDB({name: "shares", encoding: "binary"});
    this.#onCommit = onCommit;
  }

  /** Why nothing is written any more, or null. */
  get failure(): PleiadesError | null {
    return this.#failure;
  }

  /**
   * Runs `body` synchronously inside the write queue and resolves with its result once the commit is durable. LMDB keeps
   * what a body wrote before it threw, so bodies decide first and write last; several writes that belong together go
   * through {@link allOrNothing}. An error of the body itself rejects this call alone.
   * @throws SLASHING_STORE_FAILED
   */
  async transaction<R>(body: () => R): Promise<R> {
    if (this.#failure !== null) throw this.#failure;
    this.#batch ??= {startedAt: performance.now(), committed: 0};
    let outcome: {readonly value: R} | {readonly error: unknown} | undefined;
    try {
      await this.#root.transaction(() => {
        // A transaction that was queued behind a failed commit must not write.
        if (this.#failure !== null) {
          outcome = {error: this.#failure};
          return;
        }
        try {
          outcome = {value: body()};
        } catch (error) {
          outcome = {error};
        }
      });
    } catch (error) {
      throw this.fail(error);
    }
    if (this.#failure !== null) throw this.#failure;
    if (outcome === undefined) throw this.fail(new Error("the transaction did not run"));
    this.#committed();
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
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
      await this.transaction(() => this.meta.putSync("schema", Buffer.from(String(SCHEMA_VERSION))));
      return;
    }
    const version = Number(Buffer.from(stored).toString("utf8"));
    if (version !== SCHEMA_VERSION) {
      throw new PleiadesError({code: "SLASHING_STORE_VERSION", stored: version, known: SCHEMA_VERSION});
    }
  }

  /** Counts what one turn committed, and tells it once the turn is over. */
  #committed(): void {
    const batch = this.#batch;
    if (batch === null) return;
    if (batch.committed++ > 0) return;
    const durationMs = performance.now() - batch.startedAt;
    this.#batch = null;
    setImmediate(() => this.#onCommit({records: batch.committed, durationMs}));
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

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 200);
