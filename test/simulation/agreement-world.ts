/** Participants of an agreement, honest and lying, on a network that drops, delays, repeats and at last calms down. */
import {createHash} from "node:crypto";
import type {RootHex} from "../../src/core/bytes.js";
import {formatMessage, parseMessage} from "../../src/core/consensus/codec.js";
import type {Agreement, Effect, Input, Judge, Memory, State} from "../../src/core/consensus/machine.js";
import {type Decision, instanceOf, type Message, type Prepare} from "../../src/core/consensus/messages.js";
import {quorumOf, roundTimeoutMs, tolerated} from "../../src/core/consensus/quorum.js";
import {codeOf} from "../../src/core/errors.js";
import {type AgreementCode, PRODUCT} from "./agreement-code.js";
import {AgreementLiar} from "./agreement-liar.js";
import {Random} from "./random.js";

const CALM_MS = 1500;
const ALONE_MS = 500;
const END_MS = 120_000;
const RESEND_MS = 60;
const FIRST_ROUND_MS = 80;

/** Until it calms. */
interface Weather {
  readonly loss: number;
  /** How often a message is lost between the halves that the liars see and nobody else. */
  readonly split: number;
  /** Of whoever has decided: what would end the run before anything goes wrong. */
  readonly decisionLoss: number;
  /** How often at first commits are lost that are for others than the first honest one, which then decides alone. */
  readonly commitLoss: number;
  readonly crash: number;
  readonly delayMs: number;
  readonly maxRoundMs: number;
  /** By when the participants have begun and learnt most facts. */
  readonly readyMs: number;
  /** Any quorum of facts will do; else a value must have all that the judge holds. */
  readonly lenient: boolean;
}

interface Node {
  readonly self: number;
  readonly agreement: Agreement;
  /** Which participants' facts it holds: a value lists facts, and must list all that the judge holds. */
  readonly facts: Set<number>;
  /** null while it is down. */
  state: State | null;
  memory: Memory | null;
  readonly decided: Set<string>;
}

export interface AgreementOutcome {
  /** What went wrong, in words; empty when nothing did. */
  readonly wrong: readonly string[];
  readonly undecided: readonly number[];
  readonly rounds: number;
  readonly events: number;
  readonly equivocations: number;
}

export class AgreementWorld {
  readonly n: number;
  readonly random: Random;
  readonly id: RootHex;
  readonly code: AgreementCode;
  readonly liars: ReadonlyMap<number, AgreementLiar>;
  /** What the honest ones once said in another agreement. */
  readonly elsewhere: readonly Message[];
  /** Each half of the participants, and liars in both. */
  readonly halves: readonly [readonly number[], readonly number[]];
  readonly #nodes: Node[];
  readonly #weather: Weather;
  readonly #queue: {at: number; run: () => void}[] = [];
  readonly #wrong: string[] = [];
  /** Values that an honest participant has found valid. */
  readonly #found = new Set<string>();
  #now = 0;
  #rounds = 0;
  #equivocations = 0;

