import type {PubkeyHex, RootHex} from "../core/bytes.js";
import type {PleiadesError} from "../core/errors.js";
import type {PartialReply, PartialRequest, Watermark} from "./operator-link.js";

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
}

/**
 * The operator process's view of the process that holds shares, guard and records. Everything is decided on the other
 * side; this side is not trusted by it. `sign` never rejects: a keeper that is gone answers with a refusal.
 */
export interface Keeper {
  /** Resolves when the keeper has ended without being closed (KEEPER_GONE): from then on this operator is of no use. */
  readonly ended: Promise<PleiadesError>;
  sign(request: PartialRequest): Promise<PartialReply>;
  keys(): Promise<readonly KeeperKey[]>;
  watermarks(): Promise<readonly Watermark[]>;
  status(): Promise<KeeperStatus>;
  close(): Promise<void>;
}
