import {fromHex, type LifeId, type PubkeyHex, parseRootHex, rootHex, type SignatureHex} from "../../src/core/bytes.js";
import type {SlashingSubject} from "../../src/core/duty/slashing-subject.js";
import type {ReasonCode} from "../../src/core/errors.js";
import type {SlashingRecord} from "../../src/core/slashing/record.js";
import type {BlsGroup, PublicKeyPoint} from "../../src/core/threshold/bls.js";
import {isValidPartial} from "../../src/core/threshold/collect.js";
import type {PartialReply, PartialRequest} from "../../src/ports/operator-link.js";
import type {SimulatedCommittee} from "./committee.js";
import type {Expectation} from "./coordinator.js";
import {type Duty, dutyOf} from "./duties.js";
import {covers, LifeOracle, type Stamp} from "./life-oracle.js";
import type {Scheduler} from "./scheduler.js";

/** Whether the chain would slash for signing both. @see consensus-specs "is_slashable_attestation_data" */
function areConflicting(a: Message, b: Message): boolean {
  if (a.root === b.root) return false;
  if (a.subject.kind === "block" || b.subject.kind === "block") {
    return a.subject.kind === "block" && b.subject.kind === "block" && a.subject.slot === b.subject.slot;
  }
  if (a.subject.target === b.subject.target) return true;
  const [outer, inner] = a.subject.target > b.subject.target ? [a.subject, b.subject] : [b.subject, a.subject];
  return outer.source < inner.source;
}

interface Message {
  readonly root: string;
  readonly subject: SlashingSubject;
  readonly text: string;
  /** Operators whose valid partial has left them, and how things were when the first one did. */
  readonly signers: Map<number, Released>;
}

/** How things were for an operator when it released something. */
interface Released {
  /** What it was told of its lives before it was asked. */
  readonly told: ReadonlyMap<LifeId, bigint>;
  readonly stamp: Stamp;
}

interface Circumstances extends Released {
  /** What its disk holds. */
  readonly durable: ReadonlyMap<PubkeyHex, SlashingRecord>;
}

/** Whether a message lies at or below what another one of this key uses up. */
function isAtOrBelow({subject: a}: Message, {subject: b}: Message): boolean {
  if (a.kind === "block" || b.kind === "block") return a.kind === "block" && b.kind === "block" && a.slot <= b.slot;
  return a.target <= b.target || a.source < b.source;
}

/** Whether a record forbids everything that conflicts with a message of this operator. */
function forbidsConflicts(record: SlashingRecord | undefined, subject: SlashingSubject): boolean {
  if (record === undefined) return false;
  if (subject.kind === "block") return record.block !== null && record.block.slot >= subject.slot;
  const last = record.attestation;
  return last !== null && last.target >= subject.target && last.source >= subject.source;
}

/** The partials that one flight of a coordinator got and that are not what the operator's share gives. */
interface Flight {
  request: PartialRequest;
  readonly older: WeakSet<PartialRequest>;
  invalid: Set<number>;
}

/**
 * Sees everything and believes nobody: which partials exist, which signatures were returned, who was blamed. What it
 * finds wrong it lists; it never takes part.
 */
export class Oracle {
  readonly violations: string[] = [];
  readonly lives = new LifeOracle((text) => this.violation(text));
  readonly counts = {
    signed: 0,
    unsigned: 0,
    lostToConflict: 0,
    failedCombinations: 0,
    convictions: 0,
    denied: 0,
    crashes: 0,
  };
  readonly #scheduler: Scheduler;
  readonly #bls: BlsGroup;
  readonly #committee: SimulatedCommittee;
  readonly #liars: ReadonlySet<number>;
  readonly #messages = new Map<PubkeyHex, Map<string, Message>>();
  readonly #duties = new WeakMap<object, Duty>();
  readonly #flights = new Map<string, Flight>();
  /** Coordinator → operators that it must have convicted, and those that it has. */
  readonly #guilty = new Map<string, Set<number>>();
  readonly #convicted = new Map<string, Set<number>>();

  constructor(
    {scheduler, bls, committee}: {scheduler: Scheduler; bls: BlsGroup; committee: SimulatedCommittee},
    {liars}: {liars: ReadonlySet<number>},
  ) {
    this.#scheduler = scheduler;
    this.#bls = bls;
    this.#committee = committee;
    this.#liars = liars;
  }

