import {setMaxListeners} from "node:events";
import {
  fromHex,
  type OperatorId,
  parseOperatorId,
  type RootHex,
  type SignatureHex,
  signatureHex,
  type TraceId,
} from "../core/bytes.js";
import type {CommitteeOperator} from "../core/committee/committee.js";
import {PRIORITY, type Priority} from "../core/duty/sign-request.js";
import {PleiadesError, type ReasonCode} from "../core/errors.js";
import type {BlsGroup, PublicKeyPoint, SignaturePoint} from "../core/threshold/bls.js";
import {
  findLiars,
  isValidPartial,
  loadPartial,
  type PartialContext,
  type ReceivedPartial,
} from "../core/threshold/collect.js";
import {combinePartials} from "../core/threshold/combine.js";
import type {Logger} from "../ports/logger.js";
import type {PartialRequest} from "../ports/operator-link.js";
import type {DirectoryEntry} from "./committee-directory.js";
import {type HedgeBudget, hedgeDelay} from "./hedging.js";
import {Round, type RoundModules} from "./round.js";
import {type Turn, UNCONTESTED} from "./turn.js";

/** The one place where combined signatures are verified, so that those that wait together can be verified together. */
export type VerifySignature = (
  message: Uint8Array,
  key: PublicKeyPoint,
  signature: SignaturePoint,
  priority: Priority,
) => boolean | Promise<boolean>;

export interface FlightModules extends RoundModules {
  readonly bls: BlsGroup;
  readonly logger: Logger;
  readonly verify: VerifySignature;
  /** Shared by all requests of this signer. */
  readonly hedges: HedgeBudget;
}

export interface FlightOptions {
  readonly hedgeDelayMs: number | "adaptive";
  readonly operatorDeadlineMs: number;
}

export interface Signed {
  /** Verified under the group public key. */
  readonly signature: SignatureHex;
  readonly signers: readonly OperatorId[];
}

/**
 * One request on its way to one signature. Callers with the same request share it; a caller that leaves takes nobody
 * with it, and when the last has left the flight ends.
 */
export class Flight {
  /** Settles with the flight, whoever still waits. */
  readonly done: Promise<Signed>;
  readonly #modules: FlightModules;
  readonly #options: FlightOptions;
  readonly #entry: DirectoryEntry;
  readonly #signingRoot: RootHex;
  readonly #context: PartialContext;
  readonly #trace: TraceId | undefined;
  readonly #turn: Turn;
  readonly #round: Round;
  readonly #priority: Priority;
  readonly #onAbandoned: () => void;
  #callers = 0;
  #abandoned = false;

