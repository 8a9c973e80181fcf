import {setMaxListeners} from "node:events";
import type {OperatorId} from "../core/bytes.js";
import type {CommitteeOperator} from "../core/committee/committee.js";
import {codeOf, PleiadesError, type ReasonCode} from "../core/errors.js";
import {REASONS} from "../core/reasons/index.js";
import type {ReceivedPartial} from "../core/threshold/collect.js";
import type {Clock} from "../ports/clock.js";
import type {Observer} from "../ports/observer.js";
import type {OperatorLink, PartialReply, PartialRequest} from "../ports/operator-link.js";
import type {OperatorFailure} from "../ports/signing-service.js";
import type {OperatorHealth} from "./operator-health.js";

/** What came of asking one operator. */
type Settled =
  | ({readonly kind: "partial"} & ReceivedPartial)
  | {readonly kind: "failed"; readonly code: ReasonCode; readonly message: string};
type Answer = Settled | {readonly kind: "not asked"} | {readonly kind: "waiting"};

/** How an operator that did not fail is listed when the request failed. */
const UNSETTLED = {
  "not asked": "COMMITTEE_NOT_ASKED",
  waiting: "COMMITTEE_NO_ANSWER",
  partial: "COMMITTEE_SIGNED",
} as const satisfies {[kind: string]: ReasonCode};

/** Operators that were asked at the same moment. */
interface Wave {
  readonly started: number;
  readonly abort: AbortController;
  readonly open: Set<CommitteeOperator>;
  /** Whether the deadline has passed. */
  missed: boolean;
}

export interface RoundModules {
  readonly link: Pick<OperatorLink, "requestPartial">;
  readonly clock: Pick<Clock, "monotonic" | "after">;
  readonly observer: Observer;
  readonly health: OperatorHealth;
}

export interface RoundTask {
  readonly operators: readonly CommitteeOperator[];
  readonly request: PartialRequest;
  /** Milliseconds until an operator that was asked and has not answered has missed its deadline. */
  readonly operatorDeadlineMs: number;
  /** Operators may hold this request on purpose: the time to its answer says nothing about them. */
  readonly mayBeHeld: boolean;
  /** Takes the bytes of a partial, or says no: then the sender lied. */
  readonly admit: (operator: CommitteeOperator, bytes: Uint8Array) => ReceivedPartial | null;
}

/**
 * Asking the operators of one committee about one request: who was asked, what came back, and the news of it.
 *
 * The round ends with the request, but calls still open then run on to their own deadline: an answer that comes too late
 * for the signature still tells whether that operator is up.
 */
export class Round {
  readonly #modules: RoundModules;
  readonly #task: RoundTask;
  readonly #answers: Map<OperatorId, Answer>;
  /** Waves with calls past their deadline; they are given up when the round ends. */
  readonly #overdue = new Set<Wave>();
  #over = false;
  #news = false;
  #wake: (() => void) | null = null;

  constructor(modules: RoundModules, task: RoundTask) {
    this.#modules = modules;
    this.#task = task;
    this.#answers = new Map(task.operators.map(({id}) => [id, {kind: "not asked"}]));
  }

  /** Asks those that were not asked yet. They share a deadline, and its timer. */
  ask(operators: readonly CommitteeOperator[]): void {
    const asked = operators.filter(({id}) => this.#answers.get(id)?.kind === "not asked");
    if (asked.length === 0) return;
    const {clock} = this.#modules;
    const wave: Wave = {started: clock.monotonic(), abort: new AbortController(), open: new Set(asked), missed: false};
    setMaxListeners(0, wave.abort.signal);
    const cancelDeadline = clock.after(this.#task.operatorDeadlineMs, () => this.#miss(wave));
    for (const operator of asked) {
      this.#answers.set(operator.id, {kind: "waiting"});
      void this.#call(operator, wave).finally(() => {
        wave.open.delete(operator);
        if (wave.open.size > 0) return;
        cancelDeadline();
        this.#overdue.delete(wave);
      });
    }
  }

