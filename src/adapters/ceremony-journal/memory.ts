import type {RootHex} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {CeremonyJournal, JournalChange, JournaledCeremony} from "../../ports/ceremony-journal.js";

interface Kept {
  definition: string;
  end: string | null;
  readonly items: Map<string, string>;
  readonly chunks: Map<RootHex, Uint8Array>;
  agreement: string | null;
}

/** The journal's in-memory twin; what it holds outlives `close` in the disk that it was given. */
export class MemoryCeremonyJournal implements CeremonyJournal {
  readonly #disk: MemoryJournalDisk;
  #failure: PleiadesError | null = null;

  constructor(disk = new MemoryJournalDisk()) {
    this.#disk = disk;
  }

  ceremonies(): readonly JournaledCeremony[] {
    return [...this.#disk.kept].map(([id, {definition, end}]) => ({id, definition, end}));
  }

  async begin(id: RootHex, definition: string): Promise<void> {
    await this.#write(() => {
      if (this.#disk.kept.has(id)) return;
      this.#disk.kept.set(id, {definition, end: null, items: new Map(), chunks: new Map(), agreement: null});
    });
  }

  async redefine(id: RootHex, definition: string): Promise<void> {
    await this.#write(() => {
      this.#kept(id).definition = definition;
    });
  }

  async write(id: RootHex, changes: readonly JournalChange[]): Promise<void> {
    await this.#write(() => {
      const kept = this.#kept(id);
      for (const change of changes) {
        if (change.kind === "item" && !kept.items.has(change.key)) kept.items.set(change.key, change.text);
        if (change.kind === "forget") kept.items.delete(change.key);
        if (change.kind === "agreement") kept.agreement = change.text;
        if (change.kind === "chunk") kept.chunks.set(change.hash, Uint8Array.from(change.bytes));
      }
    });
  }

  async end(id: RootHex, report: string): Promise<void> {
    await this.#write(() => {
      this.#kept(id).end = report;
    });
  }

  async drop(id: RootHex): Promise<void> {
    await this.#write(() => {
      const kept = this.#kept(id);
      kept.items.clear();
      kept.chunks.clear();
      kept.agreement = null;
    });
  }

  items(id: RootHex): readonly string[] {
    return [...(this.#disk.kept.get(id)?.items.values() ?? [])];
  }
  agreement(id: RootHex): string | null {
    return this.#disk.kept.get(id)?.agreement ?? null;
  }
  chunk(id: RootHex, hash: RootHex): Uint8Array | null {
    return this.#disk.kept.get(id)?.chunks.get(hash) ?? null;
  }

  async close(): Promise<void> {
    this.#failure ??= new PleiadesError({code: "DKG_JOURNAL_FAILED", reason: "closed"});
  }

  /** As a disk does: a turn later, or not at all. */
  async #write(change: () => void): Promise<void> {
    await new Promise(setImmediate);
    if (this.#failure === null && this.#disk.full) {
      this.#failure = new PleiadesError({code: "DKG_JOURNAL_FAILED", reason: "ENOSPC"});
    }
    if (this.#failure !== null) throw this.#failure;
    change();
  }

  #kept(id: RootHex): Kept {
    const kept = this.#disk.kept.get(id);
    if (kept === undefined) throw new PleiadesError({code: "DKG_JOURNAL_FAILED", reason: "no such ceremony"});
    return kept;
  }
}

export class MemoryJournalDisk {
  readonly kept = new Map<RootHex, Kept>();
  /** True: every write fails. */
  full = false;
}
