import {createCipheriv, createDecipheriv, randomBytes} from "node:crypto";
import {closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync} from "node:fs";
import {join} from "node:path";
import {type Database, open, type RootDatabase} from "lmdb";
import {parseRootHex, type RootHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {CeremonyJournal, JournalChange, JournaledCeremony} from "../../ports/ceremony-journal.js";
import {refuseForeignFile} from "../slashing-store/lmdb-environment.js";
import {withPromptExit} from "../slashing-store/prompt-exit.js";

/** Twenty chunks of thirteen dealers are 12 MB; a hundred such ceremonies. LMDB reserves address space only. */
const MAP_BYTES = 2 ** 31;
/** Raised whenever an older version could misread what this one writes. */
const SCHEMA = "pleiades ceremony journal v2";
/** ChaCha20-Poly1305 (RFC 8439): nonce, ciphertext, tag. */
const [NONCE_BYTES, TAG_BYTES] = [12, 16];

/** One LMDB environment in a folder of its own. Every value is sealed under its name, so none can be changed or moved. */
export class LmdbCeremonyJournal implements CeremonyJournal {
  readonly #root: RootDatabase<Uint8Array, string>;
  readonly #values: Database<Uint8Array, string>;
  readonly #key: Uint8Array;
  /** The number of the item written last. */
  #sequence = 0;
  #failure: PleiadesError | null = null;
  #closing: Promise<void> | null = null;

  /** @param key 32 bytes @throws DKG_JOURNAL_CORRUPT, for another key too */
  static async open(folder: string, key: Uint8Array): Promise<LmdbCeremonyJournal> {
    try {
      const file = join(folder, "data.mdb");
      refuseForeignFile(file);
      refuseShortFile(file);
      const journal = new LmdbCeremonyJournal(folder, key);
      await journal.#checkSchema();
      return journal;
    } catch (error) {
      if (error instanceof PleiadesError) throw error;
      throw new PleiadesError({code: "DKG_JOURNAL_CORRUPT", folder, reason: reasonOf(error)}, {cause: error});
    }
  }

  private constructor(folder: string, key: Uint8Array) {
    this.#key = key;
    this.#root = open<Uint8Array, string>({
      path: folder,
      noSubdir: false,
      mapSize: MAP_BYTES,
      maxDbs: 1,
      encoding: "binary",
      // A write resolves when it is durable, not when it is visible.
      overlappingSync: false,
      // With it LMDB makes a promise of each batch that it hands to nobody: when a commit fails, that would end the process.
      eventTurnBatching: false,
    });
    this.#values = this.#root.openDB({name: "journal", encoding: "binary"});
  }

  ceremonies(): readonly JournaledCeremony[] {
    return this.#range("definition/").map(({key, value}) => {
      const id = parseRootHex(key.slice("definition/".length));
      return {id, definition: text(value), end: this.#text(`end/${id}`)};
    });
  }

  begin(id: RootHex, definition: string): Promise<void> {
    return this.#transaction(() => {
      if (this.#get(`definition/${id}`) === null) this.#put(`definition/${id}`, Buffer.from(definition));
    });
  }

  redefine(id: RootHex, definition: string): Promise<void> {
    return this.#transaction(() => this.#put(`definition/${id}`, Buffer.from(definition)));
  }

  write(id: RootHex, changes: readonly JournalChange[]): Promise<void> {
    return this.#transaction(() => {
      for (const change of changes) this.#apply(id, change);
    });
  }

  end(id: RootHex, report: string): Promise<void> {
    return this.#transaction(() => this.#put(`end/${id}`, Buffer.from(report)));
  }

  drop(id: RootHex): Promise<void> {
    return this.#transaction(() => {
      for (const prefix of [`item/${id}/`, `chunk/${id}/`]) {
        for (const key of [...this.#values.getKeys(between(prefix))]) this.#values.removeSync(key);
      }
      this.#values.removeSync(`agreement/${id}`);
    });
  }

  items(id: RootHex): readonly string[] {
    const numbered = this.#range(`item/${id}/`).map(({value}) => {
      const whole = text(value);
      const at = whole.indexOf(" ");
      return {number: Number(whole.slice(0, at)), item: whole.slice(at + 1)};
    });
    return numbered.sort((a, b) => a.number - b.number).map(({item}) => item);
  }

  agreement(id: RootHex): string | null {
    return this.#text(`agreement/${id}`);
  }

  chunk(id: RootHex, hash: RootHex): Uint8Array | null {
    return this.#get(`chunk/${id}/${hash}`);
  }

  close(): Promise<void> {
    this.#failure ??= new PleiadesError({code: "DKG_JOURNAL_FAILED", reason: "closed"});
    this.#closing ??= this.#root.close();
    return this.#closing;
  }

  #apply(id: RootHex, change: JournalChange): void {
    switch (change.kind) {
      case "item": {
        const key = `item/${id}/${change.key}`;
        if (this.#get(key) === null) this.#put(key, Buffer.from(`${++this.#sequence} ${change.text}`));
        return;
      }
      case "forget":
        this.#values.removeSync(`item/${id}/${change.key}`);
        return;
      case "agreement":
        this.#put(`agreement/${id}`, Buffer.from(change.text));
        return;
      case "chunk":
        this.#put(`chunk/${id}/${change.hash}`, change.bytes);
    }
  }

  /** Durable when it resolves. */
  async #transaction(body: () => void): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    let failed: unknown = null;
    try {
      const inside = (): void => {
        failed = this.#failure;
        if (failed !== null) return;
        try {
          body();
        } catch (error) {
          // LMDB keeps what was written before: the same as a crash between two writes, which are in their order.
          failed = error;
        }
      };
      await withPromptExit(() => this.#root.transaction(inside));
      if (failed !== null) throw failed;
    } catch (error) {
      // LMDB hangs a second rejection on the first; unheard, it would end the process.
      const second: unknown = (error as {commitError?: unknown} | null)?.commitError;
      if (second instanceof Promise) second.catch(() => undefined);
      this.#failure ??= new PleiadesError({code: "DKG_JOURNAL_FAILED", reason: reasonOf(error)}, {cause: error});
      throw this.#failure;
    }
  }

  async #checkSchema(): Promise<void> {
    const stored = this.#text("schema");
    if (stored === null) await this.#transaction(() => this.#put("schema", Buffer.from(SCHEMA)));
    else if (stored !== SCHEMA) throw new PleiadesError({code: "DKG_JOURNAL_CORRUPT", reason: "another version"});
    for (const {value} of this.#range("item/")) {
      this.#sequence = Math.max(this.#sequence, Number.parseInt(text(value), 10));
    }
  }

  #put(key: string, value: Uint8Array): void {
    const written: unknown = this.#values.putSync(key, seal(this.#key, key, value));
    if (written !== true) throw new Error(`LMDB did not write ${key}`);
  }

  #get(key: string): Uint8Array | null {
    const stored = this.#values.get(key);
    return stored === undefined ? null : opened(this.#key, key, stored);
  }

  #text(key: string): string | null {
    const value = this.#get(key);
    return value === null ? null : text(value);
  }

  #range(prefix: string): {key: string; value: Uint8Array}[] {
    const range = this.#values.getRange(between(prefix));
    return [...range].map(({key, value}) => ({key, value: opened(this.#key, key, value)}));
  }
}

/** "0" is the character after "/", with which every prefix ends. */
const between = (prefix: string) => ({start: prefix, end: `${prefix.slice(0, -1)}0`});

/** Where a meta page says, behind its header: page size, last page in use, transaction. @see lmdb.h, MDB_meta */
const META = {pageBytes: 48, lastPage: 144, transaction: 152, end: 160};

/** LMDB does not write a last page that a transaction took and gave back again; seen are up to six of them. */
const UNWRITTEN_PAGES = 16n;

/**
 * The system ends the process when LMDB reads what is mapped and beyond the file's end. What was never written is filled
 * with zeros: LMDB refuses to take such a page for one of its own, and no value of zeros opens.
 */
function refuseShortFile(file: string): void {
  if (!existsSync(file)) return;
  const descriptor = openSync(file, "r+");
  try {
    const {size} = fstatSync(descriptor);
    if (size === 0) return;
    const metas = [Buffer.alloc(META.end), Buffer.alloc(META.end)] as const;
    readSync(descriptor, metas[0], 0, META.end, 0);
    const pageBytes = metas[0].readUInt32LE(META.pageBytes);
    if (pageBytes === 0 || size < 2 * pageBytes) throw new Error("data.mdb was cut short");
    readSync(descriptor, metas[1], 0, META.end, pageBytes);
    const [first, second] = metas.map((meta) => meta.readBigUInt64LE(META.transaction)) as [bigint, bigint];
    const pages = metas[second > first ? 1 : 0].readBigUInt64LE(META.lastPage) + 1n;
    const missing = pages * BigInt(pageBytes) - BigInt(size);
    if (missing > UNWRITTEN_PAGES * BigInt(pageBytes)) throw new Error("data.mdb was cut short");
    if (missing > 0n) ftruncateSync(descriptor, Number(pages) * pageBytes);
  } finally {
    closeSync(descriptor);
  }
}

function seal(key: Uint8Array, name: string, value: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, {authTagLength: TAG_BYTES});
  cipher.setAAD(Buffer.from(name), {plaintextLength: value.length});
  return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
}

/** @throws DKG_JOURNAL_CORRUPT */
function opened(key: Uint8Array, name: string, stored: Uint8Array): Uint8Array {
  try {
    const end = stored.length - TAG_BYTES;
    const nonce = stored.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv("chacha20-poly1305", key, nonce, {authTagLength: TAG_BYTES});
    decipher.setAAD(Buffer.from(name), {plaintextLength: end - NONCE_BYTES});
    decipher.setAuthTag(stored.subarray(end));
    return Uint8Array.from(Buffer.concat([decipher.update(stored.subarray(NONCE_BYTES, end)), decipher.final()]));
  } catch (cause) {
    throw new PleiadesError({code: "DKG_JOURNAL_CORRUPT", entry: name.slice(0, 100)}, {cause});
  }
}

const text = (value: Uint8Array): string => Buffer.from(value).toString("utf8");
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 200);