  askRest(): void {
    this.ask(this.#task.operators);
  }

  /** Resolves when something happened since the last call, at once when it has already. */
  news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#news) this.announce();
    });
  }

  /** Makes {@link news} resolve. */
  announce(): void {
    const wake = this.#wake;
    this.#news = wake === null;
    this.#wake = null;
    wake?.();
  }

  /** Partials so far, by operator id. */
  partials(): ReadonlyMap<OperatorId, ReceivedPartial> {
    const partials = new Map<OperatorId, ReceivedPartial>();
    for (const [id, answer] of this.#answers) if (answer.kind === "partial") partials.set(id, answer);
    return partials;
  }

  /** Drops a partial. */
  reject(operatorId: OperatorId, code: ReasonCode): void {
    this.#answers.set(operatorId, failed(code));
  }

  /** How many operators failed in any way, how many of those refused, and how many may still answer. */
  count(): {failed: number; refused: number; open: number} {
    const answers = [...this.#answers.values()];
    const failures = answers.filter((answer) => answer.kind === "failed");
    return {
      failed: failures.length,
      refused: failures.filter(({code}) => isRefusal(code)).length,
      open: answers.filter(({kind}) => kind === "waiting" || kind === "not asked").length,
    };
  }

  /** One line for each of the n operators. */
  failures(): OperatorFailure[] {
    return [...this.#answers].map(([operatorId, answer]) => {
      if (answer.kind === "failed") return {operatorId, code: answer.code, message: answer.message};
      const code = UNSETTLED[answer.kind];
      return {operatorId, code, message: REASONS[code].meaning};
    });
  }

  end(): void {
    this.#over = true;
    for (const wave of this.#overdue) wave.abort.abort();
  }

  async #call(operator: CommitteeOperator, wave: Wave): Promise<void> {
    const {link, clock, health} = this.#modules;
    health.asked(operator.peerId);
    try {
      const reply = await link.requestPartial(operator.peerId, this.#task.request, wave.abort.signal);
      const latencyMs = this.#task.mayBeHeld ? null : clock.monotonic() - wave.started;
      health.answered(operator.peerId, latencyMs, !wave.missed);
      // After the end nobody waits for the partial, so it is not even looked at.
      const outcome = this.#over ? replyOutcome(reply) : this.#settle(operator, this.#read(operator, reply));
      if (!wave.missed) this.#report(operator, wave, outcome);
    } catch (error) {
      const code = codeOf(error);
      if (!this.#over) this.#settle(operator, {kind: "failed", code, message: messageOf(error)});
      if (!wave.missed) this.#report(operator, wave, code);
    }
  }

  #miss(wave: Wave): void {
    wave.missed = true;
    for (const operator of wave.open) {
      this.#modules.health.missed(operator.peerId);
      this.#report(operator, wave, "COMMITTEE_NO_ANSWER");
    }
    if (this.#over) wave.abort.abort();
    else this.#overdue.add(wave);
  }

  #report({id, peerId}: CommitteeOperator, {started}: Wave, outcome: "signed" | ReasonCode): void {
    const {clock, observer} = this.#modules;
    const durationMs = clock.monotonic() - started;
    observer({kind: "operator-answered", operatorId: id, peerId, outcome, durationMs});
  }

  #settle(operator: CommitteeOperator, answer: Settled): "signed" | ReasonCode {
    this.#answers.set(operator.id, answer);
    this.announce();
    return answer.kind === "failed" ? answer.code : "signed";
  }

  #read(operator: CommitteeOperator, reply: PartialReply): Settled {
    if (reply.kind === "refused") return {kind: "failed", code: reply.code, message: reply.message};
    // Another file or generation: the partial proves nothing about this operator, so it is no ground for blame.
    if (reply.committeeHash !== this.#task.request.committeeHash) return failed("COMMITTEE_HASH_MISMATCH");
    const partial = this.#task.admit(operator, reply.partial);
    return partial === null ? failed("THRESHOLD_INVALID_PARTIAL") : {kind: "partial", ...partial};
  }
}

const failed = (code: ReasonCode): Settled => ({kind: "failed", code, message: REASONS[code].meaning});
const messageOf = (error: unknown): string =>
  error instanceof PleiadesError ? error.message : REASONS.INTERNAL.meaning;
const replyOutcome = (reply: PartialReply): "signed" | ReasonCode => (reply.kind === "signed" ? "signed" : reply.code);

const JUDGED = ["SLASHING_", "POLICY_", "PLUGIN_VETO", "OPERATOR_OUTRANKED", "KEEPER_OTHER_", "KEEPER_CREDENTIALS_"];
/** A failing disk behind the slashing protection, or a failing plugin, is no judgement on the message. */
const NOT_JUDGED = ["SLASHING_STORE_", "PLUGIN_VETO_FAILED"];

/**
 * Refused because of the message itself: by slashing protection, the record of withdrawals, policy, a plugin's veto or an
 * earlier-ranked signer.
 */
export function isRefusal(code: ReasonCode): boolean {
  return JUDGED.some((area) => code.startsWith(area)) && !NOT_JUDGED.some((area) => code.startsWith(area));
}
