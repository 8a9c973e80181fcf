import type {PubkeyHex, RootHex} from "../core/bytes.js";
import type {PleiadesError, ReasonCode} from "../core/errors.js";
import type {Sighting} from "../core/slashing/sighting.js";
import type {CeremonyVault} from "./ceremony-vault.js";
import type {PartialReply, PartialRequest, Watermark} from "./operator-link.js";
import type {ShareRepair} from "./share-repair.js";

export interface KeeperKey {
  readonly groupPublicKey: PubkeyHex;
  readonly committeeHash: RootHex;
  /** True after an export: this key never signs slashable messages here again. */
  readonly disabled: boolean;
}

export interface KeeperStatus {
  readonly pid: number;
  /** False after a failed commit or an exited keeper: nothing is signed until a restart; `code` says why. */
  readonly signing: boolean;
  readonly code: string | null;
  readonly keys: number;
  readonly queued: number;
  /** Of the record store: counts what was recorded, and never falls unless the store is replaced by an older one. */
  readonly sequence: bigint;
  /** When all records were raised to the floor, because they had been found to be old (unix milliseconds), or null. */
  readonly flooredAt: number | null;
}

/** What a keeper reads again while it runs; paths. */
export interface KeeperFiles {
  readonly committeeFiles: readonly string[];
  /** Share bundles; those added before are skipped. */
  readonly bundleFiles: readonly string[];
}

export interface KeeperReload {
  /** Keys it signs with now. */
  readonly keys: number;
  /** Shares that were added. */
  readonly added: number;
  /** One per file that could not be used, in words. */
  readonly errors: readonly string[];
}

/**
 * The operator process's view of the process that holds shares, guard and records. Everything is decided on the other
 * side; this side is not trusted by it. `sign` never rejects: a keeper that is gone answers with a refusal.
 */
export interface Keeper {
  /** Resolves when the keeper has ended without being closed (KEEPER_GONE): from then on this operator is of no use. */
  readonly ended: Promise<PleiadesError>;
  /** Of key ceremonies; its calls throw KEEPER_GONE too. */
  readonly vault: CeremonyVault;
  /** Of lost shares; likewise. */
  readonly repair: ShareRepair;
  sign(request: PartialRequest): Promise<PartialReply>;
  keys(): Promise<readonly KeeperKey[]>;
  watermarks(): Promise<readonly Watermark[]>;
  status(): Promise<KeeperStatus>;
  /** The newest sighting it made: covers everything behind the answers given out so far. Null without a share. */
  sighting(): Sighting | null;
  /** Why it signs nothing any more, as far as it has said; null while it signs. */
  stopCode(): ReasonCode | null;
  /**
   * Shows it what peers remember of this operator; what is not authentic it ignores. Once this has resolved, everything
   * that follows from it holds for every request. @throws KEEPER_GONE · SLASHING_STORE_FAILED
   */
  judge(sightings: readonly Sighting[]): Promise<void>;
  /**
   * Reads committee files again and adds new bundles, while it signs. When this has resolved, the new shares are durable
   * and signed with, and a share whose committee file is gone rests. A file that cannot be used takes nothing else down.
   * @throws KEEPER_GONE · SLASHING_STORE_FAILED
   */
  reload(files: KeeperFiles): Promise<KeeperReload>;
  close(): Promise<void>;
}
