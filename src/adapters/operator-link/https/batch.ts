import type {PubkeyHex} from "../../../core/bytes.js";
import {BATCH_TYPES} from "../../../core/duty/sign-request.js";
import type {PartialReply, PartialRequest} from "../../../ports/operator-link.js";

/** One request that waits to be sent, and for its answer. */
export interface Waiting {
  readonly request: PartialRequest;
  readonly json: string;
  readonly settle: (outcome: PartialReply | Error) => void;
  /** False once nobody waits for the answer any more. */
  open: boolean;
}

/** What participants of ours take; the draft sets no bound. */
const MAX_BATCH_KEYS = 1024;

/**
 * Requests that came in one turn, as few calls as the profile allows: one for each message, the most urgent first. A key
 * is asked once per call.
 */
export function groupForBatches(waiting: readonly Waiting[]): Waiting[][] {
  const groups: Waiting[][] = [];
  /** By message: the group that still takes keys, and those it has. */
  const open = new Map<string, {readonly group: Waiting[]; readonly keys: Set<PubkeyHex>}>();
  for (const one of [...waiting].sort((a, b) => a.request.priority - b.request.priority)) {
    const {key, request} = one.request;
    const known = BATCH_TYPES.has(request.type) ? open.get(one.json) : undefined;
    if (known !== undefined && known.group.length < MAX_BATCH_KEYS && !known.keys.has(key)) {
      known.group.push(one);
      known.keys.add(key);
    } else {
      const group = [one];
      groups.push(group);
      open.set(one.json, {group, keys: new Set([key])});
    }
  }
  return groups;
}