  violation(text: string): void {
    this.#scheduler.note(`VIOLATION ${text}`);
    this.violations.push(`at ${this.#scheduler.now.toFixed(1)} ms: ${text}`);
  }

  crashed(): void {
    this.counts.crashes++;
  }

  /** A real operator's reply is about to leave it. */
  answered(operatorId: number, request: PartialRequest, reply: PartialReply, circumstances: Circumstances): void {
    this.#scheduler.note(`${operatorId} ${reply.kind === "signed" ? "signs" : reply.code}`);
    if (reply.kind === "refused") {
      this.counts.denied++;
      if (reply.code === "INTERNAL") this.violation(`operator ${operatorId} failed inside: ${reply.message}`);
      return;
    }
    const duty = this.#dutyOf(operatorId, request);
    if (duty === null) return;
    const validator = this.#committee.committee.validators.find(({groupPublicKey}) => groupPublicKey === duty.key)!;
    const context = {
      quorum: this.#committee.quorum,
      message: fromHex(duty.root),
      sharePublicKeys: validator.sharePublicKeys,
    };
    const id = this.#committee.committee.operators[operatorId - 1]!.id;
    if (!isValidPartial(this.#bls, context, id, reply.partial)) {
      this.violation(`operator ${operatorId} is honest and released a partial that is not valid for ${duty.text}`);
      return;
    }
    if (duty.subject === null) return;
    if (!forbidsConflicts(circumstances.durable.get(duty.key), duty.subject)) {
      this.violation(`operator ${operatorId} released ${duty.text} before its record was durable`);
    }
    this.#record(operatorId, duty, duty.subject, circumstances);
  }

  #dutyOf(operatorId: number, {key, request}: PartialRequest): Duty | null {
    let duty = this.#duties.get(request);
    // A randao reveal of two keys may be one object: the duty is the key's.
    if (duty === undefined || duty.key !== key) {
      try {
        duty = dutyOf(key, request);
      } catch (error) {
        this.violation(`operator ${operatorId} signed what no client may ask for: ${String(error)}`);
        return null;
      }
      this.#duties.set(request, duty);
    }
    return duty;
  }

  #record(operatorId: number, duty: Duty, subject: SlashingSubject, {told, stamp}: Circumstances): void {
    const {key, root, text} = duty;
    const messages = entry(this.#messages, key, () => new Map<string, Message>());
    const message = entry(messages, root, (): Message => ({root, subject, text, signers: new Map()}));
    if (message.signers.has(operatorId)) return;
    message.signers.set(operatorId, {told, stamp});
    for (const other of messages.values()) {
      const earlier = message === other ? undefined : other.signers.get(operatorId);
      if (earlier !== undefined && covers(told, earlier.stamp) && isAtOrBelow(message, other)) {
        this.violation(`operator ${operatorId} was told that it had released ${other.text} and released ${text}`);
      }
      if (!areConflicting(message, other)) continue;
      if (!this.lives.mayForget(operatorId) && earlier !== undefined) {
        this.violation(`operator ${operatorId} is honest and released both ${other.text} and ${text}`);
      }
      if (this.#hasQuorum(message) && this.#hasQuorum(other) && this.#isWithinBounds(message, other)) {
        this.violation(`two conflicting messages have a quorum: ${other.text} and ${text}`);
      }
    }
  }