  constructor(
    modules: FlightModules,
    options: FlightOptions,
    task: {
      entry: DirectoryEntry;
      request: PartialRequest;
      signingRoot: RootHex;
      turn?: Turn;
      onAbandoned: () => void;
    },
  ) {
    const {committee, validator, quorum} = task.entry;
    this.#modules = modules;
    this.#options = options;
    this.#entry = task.entry;
    this.#signingRoot = task.signingRoot;
    this.#trace = task.request.trace;
    this.#turn = task.turn ?? UNCONTESTED;
    this.#priority = task.request.priority;
    this.#onAbandoned = task.onAbandoned;
    this.#context = {quorum, message: fromHex(task.signingRoot), sharePublicKeys: validator.sharePublicKeys};
    this.#round = new Round(modules, {
      operators: committee.operators,
      request: task.request,
      operatorDeadlineMs: options.operatorDeadlineMs + this.#turn.holdMs,
      mayBeHeld: this.#turn.holdMs > 0,
      admit: (operator, bytes) => this.#admit(operator, bytes),
    });
    this.done = this.#fly();
    // Each caller has its own promise; this one may end with nobody left.
    this.done.catch(() => {});
  }

  /** The flight's end, or COMMITTEE_TIMEOUT as soon as this caller's own signal aborts. */
  join(signal: AbortSignal): Promise<Signed> {
    this.#callers++;
    // One signal may belong to a batch of many keys; Node warns of a leak from the eleventh listener on.
    setMaxListeners(0, signal);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(this.#failure("COMMITTEE_TIMEOUT"));
        if (--this.#callers === 0) this.#abandon();
      };
      signal.addEventListener("abort", leave, {once: true});
      this.done.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
      if (signal.aborted) leave();
    });
  }

  /** From asking the first operator to the verified signature. */
  async #fly(): Promise<Signed> {
    const {bls, clock, verify, hedges} = this.#modules;
    const {quorum, message} = this.#context;
    const round = this.#round;
    let patient = true;
    const delayMs = this.#askFirst();
    let cancelHedge = clock.after(delayMs, hedge);
    const mayHedge = (): boolean => this.#priority === PRIORITY.block || hedges.spend();
    function hedge(): void {
      patient = false;
      if (mayHedge()) round.askRest();
      else cancelHedge = clock.after(delayMs, hedge);
      round.announce();
    }
    hedges.earn();
    try {
      for (;;) {
        const partials = round.partials();
        if (partials.size >= quorum.t) {
          const {signature, signers} = combinePartials(bls, quorum, pointsOf(partials));
          if (await verify(message, this.#entry.groupKey(), signature, this.#priority)) {
            return {
              signature: signatureHex(bls.signatures.bytes(signature)),
              signers: signers.map((id) => parseOperatorId(id)),
            };
          }
          this.#blame(partials);
        } else {
          if (round.count().failed > 0) round.askRest();
          this.#giveUpIfHopeless(patient);
          await round.news();
        }
      }
    } finally {
      cancelHedge();
      round.end();
    }
  }

  /** Asks t operators, the best first, and returns how long to wait before the rest is asked. */
  #askFirst(): number {
    const {health} = this.#modules;
    const {operators} = this.#entry.committee;
    const connected = health.connectedPeers();
    const order = health.order(operators, connected);
    const first = order.slice(0, this.#context.quorum.t);
    this.#round.ask(first);
    // Every operator shall know of the duty before it lets a later-ranked signer's request through, or begin to hold it.
    if (this.#turn.contested) this.#round.askRest();
    // Without t healthy operators there is nobody to wait for.
    if (!first.every(({peerId}) => health.isHealthy(peerId, connected))) this.#round.askRest();
    const probe = health.dueForProbe(order.slice(first.length), connected);
    if (probe !== undefined) this.#round.ask([probe]);
    const {hedgeDelayMs} = this.#options;
    const hedge =
      hedgeDelayMs === "adaptive" ? hedgeDelay(first.map(({peerId}) => health.standing(peerId))) : hedgeDelayMs;
    return this.#turn.holdMs + hedge;
  }

  /**
   * Refused when more than n−t operators refused, since then t can never be reached, whatever the others do. When t can
   * not be reached for other reasons, and those still to answer could make it a refusal, they are given until the hedge
   * delay: "slashable" tells the client more than "unavailable".
   */
  #giveUpIfHopeless(patient: boolean): void {
    const {n, t} = this.#context.quorum;
    const {failed, refused, open} = this.#round.count();
    if (refused > n - t) throw this.#failure("COMMITTEE_REFUSED");
    const reachable = n - failed >= t;
    const mayTurnOutRefused = patient && refused > 0 && refused + open > n - t;
    if (!reachable && !mayTurnOutRefused) throw this.#failure("COMMITTEE_UNAVAILABLE");
    if (this.#abandoned) throw this.#failure("COMMITTEE_TIMEOUT");
  }

  /** A convict's partial is checked by itself, so that it cannot spoil the combined signature again. */
  #admit(operator: CommitteeOperator, bytes: Uint8Array): ReceivedPartial | null {
    const {bls, health} = this.#modules;
    const partial = loadPartial(bls, bytes);
    const suspect = health.standing(operator.peerId).convicted;
    const valid = partial !== null && (!suspect || isValidPartial(bls, this.#context, operator.id, bytes));
    if (!valid) this.#convict(operator);
    return valid ? partial : null;
  }

  /** Names and drops the partials that made the combined signature fail. */
  #blame(partials: ReadonlyMap<OperatorId, ReceivedPartial>): void {
    const liars = findLiars(this.#modules.bls, this.#context, partials);
    // Every partial is good but the whole is not: the committee file would have been refused, so this is our bug.
    if (liars.length === 0) throw this.#failure("THRESHOLD_COMBINE_FAILED");
    if (liars.length === partials.size) {
      // t operators lying at once is beyond every assumption; a signer with the wrong fork schedule is not.
      this.#modules.logger.error("no partial signature is valid for the signing root", this.#about());
      for (const id of liars) this.#round.reject(id, "THRESHOLD_ROOT_DISAGREEMENT");
      return;
    }
    for (const id of liars) {
      this.#round.reject(id, "THRESHOLD_INVALID_PARTIAL");
      this.#convict(this.#entry.committee.operators[id - 1]!);
    }
  }

  #convict({id, peerId}: CommitteeOperator): void {
    const {health, logger, observer} = this.#modules;
    const level = health.standing(peerId).convicted ? "debug" : "error";
    logger[level]("operator sent an invalid partial signature and is asked last from now on", {
      ...this.#about(),
      code: "THRESHOLD_INVALID_PARTIAL",
      operatorId: id,
      peerId,
    });
    health.convict(peerId);
    observer({kind: "operator-convicted", operatorId: id, peerId, key: this.#entry.validator.groupPublicKey});
  }

  #abandon(): void {
    this.#abandoned = true;
    this.#onAbandoned();
    this.#round.announce();
  }

  #failure(code: ReasonCode): PleiadesError {
    const operators = this.#round.failures();
    // Named in the message too: the client only shows that.
    const reasons = [...new Set(operators.map((operator) => operator.code))].filter((reason) => !OTHERS.has(reason));
    return new PleiadesError({code, ...this.#about(), reasons: reasons.join(", ") || undefined, operators});
  }

  #about() {
    return {key: this.#entry.validator.groupPublicKey, signingRoot: this.#signingRoot, trace: this.#trace};
  }
}

/** Codes that say nothing about why a request failed. */
const OTHERS: ReadonlySet<ReasonCode> = new Set(["COMMITTEE_SIGNED", "COMMITTEE_NOT_ASKED"] as const);

const pointsOf = (partials: ReadonlyMap<OperatorId, ReceivedPartial>): Map<number, SignaturePoint> =>
  new Map([...partials].map(([id, {point}]) => [id, point]));
