import {asEpoch, asSlot, type RootHex} from "../bytes.js";
import type {SlashingSubject} from "../duty/slashing-subject.js";
import type {ReasonCode} from "../errors.js";
import type {SlashingRecord} from "./record.js";

/** A key that has never signed. Only `pleiades local` and a split that says so start here. */
export const EMPTY_RECORD: SlashingRecord = {block: null, attestation: null, disabled: false};

/**
 * The record of a share that comes without current records: nothing this key may have signed under the clock rules lies
 * above it, so nothing signed from here on can conflict.
 * @param epoch the current epoch; the floor is the end of the next one
 */
export function floorRecord({epoch, slotsPerEpoch}: {epoch: bigint; slotsPerEpoch: number}): SlashingRecord {
  const next = epoch + 1n;
  return {
    block: {slot: asSlot((next + 1n) * BigInt(slotsPerEpoch) - 1n), signingRoot: null},
    attestation: {source: asEpoch(next), target: asEpoch(next), signingRoot: null},
    disabled: false,
  };
}

/** The higher of both in each field. A root survives only where it still belongs to exactly the values it stands beside. */
export function raise(a: SlashingRecord, b: SlashingRecord): SlashingRecord {
  return {
    block: raiseBlock(a.block, b.block),
    attestation: raiseAttestation(a.attestation, b.attestation),
    disabled: a.disabled || b.disabled,
  };
}

function raiseBlock(a: SlashingRecord["block"], b: SlashingRecord["block"]): SlashingRecord["block"] {
  if (a === null || b === null) return a ?? b;
  if (a.slot !== b.slot) return a.slot > b.slot ? a : b;
  // Two different roots at one slot: neither may be repeated.
  return {slot: a.slot, signingRoot: a.signingRoot === b.signingRoot ? a.signingRoot : null};
}

function raiseAttestation(
  a: SlashingRecord["attestation"],
  b: SlashingRecord["attestation"],
): SlashingRecord["attestation"] {
  if (a === null || b === null) return a ?? b;
  const source = a.source > b.source ? a.source : b.source;
  const target = a.target > b.target ? a.target : b.target;
  const candidates = [a, b].filter((one) => one.target === target);
  const [first, second] = candidates;
  const agreed = second === undefined || second.signingRoot === first!.signingRoot ? first!.signingRoot : null;
  const exact = candidates.every((one) => one.source === source);
  return {source, target, signingRoot: exact ? agreed : null};
}

export type SlashingDecision =
  | {readonly answer: "approve" | "repeat"; readonly record: SlashingRecord}
  | {readonly answer: "deny"; readonly code: ReasonCode};

const deny = (code: ReasonCode): SlashingDecision => ({answer: "deny", code});

/**
 * Whether a message may be signed given what was signed before, and the record that then forbids its conflicts.
 * `repeat` is the newest message again, bit for bit: its record stands already. No record is a deny, never an empty one.
 * @see EIP-3076 "Conditions", minimal strategy
 */
export function decideSlashing(
  record: SlashingRecord | undefined,
  subject: SlashingSubject,
  signingRoot: RootHex,
): SlashingDecision {
  if (record === undefined) return deny("SLASHING_NO_RECORD");
  if (record.disabled) return deny("SLASHING_DISABLED");
  if (subject.kind === "block") {
    const {block} = record;
    if (block !== null) {
      if (subject.slot < block.slot) return deny("SLASHING_LOW_BLOCK");
      if (subject.slot === block.slot) {
        return block.signingRoot === signingRoot ? {answer: "repeat", record} : deny("SLASHING_DOUBLE_BLOCK");
      }
    }
    return {answer: "approve", record: {...record, block: {slot: subject.slot, signingRoot}}};
  }
  const {source, target} = subject;
  if (source > target) return deny("SLASHING_SOURCE_AFTER_TARGET");
  const last = record.attestation;
  if (last !== null) {
    if (target < last.target) return deny("SLASHING_LOW_TARGET");
    if (target === last.target) {
      const same = last.signingRoot === signingRoot && last.source === source;
      return same ? {answer: "repeat", record} : deny("SLASHING_DOUBLE_VOTE");
    }
    // With a higher target, a lower source would surround the last vote.
    if (source < last.source) return deny("SLASHING_LOW_SOURCE");
  }
  return {answer: "approve", record: {...record, attestation: {source, target, signingRoot}}};
}
