import type {RootHex} from "../core/bytes.js";

/** What is to be durable before anything that follows from it is said. */
export type JournalChange =
  | {readonly kind: "item"; readonly key: string; readonly text: string}
  | {readonly kind: "forget"; readonly key: string}
  /** In place of the one before. */
  | {readonly kind: "agreement"; readonly text: string}
  | {readonly kind: "chunk"; readonly hash: RootHex; readonly bytes: Uint8Array};

export interface JournaledCeremony {
  readonly id: RootHex;
  /** The signed definition's text. */
  readonly definition: string;
  /** What it ended with, as JSON; null while it goes on. */
  readonly end: string | null;
}

/**
 * What a node has heard and said in its ceremonies; nothing secret. Writes resolve once they are durable; of one
 * that fails a first part may be there. After it none is taken any more, for what is on the disk is then not known. Twin: in memory.
 * @throws DKG_JOURNAL_FAILED for a write · DKG_JOURNAL_CORRUPT for a read
 */
export interface CeremonyJournal {
  ceremonies(): readonly JournaledCeremony[];
  /** Remembers a ceremony; one that is there stays as it is. */
  begin(id: RootHex, definition: string): Promise<void>;
  /** The definition's text from now on: more have signed it. */
  redefine(id: RootHex, definition: string): Promise<void>;
  write(id: RootHex, changes: readonly JournalChange[]): Promise<void>;
  end(id: RootHex, report: string): Promise<void>;
  /** Drops what was heard and said in a ceremony; its definition and its end stay. */
  drop(id: RootHex): Promise<void>;
  /** Texts in the order in which they were first written. */
  items(id: RootHex): readonly string[];
  agreement(id: RootHex): string | null;
  chunk(id: RootHex, hash: RootHex): Uint8Array | null;
  /** Waits for writes under way; idempotent. */
  close(): Promise<void>;
}
