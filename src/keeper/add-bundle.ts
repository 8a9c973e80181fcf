import {type PubkeyHex, parseShareIndex} from "../core/bytes.js";
import type {Committee} from "../core/committee/committee.js";
import {currentEpoch, type Network} from "../core/duty/network.js";
import {PleiadesError} from "../core/errors.js";
import {EMPTY_RECORD, floorRecord, raise} from "../core/slashing/decide.js";
import type {SlashingRecord} from "../core/slashing/record.js";
import {openShareBundle, readBundleEnvelope, type ShareBundleContent} from "./bundle.js";
import type {ShareStore, StoredShare} from "./share-store.js";

/**
 * How long the records in a bundle count as current. Later an operator with an emptied folder could find its old, low
 * record in it and sign again what it signed before. @see docs/adr/0006
 */
export const FRESH_BUNDLE_MS = 60 * 60 * 1000;
/** Clocks of the machine that split and of this one may differ by so much. */
const CLOCK_TOLERANCE_MS = 60 * 1000;

export interface AddBundleContext {
  readonly committees: readonly Committee[];
  readonly network: Network;
  readonly nowMs: number;
  readonly startEmpty: boolean;
  /** When this store's records were raised to the floor for the last time (unix milliseconds), or null. */
  readonly flooredAt: number | null;
  readonly password: string;
  /** True when the secret belongs to the share public key. */
  readonly ownsKey: (secret: Uint8Array, sharePublicKey: PubkeyHex) => boolean;
  /** Waited for between shares, so that a running keeper signs meanwhile. */
  readonly pause?: () => Promise<void>;
}

/**
 * Adds a share bundle: every share checked against its committee file, share and first record in one commit.
 * @returns how many shares were added; 0 when the bundle was added before
 * @throws KEEPER_BUNDLE · KEEPER_WRONG_PASSWORD · KEEPER_BUNDLE_COMMITTEE · KEEPER_SHARE_MISMATCH · KEEPER_SECOND_SHARE ·
 *   KEEPER_CLOCK_REQUIRED · SLASHING_STORE_FAILED
 */
export async function addBundle(store: ShareStore, text: string, context: AddBundleContext): Promise<number> {
  const {bundleId} = readBundleEnvelope(text);
  if (store.has(bundleId)) return 0;
  const content = await openShareBundle(text, context.password);
  const shares: {share: StoredShare; record: SlashingRecord}[] = [];
  for (const {groupPublicKey, secret} of content.shares) {
    await context.pause?.();
    const share = locate(content, groupPublicKey, context);
    if (!context.ownsKey(secret.reveal(), share.sharePublicKey)) {
      throw new PleiadesError({code: "KEEPER_SHARE_MISMATCH", key: groupPublicKey, index: share.index});
    }
    const {index, committeeHash} = share;
    const stored: StoredShare = {groupPublicKey, index, committeeHash, secret};
    shares.push({share: stored, record: firstRecord(content, groupPublicKey, context)});
  }
  await store.add(bundleId, shares);
  return shares.length;
}

function locate(
  {operatorId}: ShareBundleContent,
  key: PubkeyHex,
  {committees}: AddBundleContext,
): Pick<StoredShare, "index" | "committeeHash"> & {sharePublicKey: PubkeyHex} {
  for (const {operators, validators} of committees) {
    const validator = validators.find(({groupPublicKey}) => groupPublicKey === key);
    const position = operators.findIndex(({id}) => id === operatorId);
    const sharePublicKey = validator?.sharePublicKeys[position];
    if (validator !== undefined && sharePublicKey !== undefined) {
      // Ids are 1…n in order, so an operator's id is the index of its share.
      const {committeeHash} = validator;
      return {index: parseShareIndex(operatorId), committeeHash, sharePublicKey};
    }
  }
  throw new PleiadesError({code: "KEEPER_BUNDLE_COMMITTEE", key, operatorId});
}

function firstRecord(
  {records, createdAt}: ShareBundleContent,
  key: PubkeyHex,
  {network, nowMs, startEmpty, flooredAt}: AddBundleContext,
): SlashingRecord {
  // What this operator forgot when it went to the floor may have been signed with these very shares.
  const forgotten = flooredAt !== null && createdAt <= flooredAt;
  // Even `local` may not forget what a bundle says, or says that nobody knows.
  if (startEmpty && !forgotten && records === "never-signed") return EMPTY_RECORD;
  const epoch = currentEpoch(network, nowMs);
  if (epoch === null) throw new PleiadesError({code: "KEEPER_CLOCK_REQUIRED"});
  const floor = floorRecord({epoch, slotsPerEpoch: network.preset.slotsPerEpoch});
  const age = nowMs - createdAt;
  const fresh = !forgotten && age <= FRESH_BUNDLE_MS && age >= -CLOCK_TOLERANCE_MS;
  if (records === "floor") return floor;
  if (records === "never-signed") return fresh ? EMPTY_RECORD : floor;
  const known = records.get(key);
  if (known === undefined) return floor;
  return fresh ? known : raise(known, floor);
}

/**
 * The first record of a key that a ceremony made here: it has signed nothing, unless this store is a copy from before
 * it was activated; that is found out as for a bundle.
 * @param bornAt when the ceremony began here (unix milliseconds) @throws KEEPER_CLOCK_REQUIRED
 */
export function recordOfNewKey(
  bornAt: number,
  {network, nowMs, flooredAt}: Pick<AddBundleContext, "network" | "nowMs" | "flooredAt">,
): SlashingRecord {
  const forgotten = flooredAt !== null && bornAt <= flooredAt;
  const epoch = currentEpoch(network, nowMs);
  const age = nowMs - bornAt;
  const late = epoch !== null && (age > FRESH_BUNDLE_MS || age < -CLOCK_TOLERANCE_MS);
  if (!forgotten && !late) return EMPTY_RECORD;
  if (epoch === null) throw new PleiadesError({code: "KEEPER_CLOCK_REQUIRED"});
  return floorRecord({epoch, slotsPerEpoch: network.preset.slotsPerEpoch});
}