  constructor(seed: number, code: AgreementCode = PRODUCT) {
    this.random = new Random(seed);
    // Mostly 3f+1.
    this.n = this.random.pick([4, 4, 4, 7, 7, 10, 13, 5, 6]);
    this.code = code;
    this.id = instanceOf("simulation", Buffer.from(String(seed)));
    const trap = this.random.chance(0.25);
    this.#weather = trap ? this.#trap() : this.#someWeather();
    const offset = this.random.between(0, this.n - 1);
    const liars = this.random.some(this.participants(), trap || this.random.chance(0.7) ? tolerated(this.n) : 0);
    this.liars = new Map(liars.map((self) => [self, new AgreementLiar(this, {self, offset})]));
    this.#nodes = this.participants()
      .filter((self) => !this.liars.has(self))
      .map((self) => this.#newNode(self, offset));
    const honest = this.#nodes.map(({self}) => self);
    const half = this.random.some(honest, honest.length >> 1);
    this.halves = [
      [...half, ...liars],
      [...honest.filter((self) => !half.includes(self)), ...liars],
    ];
    this.elsewhere = this.#wordsElsewhere();
  }

  participants(): number[] {
    return Array.from({length: this.n}, (_, i) => i + 1);
  }

  sign(author: number, bytes: Uint8Array): string {
    return `0x${createHash("sha256").update(`${author} signs`).update(bytes).digest("hex").slice(0, 32)}`;
  }

  /** To everybody, or to those named; liars hear everything. */
  send(from: number, message: Message, to: readonly number[] = this.participants()): void {
    const read = this.#read(from, message);
    for (const receiver of to) {
      if (receiver === from) continue;
      const calm = this.#now >= CALM_MS;
      if (!calm && this.random.chance(this.#lossBetween(from, receiver, message))) continue;
      for (const _ of this.random.chance(0.1) ? [1, 2] : [1]) {
        this.#after(this.random.between(1, calm ? 25 : this.#weather.delayMs), () =>
          this.#deliver(receiver, message, read),
        );
      }
    }
  }

  #someWeather(): Weather {
    const {random} = this;
    return {
      loss: random.pick([0.1, 0.3, 0.5]),
      split: random.pick([0, 0, 0.7, 0.95]),
      decisionLoss: random.pick([0, 1]),
      commitLoss: random.pick([0, 0.95]),
      crash: random.pick([0, 0.005, 0.02]),
      delayMs: random.pick([25, 25, 250]),
      maxRoundMs: random.pick([200, 200, 2000]),
      readyMs: random.pick([20, 400]),
      lenient: random.chance(0.5),
    };
  }

  /** One decides early and is not heard, while the others and the liars go on with many values to choose from. */
  #trap(): Weather {
    const crash = this.random.pick([0, 0.02]);
    const fixed = {loss: 0.05, split: 0, decisionLoss: 1, commitLoss: 0.95, delayMs: 15, maxRoundMs: 120, readyMs: 20};
    return {...fixed, crash, lenient: true};
  }