  /** Liars sign anything: each message may count on all of them. */
  #hasQuorum({signers}: Message): boolean {
    return signers.size + this.#liars.size >= this.#committee.quorum.t;
  }

  /** At most f lie, or forgot without being told. Who was told counts as honest again. */
  #isWithinBounds(a: Message, b: Message): boolean {
    let faulty = this.#liars.size;
    for (const [operatorId, one] of a.signers) {
      const other = b.signers.get(operatorId);
      if (other === undefined || !this.lives.mayForget(operatorId)) continue;
      if (!covers(one.told, other.stamp) && !covers(other.told, one.stamp)) faulty++;
    }
    return 3 * faulty < this.#committee.quorum.n;
  }

  /** A reply has reached a coordinator. */
  arrived(coordinator: string, operatorId: number, request: PartialRequest, reply: PartialReply): void {
    if (!this.#liars.has(operatorId)) return;
    const id = flightId(coordinator, request.key, parseRootHex(request.request.signingRoot));
    const flight = entry(this.#flights, id, () => ({request, older: new WeakSet(), invalid: new Set()}));
    if (flight.request !== request) {
      if (flight.older.has(request)) return;
      flight.older.add(flight.request);
      flight.request = request;
      flight.invalid = new Set();
    }
    if (reply.kind === "refused" || reply.committeeHash !== request.committeeHash) return;
    const validator = this.#committee.committee.validators.find(({groupPublicKey}) => groupPublicKey === request.key)!;
    const context = {
      quorum: this.#committee.quorum,
      message: fromHex(parseRootHex(request.request.signingRoot)),
      sharePublicKeys: validator.sharePublicKeys,
    };
    const operator = this.#committee.committee.operators[operatorId - 1]!.id;
    if (!isValidPartial(this.#bls, context, operator, reply.partial)) flight.invalid.add(operatorId);
  }

  /** A combined signature did not verify: whoever sent a wrong partial by now has to be named. */
  combinationFailed(coordinator: string, message: Uint8Array, key: PublicKeyPoint): void {
    this.counts.failedCombinations++;
    const keyHex = this.#committee.committee.validators.find(
      ({groupPublicKey}) => Buffer.compare(fromHex(groupPublicKey), this.#bls.publicKeys.bytes(key)) === 0,
    )!.groupPublicKey;
    const invalid = this.#flights.get(flightId(coordinator, keyHex, rootHex(message)))?.invalid ?? new Set();
    if (invalid.size === 0) this.violation("a combination of nothing but valid partials did not verify");
    const guilty = entry(this.#guilty, coordinator, () => new Set());
    for (const operatorId of invalid) guilty.add(operatorId);
  }

  convicted(coordinator: string, operatorId: number): void {
    this.counts.convictions++;
    this.#scheduler.note(`${coordinator} convicts ${operatorId}`);
    if (!this.#liars.has(operatorId)) this.violation(`operator ${operatorId} is honest and ${coordinator} blames it`);
    entry(this.#convicted, coordinator, () => new Set()).add(operatorId);
  }

  /** A signature came out of a service. */
  signed(coordinator: string, duty: Duty, signature: SignatureHex): void {
    this.counts.signed++;
    this.#scheduler.note(`${coordinator} has signed ${duty.text}`);
    // Without check: what fails it does not verify either.
    const point = this.#bls.signatures.load(fromHex(signature), "curve");
    const key = this.#bls.publicKeys.load(fromHex(duty.key), "full");
    if (!this.#bls.verify(fromHex(duty.root), key, point)) {
      this.violation(`${coordinator} returned a signature that does not verify for ${duty.text}`);
    }
  }

  /** A service gave up, or its caller did. */
  unsigned(coordinator: string, duty: Duty, code: ReasonCode, expectation: Expectation): void {
    this.counts.unsigned++;
    this.#scheduler.note(`${coordinator} ${code} ${duty.text}`);
    if (!GIVES_UP.has(code)) this.violation(`${coordinator} failed with ${code} for ${duty.text}`);
    if (expectation === "signed") {
      this.violation(`${coordinator} had enough honest operators and gave ${code} for ${duty.text}`);
    }
    if (expectation === "lost to a conflict") this.counts.lostToConflict++;
  }

  finish(): void {
    for (const [coordinator, guilty] of this.#guilty) {
      for (const operatorId of guilty) {
        if (this.#convicted.get(coordinator)?.has(operatorId)) continue;
        this.violation(`${coordinator} never named operator ${operatorId}, which spoiled a combination`);
      }
    }
  }
}

/** How a signing service may end without a signature. */
const GIVES_UP: ReadonlySet<ReasonCode> = new Set([
  "COMMITTEE_REFUSED",
  "COMMITTEE_UNAVAILABLE",
  "COMMITTEE_TIMEOUT",
] as const);

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}

const flightId = (coordinator: string, key: string, root: string): string => `${coordinator} ${key} ${root}`;
