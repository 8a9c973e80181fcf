import type {PubkeyHex} from "../../core/bytes.js";
import {currentEpoch, type Network, startSlot} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import {parseInterchange} from "../../core/slashing/interchange.js";
import type {SlashingRecord} from "../../core/slashing/record.js";
import {readText} from "../files.js";

export interface InterchangeRecords {
  readonly records: ReadonlyMap<PubkeyHex, SlashingRecord>;
  /** Keys the file says nothing about: the operators start them at the floor. */
  readonly missing: readonly PubkeyHex[];
}

/**
 * The records of the keys that are split, out of the former client's EIP-3076 file. A record beyond the next epoch is
 * refused: it would stop the validator until then, perhaps for ever.
 * @throws CLI_FILE · SLASHING_INTERCHANGE · SPLIT_WRONG_CHAIN · SLASHING_BEYOND_CLOCK
 */
export async function recordsFromInterchange(
  file: string,
  {network, keys, nowMs}: {network: Network; keys: readonly PubkeyHex[]; nowMs: number},
): Promise<InterchangeRecords> {
  const interchange = parseInterchange(await readText(file));
  if (interchange.genesisValidatorsRoot !== network.genesisValidatorsRoot) {
    throw new PleiadesError({
      code: "SPLIT_WRONG_CHAIN",
      file,
      theirs: interchange.genesisValidatorsRoot,
      network: network.genesisValidatorsRoot,
    });
  }
  const records = new Map<PubkeyHex, SlashingRecord>();
  const missing: PubkeyHex[] = [];
  for (const key of keys) {
    const record = interchange.records.get(key);
    if (record === undefined) missing.push(key);
    else records.set(key, withinClock(record, key, network, nowMs));
  }
  return {records, missing};
}

function withinClock(record: SlashingRecord, key: PubkeyHex, network: Network, nowMs: number): SlashingRecord {
  const now = currentEpoch(network, nowMs);
  if (now === null) return record;
  const {block, attestation} = record;
  const beyond =
    (attestation !== null && (attestation.target > now + 1n || attestation.source > now + 1n)) ||
    (block !== null && block.slot >= startSlot(network.preset, now + 2n));
  if (beyond) {
    throw new PleiadesError({
      code: "SLASHING_BEYOND_CLOCK",
      key,
      slot: block?.slot.toString(),
      target: attestation?.target.toString(),
      currentEpoch: now.toString(),
    });
  }
  return record;
}