  #lossBetween(from: number, receiver: number, {kind}: Message): number {
    const {loss, split, decisionLoss, commitLoss} = this.#weather;
    if (this.liars.has(from) || this.liars.has(receiver)) return 0;
    if (kind === "commit" && commitLoss > 0 && this.#now < ALONE_MS) {
      return receiver === this.#nodes[0]?.self ? 0 : commitLoss;
    }
    const together = this.halves.some((half) => half.includes(from) && half.includes(receiver));
    return Math.max(loss, together ? 0 : split, kind === "decision" ? decisionLoss : 0);
  }

  run(): AgreementOutcome {
    for (const node of this.#nodes) {
      this.#after(this.random.between(0, this.#weather.readyMs), () => this.#begin(node));
      this.#after(RESEND_MS, () => this.#resend(node));
      for (const fact of this.participants()) {
        const late = this.random.chance(0.2) ? CALM_MS + 200 : this.#weather.readyMs;
        this.#after(this.random.between(0, late), () => this.#learn(node, fact));
      }
    }
    let events = 0;
    while (this.#queue.length > 0 && this.#now < END_MS && this.#undecided().length > 0) {
      const next = this.#queue.shift()!;
      this.#now = next.at;
      next.run();
      events++;
    }
    const values = new Set(this.#nodes.flatMap(({decided}) => [...decided]));
    if (values.size > 1) this.#wrong.push(`decided ${[...values].join(" and ")}`);
    for (const value of values)
      if (!this.#found.has(value)) this.#wrong.push(`decided ${value}, which nobody found valid`);
    return {
      wrong: this.#wrong,
      undecided: this.#undecided(),
      rounds: this.#rounds,
      events,
      equivocations: this.#equivocations,
    };
  }

  #undecided(): number[] {
    return this.#nodes.filter(({decided}) => decided.size === 0).map(({self}) => self);
  }

  #newNode(self: number, offset: number): Node {
    const verify = (author: number, bytes: Uint8Array, signature: string): boolean =>
      signature === this.sign(author, bytes);
    const {id, n} = this;
    const agreement = {id, n, self, offset, verify, sign: (bytes: Uint8Array) => this.sign(self, bytes)};
    return {self, agreement, facts: new Set(), state: null, memory: null, decided: new Set()};
  }

  /** A whole decision of another agreement, of a value that would be a value here. */
  #wordsElsewhere(): Message[] {
    const {n, code} = this;
    const {signedBytes, valueDigest} = code.messages;
    const id = instanceOf("simulation", Buffer.from("elsewhere"));
    const value = this.participants().slice(0, quorumOf(n)).join();
    const says = (kind: "prepare" | "commit") =>
      this.#nodes.map(({self}) => {
        const vote = {kind, author: self, round: 1, digest: valueDigest(id, value)};
        return {...vote, signature: this.sign(self, signedBytes(id, vote as Prepare))};
      });
    const commits = says("commit") as Decision["commits"];
    return [...(says("prepare") as Prepare[]), ...commits, {kind: "decision", value, round: 1, commits}];
  }

  #judge(node: Node): Judge {
    return (value) => {
      const answer = this.#answer(node, value);
      if (answer === "valid") this.#found.add(value);
      return answer;
    };
  }

  #answer(node: Node, value: string): ReturnType<Judge> {
    const facts = factsOf(value);
    const complete = this.#weather.lenient || [...node.facts].every((fact) => facts.includes(fact));
    if (facts.length < quorumOf(this.n) || !complete) return "invalid";
    return facts.every((fact) => node.facts.has(fact)) ? "valid" : "not yet";
  }

  #learn(node: Node, fact: number): void {
    node.facts.add(fact);
    const least = quorumOf(this.n);
    if (node.facts.size >= least) {
      const facts = this.#weather.lenient ? this.random.some([...node.facts], least) : [...node.facts];
      this.#input(node, {kind: "propose", value: facts.sort((a, b) => a - b).join()});
    }
    this.#input(node, {kind: "recheck"});
  }

  #begin(node: Node): void {
    if (node.memory === null) {
      node.state = this.code.machine.newState();
      this.#input(node, {kind: "start"});
    } else {
      const {state, effects} = this.code.machine.restore(node.agreement, node.memory);
      node.state = state;
      this.#perform(node, effects);
    }
    this.#learn(node, node.self);
  }

  /** Through the codec, as between processes; null for what a liar made that nobody reads. */
  #read(from: number, message: Message): Message | null {
    try {
      return parseMessage(formatMessage(message), {n: this.n, maxValueCharacters: 64});
    } catch (error) {
      if (this.liars.has(from) && codeOf(error) === "CONSENSUS_MALFORMED") return null;
      throw error;
    }
  }

  #deliver(receiver: number, message: Message, read: Message | null): void {
    this.liars.get(receiver)?.hear(message);
    const node = this.#nodes.find(({self}) => self === receiver);
    if (node !== undefined && read !== null) this.#input(node, {kind: "message", message: read});
  }

  #resend(node: Node): void {
    const said = node.state === null ? [] : [...node.state.said, ...(node.state.decision ? [node.state.decision] : [])];
    for (const message of said) this.send(node.self, message);
    this.#after(RESEND_MS, () => this.#resend(node));
  }

  #input(node: Node, input: Input): void {
    if (node.state === null) return;
    const done = this.code.machine.step(node.agreement, this.#judge(node), node.state, input);
    node.state = done.state;
    this.#rounds = Math.max(this.#rounds, node.state.round);
    this.#perform(node, done.effects);
  }

  #perform(node: Node, effects: readonly Effect[]): void {
    const crashesAt =
      this.#now < CALM_MS && this.random.chance(this.#weather.crash) ? this.random.between(0, effects.length) : -1;
    for (const [i, effect] of effects.entries()) {
      if (i === crashesAt) {
        this.#crash(node);
        return;
      }
      switch (effect.kind) {
        case "persist":
          node.memory = effect.memory;
          break;
        case "broadcast":
          this.send(node.self, effect.message);
          break;
        case "timer":
          this.#after(roundTimeoutMs(effect.round, {baseMs: FIRST_ROUND_MS, maxMs: this.#weather.maxRoundMs}), () =>
            this.#input(node, {kind: "timeout", round: effect.round}),
          );
          break;
        case "decided":
          node.decided.add(effect.decision.value);
          if (!this.code.proofs.isDecision(node.agreement, effect.decision)) this.#wrong.push("a certificate is none");
          break;
        case "equivocation":
          this.#equivocations++;
          for (const {author} of effect.votes) {
            if (!this.liars.has(author)) this.#wrong.push(`${author} is honest and was caught`);
          }
      }
    }
    if (node.memory?.decision) node.decided.add(node.memory.decision.value);
    // After the last of them, or when there was none.
    if (crashesAt === effects.length) this.#crash(node);
  }

  #crash(node: Node): void {
    node.state = null;
    this.#after(this.random.between(10, 400), () => this.#begin(node));
  }

  #after(ms: number, run: () => void): void {
    const event = {at: this.#now + ms, run};
    let low = 0;
    for (let high = this.#queue.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.#queue[middle]!.at <= event.at) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, event);
  }
}

const factsOf = (value: string): number[] => value.split(",").map(Number).filter(Number.isInteger);
