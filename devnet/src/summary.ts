import type {DevnetStatus} from "./devnet.js";
import {describeFault, liarsOf} from "./faults.js";
import {percentiles} from "./history.js";
import {SLOTS_PER_EPOCH} from "./lodestar.js";
import type {Tally} from "./missed-duties.js";
import {countFailed} from "./screen.js";

export interface Summary {
  /** Finalised and missed nothing. */
  readonly ok: boolean;
  /** Why not. */
  readonly problems: readonly string[];
  readonly slots: number;
  readonly justifiedEpoch: number;
  readonly finalisedEpoch: number;
  /** From epoch 1 on. */
  readonly duties: {readonly blocks: Tally; readonly attestations: Tally; readonly syncMessages: Tally};
  readonly failedRequests: {readonly [what: string]: number};
  readonly signatures: {readonly count: number; readonly p50Ms: number | null; readonly p99Ms: number | null};
  readonly operators: readonly {
    readonly id: number;
    readonly state: string;
    readonly participations: number;
    /** Lies that the signer caught. */
    readonly convictions: number;
  }[];
  readonly faults: readonly string[];
}

// Epoch e finalises e-2 at its first block when everybody votes; one more epoch of grace for the node to say so.
const FINALITY_LAG_EPOCHS = 3;
const FIRST_JUDGED_EPOCH = 5;
// Blocks are looked for two slots later.
const UNJUDGED_SLOTS = 4;

/** What a run came to. */
export function summarise(status: DevnetStatus): Summary {
  const {duties, finality, signer} = status;
  const slots = Math.max(0, status.slot);
  const epoch = Math.floor(slots / SLOTS_PER_EPOCH);
  const problems: string[] = [];
  for (const [what, {missed, due}] of Object.entries({
    blocks: duties.blocks,
    attestations: duties.attestations,
    "sync messages": duties.syncMessages,
  })) {
    if (missed > 0) problems.push(`${missed} of ${due} ${what} missed`);
  }
  const judged = duties.nextSlot - 1;
  if (slots - judged > UNJUDGED_SLOTS) problems.push(`the beacon node told of slots up to ${judged} only`);
  if (status.slashed.length > 0) problems.push(`validators ${status.slashed.join(", ")} were slashed`);
  const failed = countFailed(status.failedRequests);
  if (failed > 0) problems.push(`${failed} signing requests failed`);
  if (epoch >= FIRST_JUDGED_EPOCH && finality.finalised < epoch - FINALITY_LAG_EPOCHS) {
    problems.push(`epoch ${finality.finalised} is the last finalised one in epoch ${epoch}`);
  }
  problems.push(...misjudged(status));
  return {
    ok: problems.length === 0,
    problems,
    slots,
    justifiedEpoch: finality.justified,
    finalisedEpoch: finality.finalised,
    duties: {blocks: duties.blocks, attestations: duties.attestations, syncMessages: duties.syncMessages},
    failedRequests: Object.fromEntries(status.failedRequests),
    signatures: {count: signer?.signed ?? 0, ...percentiles(signer?.durations ?? new Map())},
    operators: (signer?.operators ?? []).map(({id, state, participations, convictions}) => ({
      id,
      state,
      participations,
      convictions,
    })),
    faults: status.faults.map(describeFault),
  };
}

/** Liars that were not caught, and, worse, others that were blamed. */
function misjudged({slot, faults, signer}: DevnetStatus): string[] {
  const lied = liarsOf(faults);
  const over = liarsOf(faults.filter(({toSlot}) => slot >= toSlot));
  return (signer?.operators ?? []).flatMap(({id, convictions}) => {
    if (convictions > 0 && !lied.has(id)) return [`operator ${id} was blamed for a lie it did not tell`];
    return convictions === 0 && over.has(id) ? [`operator ${id} lied and was not caught`] : [];
  });
}
