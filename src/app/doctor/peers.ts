import {judgeClocks} from "../../committee/operator-watch.js";
import type {Committee, CommitteeOperator} from "../../core/committee/committee.js";
import type {Network} from "../../core/duty/network.js";
import {codeOf, PleiadesError, type ReasonCode} from "../../core/errors.js";
import {REASONS} from "../../core/reasons/index.js";
import type {Clock} from "../../ports/clock.js";
import type {OperatorLink, PartialRequest, PeerStatus} from "../../ports/operator-link.js";
import {plural} from "../cli/plural.js";
import {type Finding, fail, failed, ok, warn} from "./finding.js";
import {probeFor, probeProblem} from "./probe.js";

/** What was seen of one operator of one committee; a row of the doctor's table. */
export interface OperatorReport {
  readonly committee: number;
  readonly operatorId: number;
  readonly peerId: string;
  readonly reachable: boolean;
  readonly software: string | null;
  /** Median time from a probe to its answer. */
  readonly latencyMs: number | null;
  /** Its clock minus this machine's. */
  readonly clockOffsetMs: number | null;
  /** Keys of the committee the operator would sign for. */
  readonly keysReady: number;
  readonly keys: number;
}

export interface PeerModules {
  readonly link: Pick<OperatorLink, "requestPartial" | "peers">;
  readonly clock: Pick<Clock, "monotonic" | "after">;
  /** Why a peer is not connected, as far as the link has said. */
  readonly whyNot: (peerId: string) => ReasonCode | null;
  /** Told how many of all probes are answered. */
  readonly progress?: (done: number, all: number) => void;
}

/** Answered in a millisecond or two on a good line; an operator that needs this long misses every duty. */
const PROBE_MS = 5_000;
const TIMED_PROBES = 5;
/** In flight at one operator; keeps its queue short beside the duties of a running signer. */
const AT_ONCE = 16;

/** Asks every operator for every key of its committees, with requests that nobody ever signs. */
export async function examineOperators(
  modules: PeerModules,
  {committees, network, ownSoftware}: {committees: readonly Committee[]; network: Network; ownSoftware: string},
): Promise<{findings: Finding[]; operators: OperatorReport[]}> {
  const all = committees.reduce((sum, {operators, validators}) => sum + operators.length * validators.length, 0);
  let done = 0;
  const step = (): void => modules.progress?.(++done, all);
  const findings: Finding[] = [];
  const reports: OperatorReport[] = [];
  for (const [i, committee] of committees.entries()) {
    const seen = await Promise.all(
      committee.operators.map((operator) => examine(modules, {committee, operator, network, number: i + 1, step})),
    );
    findings.push(...seen.flatMap(({finding}) => finding));
    const rows = seen.map(({report}) => report);
    reports.push(...rows);
    findings.push(quorum(committee, rows, i + 1), ...versions(rows, ownSoftware, i + 1));
  }
  findings.push(...clocks(modules.link.peers()));
  return {findings, operators: reports};
}

/** Whose clock is wrong, by the pings that went along. */
function clocks(peers: readonly PeerStatus[]): Finding[] {
  const {own, peers: wrong} = judgeClocks(peers);
  if (own) return [failed("clock", new PleiadesError({code: "SIGNER_CLOCK_SKEW", ...offsetOf(peers[0])}), "warn")];
  const off = peers.filter(({peerId}) => wrong.has(peerId));
  if (off.length > 0) {
    return off.map((peer) =>
      failed("clock", new PleiadesError({code: "LINK_CLOCK_SKEW", peer: peer.peerId, ...offsetOf(peer)}), "warn"),
    );
  }
  const offsets = peers.flatMap(({clockOffsetMs}) => (clockOffsetMs === null ? [] : [Math.abs(clockOffsetMs)]));
  if (offsets.length === 0) return [];
  return [ok("clock", `within ${Math.ceil(Math.max(...offsets))} ms of every operator's`)];
}

const offsetOf = (peer: PeerStatus | undefined): {clockOffsetMs: number} => ({
  clockOffsetMs: Math.round(peer?.clockOffsetMs ?? 0),
});

interface Task {
  readonly committee: Committee;
  readonly operator: CommitteeOperator;
  readonly network: Network;
  readonly number: number;
  readonly step: () => void;
}

