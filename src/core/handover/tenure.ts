/**
 * What one share of a key may sign while the key goes from one generation of shares to the next. Pure: a keeper keeps
 * tenures beside its records and decides in the step that writes them. @see docs/adr/0023
 */
import {asEpoch, type Epoch, epochOfSlot, type RootHex} from "../bytes.js";
import type {ReasonCode} from "../errors.js";
import {floorRecord, raise} from "../slashing/decide.js";
import type {SlashingRecord} from "../slashing/record.js";

/** The end of a share's time. */
export interface TenureEnd {
  /** The last epoch whose duties it signs. */
  readonly epoch: Epoch;
  /** The ceremony that ends it. */
  readonly ceremony: RootHex;
  /** `for good` is never taken back, and never moves. `while it runs` ends with the ceremony. */
  readonly binding: "while it runs" | "for good";
}

export interface Tenure {
  /** It signs only duties of later epochs; null: of all. */
  readonly after: Epoch | null;
  /** Others may have signed up to the end of this epoch, so everything counts as signed there. Null: its record knows. */
  readonly floor: Epoch | null;
  /** It signs nothing before enough of those before it have retired. */
  readonly waiting: boolean;
  readonly end: TenureEnd | null;
}

/** Of a share that no handover concerns. */
export const UNBOUNDED: Tenure = {after: null, floor: null, waiting: false, end: null};

const deny = (code: ReasonCode): {readonly answer: "deny"; readonly code: ReasonCode} => ({answer: "deny", code});

export type TenureDecision =
  /** `next`: what the tenure is from then on; null: as before. */
  {readonly answer: "approve"; readonly next: Tenure | null} | {readonly answer: "deny"; readonly code: ReasonCode};

/**
 * Whether this share may sign a message at all.
 * @param epoch of the duty; null for messages that belong to no epoch
 * @param now the current epoch; null without a clock
 */
export function decideTenure(
  {after, waiting, end, ...rest}: Tenure,
  {epoch, now}: {epoch: bigint | null; now: bigint | null},
): TenureDecision {
  if (waiting) return deny("KEEPER_HANDOVER_WAITING");
  if (after !== null && (epoch ?? now ?? 0n) <= after) return deny("KEEPER_HANDOVER_NOT_YET");
  if (end === null) return {answer: "approve", next: null};
  // What belongs to no epoch is the old share's until its time is over.
  const asked = epoch ?? (end.binding === "for good" ? now : null);
  if (asked === null || asked <= end.epoch) return {answer: "approve", next: null};
  if (end.binding === "for good" || now === null || now <= end.epoch) return deny("KEEPER_HANDOVER_PAST");
  // The epoch has come and the ceremony has not ended it: the validator is not left unsigned for.
  return {answer: "approve", next: {...rest, after, waiting, end: null}};
}

/** What a decision on a slashable message is made on. */
export function effectiveRecord(
  {floor}: Tenure,
  record: SlashingRecord | undefined,
  slotsPerEpoch: number,
): SlashingRecord | undefined {
  if (record === undefined || floor === null) return record;
  return raise(record, endOfEpoch(floor, slotsPerEpoch));
}

/** As if everything up to the end of an epoch had been signed. */
export const endOfEpoch = (epoch: bigint, slotsPerEpoch: number): SlashingRecord =>
  floorRecord({epoch: epoch - 1n, slotsPerEpoch});

/** The last epoch that a record speaks of; null: of none. */
export function lastEpoch({block, attestation}: SlashingRecord, slotsPerEpoch: number): Epoch | null {
  const epochs = [
    ...(attestation === null ? [] : [attestation.source, attestation.target]),
    ...(block === null ? [] : [epochOfSlot(block.slot, slotsPerEpoch)]),
  ];
  return epochs.length === 0 ? null : epochs.reduce((a, b) => (a > b ? a : b));
}

export type TenureChange =
  | {readonly answer: "change"; readonly tenure: Tenure}
  | {readonly answer: "deny"; readonly code: ReasonCode};

