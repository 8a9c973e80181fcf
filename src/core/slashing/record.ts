import type {Epoch, RootHex, Slot} from "../bytes.js";

/**
 * What one operator has signed before with one group public key: the minimal strategy of EIP-3076, watermarks that only
 * rise. A root is kept for the newest message of each kind, so that an exact repeat can be told from a conflict.
 */
export interface SlashingRecord {
  /** Highest signed (or imported) block slot; null: none yet. */
  readonly block: {readonly slot: Slot; readonly signingRoot: RootHex | null} | null;
  /**
   * `source` and `target` are each the highest ever seen and may come from different attestations after an import.
   * `signingRoot` belongs to the attestation with exactly this source and target, else null.
   */
  readonly attestation: {readonly source: Epoch; readonly target: Epoch; readonly signingRoot: RootHex | null} | null;
  /** Set by an export, never cleared: the key signs elsewhere now. */
  readonly disabled: boolean;
}