async function examine(
  modules: PeerModules,
  {committee, operator, network, number, step}: Task,
): Promise<{report: OperatorReport; finding: Finding[]}> {
  const {link, clock, whyNot} = modules;
  const check = `operator ${operator.id}`;
  const status = link.peers().find(({peerId}) => peerId === operator.peerId);
  const keys = committee.validators.length;
  const base = {committee: number, operatorId: operator.id, peerId: operator.peerId, keys};
  if (status?.connected !== true) {
    const code = whyNot(operator.peerId) ?? "LINK_DISCONNECTED";
    const where = operator.addresses.join(", ");
    const finding = failed(check, new PleiadesError({code, addresses: where}));
    const software = status?.software ?? null;
    const report = {...base, reachable: false, software, latencyMs: null, clockOffsetMs: null, keysReady: 0};
    for (const _ of committee.validators) step();
    return {report, finding: [finding]};
  }
  const times: number[] = [];
  const problems = new Map<ReasonCode, string[]>();
  const waiting = [...committee.validators];
  const askNext = async (): Promise<boolean> => {
    const next = waiting.shift();
    if (next === undefined) return false;
    const started = clock.monotonic();
    const problem = await ask(modules, operator, probeFor(committee, next, network));
    times.push(clock.monotonic() - started);
    step();
    if (problem !== null) problems.set(problem, [...(problems.get(problem) ?? []), next.groupPublicKey]);
    return true;
  };
  // One after another first: only then is the time that of the way and not of a queue.
  for (let i = 0; i < TIMED_PROBES; i++) await askNext();
  const latencyMs = median(times);
  const worker = async (): Promise<void> => {
    while (await askNext());
  };
  await Promise.all(Array.from({length: AT_ONCE}, worker));
  const refused = [...problems].map(([code, affected]) => {
    const {meaning, action} = REASONS[code];
    const detail = `${plural(affected.length, "key")}, as ${affected[0]}: ${meaning.replace(/\.$/, "")}`;
    return {...fail(check, detail, action), code};
  });
  const bad = [...problems.values()].flat().length;
  const {software} = status;
  const clockOffsetMs = link.peers().find(({peerId}) => peerId === operator.peerId)?.clockOffsetMs ?? null;
  const report = {...base, reachable: true, software, latencyMs, clockOffsetMs, keysReady: keys - bad};
  const answer = latencyMs === null ? "no answer" : `answers in ${latencyMs.toFixed(1)} ms`;
  const fine = ok(check, `${software ?? "unknown version"}, ${answer}, ready for ${plural(keys, "key")}`);
  return {report, finding: refused.length > 0 ? refused : [fine]};
}

/** Null when this operator would sign for the key. */
async function ask(
  {link, clock}: Pick<PeerModules, "link" | "clock">,
  {peerId}: CommitteeOperator,
  probe: PartialRequest,
): Promise<ReasonCode | null> {
  const deadline = new AbortController();
  const cancel = clock.after(PROBE_MS, () => deadline.abort());
  try {
    return probeProblem(await link.requestPartial(peerId, probe, deadline.signal));
  } catch (error) {
    return codeOf(error);
  } finally {
    cancel();
  }
}

/** Whether enough operators would sign for every key. */
function quorum({threshold}: Committee, rows: readonly OperatorReport[], number: number): Finding {
  const check = `committee ${number}`;
  const ready = rows.filter(({keysReady, keys}) => keysReady === keys).length;
  const detail = `${ready} of ${rows.length} operators are ready, ${threshold} sign`;
  const action = "Mend the operators named above; docs/operations.md has the steps under Incidents.";
  if (ready < threshold) return fail(check, detail, action);
  return ready === threshold && ready < rows.length
    ? warn(check, `${detail}: none to spare`, action)
    : ok(check, detail);
}

function versions(rows: readonly OperatorReport[], own: string, number: number): Finding[] {
  const found = [...new Set(rows.flatMap(({software}) => (software === null ? [] : [software])))];
  if (found.every((software) => software === own)) return [];
  const action = "Bring all nodes to one version when the upgrade is over, one operator at a time.";
  return [warn(`committee ${number}`, `versions differ: this node ${own}, operators ${found.join(", ")}`, action)];
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
