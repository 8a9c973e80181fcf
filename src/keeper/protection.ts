/**
 * `pleiades slashing-protection import|export`: on a keeper's store, also while its operator is running (every decision of
 * the running keeper reads the record again inside the store's write lock).
 */
import type {PubkeyHex, RootHex} from "../core/bytes.js";
import {PleiadesError} from "../core/errors.js";
import {raise} from "../core/slashing/decide.js";
import {formatInterchange, type Interchange, parseInterchange} from "../core/slashing/interchange.js";
import type {SlashingRecord} from "../core/slashing/record.js";
import type {SlashingStore} from "../ports/slashing-store.js";

export interface ImportReport {
  /** Keys whose record rose. */
  readonly raised: readonly PubkeyHex[];
  /** Keys whose record was as high already. */
  readonly unchanged: readonly PubkeyHex[];
  /** Keys of the file that this operator holds no record of; they are skipped, records come only with a share. */
  readonly skipped: readonly PubkeyHex[];
}

/**
 * Raises records by an EIP-3076 file: only upwards, all or nothing.
 * @param genesisValidatorsRoot the chain of this store
 * @param bound the highest epoch that may be recorded, the clock's next one, and its last slot
 * @throws SLASHING_INTERCHANGE · SLASHING_WRONG_CHAIN · SLASHING_BEYOND_CLOCK · SLASHING_STORE_FAILED · CODEC_HEX ·
 *   CODEC_UINT64
 */
export async function importInterchange(
  store: Pick<SlashingStore, "transactAll">,
  text: string,
  {genesisValidatorsRoot, bound}: {genesisValidatorsRoot: RootHex; bound: {epoch: bigint; slot: bigint}},
): Promise<ImportReport> {
  const interchange = parseInterchange(text);
  if (interchange.genesisValidatorsRoot !== genesisValidatorsRoot) {
    throw new PleiadesError({
      code: "SLASHING_WRONG_CHAIN",
      given: interchange.genesisValidatorsRoot,
      pinned: genesisValidatorsRoot,
    });
  }
  for (const [key, record] of interchange.records) refuseBeyond(key, record, bound);
  return store.transactAll((records) => {
    const writes = new Map<PubkeyHex, SlashingRecord>();
    const [unchanged, skipped]: [PubkeyHex[], PubkeyHex[]] = [[], []];
    for (const [key, imported] of interchange.records) {
      const stored = records.get(key);
      if (stored === undefined) skipped.push(key);
      else if (isHigher(imported, stored)) writes.set(key, raise(stored, imported));
      else unchanged.push(key);
    }
    return {writes, result: {raised: [...writes.keys()], unchanged, skipped}};
  });
}

/** Also true for another message at the same height: its root may no longer be repeated. */
function isHigher(imported: SlashingRecord, stored: SlashingRecord): boolean {
  const raised = raise(stored, imported);
  return (
    raised.block?.slot !== stored.block?.slot ||
    raised.block?.signingRoot !== stored.block?.signingRoot ||
    raised.attestation?.source !== stored.attestation?.source ||
    raised.attestation?.target !== stored.attestation?.target ||
    raised.attestation?.signingRoot !== stored.attestation?.signingRoot
  );
}

function refuseBeyond(
  key: PubkeyHex,
  {block, attestation}: SlashingRecord,
  bound: {epoch: bigint; slot: bigint},
): void {
  const beyond = (what: string, value: bigint, limit: bigint): PleiadesError =>
    new PleiadesError({code: "SLASHING_BEYOND_CLOCK", key, what, value: value.toString(), limit: limit.toString()});
  if (block !== null && block.slot > bound.slot) throw beyond("block slot", block.slot, bound.slot);
  if (attestation === null) return;
  if (attestation.source > bound.epoch) throw beyond("source epoch", attestation.source, bound.epoch);
  if (attestation.target > bound.epoch) throw beyond("target epoch", attestation.target, bound.epoch);
}

/**
 * Disables keys for ever, durably, and only then returns their interchange file: from that commit on this operator signs
 * nothing slashable with them, so the file is complete.
 * @param keys "all", or the ones to export
 * @param exportedBy written into the file, so that a merge knows whose records these are
 * @throws SLASHING_UNKNOWN_KEY · SLASHING_STORE_FAILED
 */
export async function exportInterchange(
  store: Pick<SlashingStore, "transactAll">,
  keys: "all" | readonly PubkeyHex[],
  {genesisValidatorsRoot, exportedBy}: Pick<Interchange, "genesisValidatorsRoot" | "exportedBy">,
): Promise<{text: string; keys: readonly PubkeyHex[]}> {
  const records = await store.transactAll((stored) => {
    const writes = new Map<PubkeyHex, SlashingRecord>();
    for (const key of keys === "all" ? stored.keys() : keys) {
      const record = stored.get(key);
      if (record === undefined) throw new PleiadesError({code: "SLASHING_UNKNOWN_KEY", key});
      writes.set(key, {...record, disabled: true});
    }
    return {writes, result: writes};
  });
  return {
    text: formatInterchange({genesisValidatorsRoot, records, exportedBy: exportedBy ?? null}),
    keys: [...records.keys()],
  };
}
