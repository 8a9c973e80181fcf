import {LIES, type Lie} from "./lies.js";

/** Faults that a devnet run puts on its operators between two slots. */
export type Fault = OperatorFault | SignerFault;
type Slots = {readonly fromSlot: number; readonly toSlot: number};
export type OperatorFault = Slots & {readonly operatorId: number} & (
    | {readonly kind: "crash"}
    | {readonly kind: "slow"; readonly delayMs: number}
    | {readonly kind: "lie"; readonly how: Lie | "all"}
  );
/** Killed in the middle of its first slot, and started again. */
export type SignerFault = Slots & {readonly kind: "signer-crash"; readonly signerId: number};

/** Bad command line; the message says what is wrong and what is right. */
export class UsageError extends Error {
  override name = "UsageError";
}

const GRAMMAR =
  "crash:OPERATOR@FROM-TO, slow:OPERATOR:DELAY@FROM-TO or lie:OPERATOR[:KIND]@FROM-TO, for example crash:3@20-28, slow:2:800ms@30-38 or lie:4@40-48";
const MAX_DELAY_MS = 60_000; // longer than any deadline of the signer, so indistinguishable from a crash

/**
 * Reads one `--fault`. FROM is the first slot of the fault, TO the slot at whose start it ends.
 * @throws UsageError
 */
export function parseFault(text: string, {operators, signers = 1}: {operators: number; signers?: number}): Fault {
  const bad = (why: string): never => {
    throw new UsageError(`--fault ${text}: ${why}`);
  };
  const [what = "", when = "", ...more] = text.split("@");
  const [kind, id = "", detail, ...rest] = what.split(":");
  if (kind !== "crash" && kind !== "slow" && kind !== "lie") bad(`"${kind}" is not a fault; write ${GRAMMAR}`);
  if (more.length > 0 || rest.length > 0 || when === "") bad(`write ${GRAMMAR}`);
  const slots = /^(\d{1,9})-(\d{1,9})$/.exec(when);
  const signer = /^signer([1-9])$/.exec(id)?.[1];
  if (signer !== undefined) {
    const signerId = Number(signer);
    if (kind !== "crash" || detail !== undefined) bad("a signer can only crash");
    if (signers < 2) bad("with one signer nobody would be left to sign; use --signers 2");
    if (signerId > signers) bad(`there is no signer ${signerId}; they are 1 to ${signers}`);
    return {kind: "signer-crash", signerId, ...rangeOf(slots, when, bad)};
  }
  if (!/^[1-9]\d?$/.test(id) || Number(id) > operators) bad(`"${id}" is not an operator; they are 1 to ${operators}`);
  const range = {operatorId: Number(id), ...rangeOf(slots, when, bad)};
  if (kind === "crash") {
    if (detail !== undefined) bad(`crash takes no delay; write crash:${id}@${when}`);
    return {kind, ...range};
  }
  if (kind === "lie") {
    const how = [...LIES, "all" as const].find((lie) => lie === (detail ?? "all"));
    if (how === undefined) return bad(`"${detail}" is not a lie; there are ${LIES.join(", ")}, and all in turn`);
    return {kind, how, ...range};
  }
  const delayMs = parseDelay(detail ?? "");
  if (delayMs === null) return bad(`"${detail ?? ""}" is not a delay; write for example 800ms or 1.5s`);
  if (delayMs < 1 || delayMs > MAX_DELAY_MS) bad(`the delay must be between 1ms and ${MAX_DELAY_MS / 1000}s`);
  return {kind: "slow", delayMs, ...range};
}

function rangeOf(slots: RegExpExecArray | null, when: string, bad: (why: string) => never): Slots {
  if (slots === null) return bad(`"${when}" is not a range of slots; write FROM-TO, for example 20-28`);
  const [fromSlot, toSlot] = [Number(slots[1]), Number(slots[2])];
  if (fromSlot >= toSlot) bad(`the fault ends at slot ${toSlot}, which must be after ${fromSlot}`);
  return {fromSlot, toSlot};
}

/** Reads all of them and refuses two at once on one operator. @throws UsageError */
export function parseFaults(texts: readonly string[], limits: {operators: number; signers?: number}): readonly Fault[] {
  const faults = texts.map((text) => parseFault(text, limits));
  for (const [i, a] of faults.entries()) {
    for (const b of faults.slice(i + 1)) {
      if (victimOf(a) === victimOf(b) && a.fromSlot < b.toSlot && b.fromSlot < a.toSlot) {
        throw new UsageError(`--fault: ${describeFault(a)} and ${describeFault(b)} overlap`);
      }
    }
  }
  return faults;
}

export function describeFault(fault: Fault): string {
  return `${victimOf(fault)} ${whatOf(fault)}, slots ${fault.fromSlot}-${fault.toSlot}`;
}

const victimOf = (fault: Fault): string =>
  fault.kind === "signer-crash" ? `signer ${fault.signerId}` : `operator ${fault.operatorId}`;

/** The operators that are to lie at some time. */
export const liarsOf = (faults: readonly Fault[]): ReadonlySet<number> =>
  new Set(faults.flatMap((fault) => (fault.kind === "lie" ? [fault.operatorId] : [])));

function whatOf(fault: Fault): string {
  if (fault.kind === "crash") return "crash";
  if (fault.kind === "signer-crash") return "killed in mid-slot";
  if (fault.kind === "slow") return `slow by ${fault.delayMs} ms`;
  return fault.how === "all" ? "lie" : `lie (${fault.how})`;
}

function parseDelay(text: string): number | null {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s)$/.exec(text);
  return match === null ? null : Number(match[1]) * (match[2] === "s" ? 1000 : 1);
}
