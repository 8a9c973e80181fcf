import type {DevnetStatus} from "./devnet.js";
import {describeFault} from "./faults.js";
import type {Rates} from "./history.js";
import {FORKS, SLOTS_PER_EPOCH} from "./lodestar.js";
import type {Tally} from "./missed-duties.js";
import type {OperatorNow} from "./signer.js";

export interface View {
  readonly status: DevnetStatus;
  readonly rates: Rates;
  /** Newest last. */
  readonly events: readonly string[];
}

const ms = (value: number | null): string =>
  value === null ? "-" : value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
const percent = (share: number | null | undefined): string => (share == null ? "-" : `${Math.round(100 * share)} %`);
const tally = ({due, missed}: Tally): string => `${missed} of ${due}`;

export function forkAt(epoch: number): string {
  return FORKS.findLast((fork) => fork.epoch <= epoch)?.name ?? "phase0";
}

/** Requests that got no signature, all kinds together. */
export const countFailed = (failed: ReadonlyMap<string, number>): number =>
  [...failed.values()].reduce((sum, count) => sum + count, 0);

/** One line that says everything, for logs. */
export function statusLine({status, rates}: View): string {
  const {slot, finality, duties, signer} = status;
  if (slot < 0) return `genesis in ${-slot * status.slotSeconds} s`;
  const epoch = Math.floor(slot / SLOTS_PER_EPOCH);
  const operators = signer?.operators.map((one) => `${one.id}:${stateOf(one)}`).join(" ") ?? "";
  return [
    `slot ${slot} epoch ${epoch} ${forkAt(epoch)}`,
    `justified ${finality.justified} finalised ${finality.finalised}`,
    `operators ${operators}`,
    `${rates.signaturesPerSecond.toFixed(1)} signatures/s p50 ${ms(rates.p50Ms)} p99 ${ms(rates.p99Ms)}`,
    `missed blocks ${tally(duties.blocks)} attestations ${tally(duties.attestations)} sync ${tally(duties.syncMessages)}`,
    `failed requests ${countFailed(status.failedRequests)}`,
  ].join(" | ");
}

/** The whole picture as lines of text without control characters, at most `rows` of them. */
export function render(view: View, {columns, rows}: {columns: number; rows: number}): string[] {
  const {status, rates, events} = view;
  const {slot, headSlot, finality, duties, signer, threshold} = status;
  const epoch = Math.floor(slot / SLOTS_PER_EPOCH);
  const operators = signer?.operators ?? [];
  const failed = [...status.failedRequests];
  const lines = [
    `Pleiades devnet: ${operators.length} operators, ${threshold} sign. Lodestar 1.5.1, 8 validators, ${status.url}. Ctrl-C ends it.`,
    "",
    slot < 0
      ? `genesis in ${-slot * status.slotSeconds} s`
      : `slot ${slot}   epoch ${epoch} (${forkAt(epoch)})   head ${headSlot}   justified ${finality.justified}   finalised ${finality.finalised}`,
    `signatures  ${signer?.signed ?? 0} in all   ${rates.signaturesPerSecond.toFixed(1)}/s   p50 ${ms(rates.p50Ms)}   p99 ${ms(rates.p99Ms)}`,
    `missed      blocks ${tally(duties.blocks)}   attestations ${tally(duties.attestations)}   sync messages ${tally(duties.syncMessages)}   (from epoch 1 on)`,
    `failed      ${failed.length === 0 ? "no request" : failed.map(([what, count]) => `${what}: ${count}`).join(", ")}`,
    "",
    row("operator", "state", "process", "takes part", "answers in", "last fault"),
    ...operators.map((one) => {
      const fault = status.faults.findLast(
        (candidate) => candidate.kind !== "signer-crash" && candidate.operatorId === one.id,
      );
      return row(
        String(one.id),
        stateOf(one),
        one.pid === null ? "-" : String(one.pid),
        percent(rates.participation.get(one.id)),
        ms(rates.answerMs.get(one.id) ?? null),
        fault === undefined ? "-" : describeFault(fault).replace(/^operator \d+ /, ""),
      );
    }),
    "",
  ];
  const room = Math.max(0, rows - lines.length - 1);
  const shown = room === 0 ? [] : events.slice(-room);
  return [...lines, ...shown].slice(0, Math.max(1, rows - 1)).map((line) => line.slice(0, Math.max(1, columns - 1)));
}

const WIDTHS = [9, 12, 9, 12, 12];

function row(...cells: string[]): string {
  return cells.map((cell, i) => cell.padEnd(WIDTHS[i] ?? 0)).join("");
}

/** A convict stays one: the signer asks it last until it is started anew. */
function stateOf({state, delayMs, lying, convictions}: OperatorNow): string {
  if (state !== "up") return state;
  if (lying) return "lying";
  if (delayMs > 0) return "slow";
  return convictions > 0 ? "convicted" : state;
}