/** A ceremony begins that is to end this share's time after `epoch`. Again: the same. */
export function bindTenure(
  tenure: Tenure,
  {ceremony, epoch, now}: {ceremony: RootHex; epoch: bigint; now: bigint},
): TenureChange {
  const {after, waiting, end} = tenure;
  if (waiting) return deny("KEEPER_HANDOVER_WAITING");
  if (after !== null && epoch <= after) return deny("KEEPER_HANDOVER_UNDER_WAY");
  if (end !== null && end.ceremony !== ceremony) {
    if (end.binding === "for good") return deny("KEEPER_HANDOVER_OTHER");
    if (now <= end.epoch) return deny("KEEPER_HANDOVER_UNDER_WAY");
  }
  if (end !== null && end.ceremony === ceremony) return {answer: "change", tenure};
  return {answer: "change", tenure: {...tenure, end: {epoch: asEpoch(epoch), ceremony, binding: "while it runs"}}};
}

/** The ceremony came to nothing: this share goes on. */
export function releaseTenure(tenure: Tenure, ceremony: RootHex): Tenure {
  const {end} = tenure;
  return end !== null && end.ceremony === ceremony && end.binding === "while it runs" ? {...tenure, end: null} : tenure;
}

/**
 * Ends a share's time for good: once, for one ceremony. Whoever could retire for two would let two committees follow.
 * Who has signed beyond the agreed epoch meanwhile retires after what it has signed, and its successors begin there.
 */
export function retireTenure(
  tenure: Tenure,
  {ceremony, epoch, last}: {ceremony: RootHex; epoch: bigint; last: bigint | null},
): TenureChange {
  const {after, waiting, end} = tenure;
  if (waiting) return deny("KEEPER_HANDOVER_WAITING");
  if (end !== null && end.binding === "for good") {
    return end.ceremony === ceremony ? {answer: "change", tenure} : deny("KEEPER_HANDOVER_OTHER");
  }
  // Not before its own time began: until then those before it signed.
  const at = [last ?? 0n, after ?? 0n].reduce((a, b) => (a > b ? a : b), epoch);
  return {answer: "change", tenure: {...tenure, end: {epoch: asEpoch(at), ceremony, binding: "for good"}}};
}

/** A successor's tenure before the retirements are there. */
export const waitingTenure = (epoch: bigint): Tenure => ({
  after: asEpoch(epoch),
  floor: asEpoch(epoch),
  waiting: true,
  end: null,
});

/** A refreshed share: its operator's own record, on the same floor, stands for both generations. */
export const refreshedTenure = (epoch: bigint, {floor}: Pick<Tenure, "floor">): Tenure => ({
  after: asEpoch(epoch),
  floor,
  waiting: false,
  end: null,
});

/**
 * The successor's time begins after the last of those retirements that it takes.
 * @param epochs of checked retirements by different old operators @param needed the old threshold
 */
export function succeed(tenure: Tenure, {epochs, needed}: {epochs: readonly bigint[]; needed: number}): TenureChange {
  if (!tenure.waiting) return {answer: "change", tenure};
  if (epochs.length < needed) return deny("KEEPER_HANDOVER_RETIREMENTS");
  // The lowest that are enough: an old operator that lies about its epoch can only be passed over.
  const taken = [...epochs].sort((a, b) => (a < b ? -1 : 1)).slice(0, needed);
  const last = [tenure.after ?? 0n, ...taken].reduce((a, b) => (a > b ? a : b));
  return {answer: "change", tenure: {...tenure, after: asEpoch(last), floor: asEpoch(last), waiting: false}};
}

/** Duties of the last epoch are signed late; an epoch after that nobody includes them any more. */
const LATE_EPOCHS = 1n;

/** Whether a share is of no use any more, so that it had better be gone. */
export const isOver = ({end}: Tenure, now: bigint | null): boolean =>
  end !== null && end.binding === "for good" && now !== null && now > end.epoch + LATE_EPOCHS;
