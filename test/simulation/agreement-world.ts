/** Participants of an agreement, honest and lying, on a network that drops, delays, repeats and at last calms down. */
import {createHash} from "node:crypto";
import type {RootHex} from "../../src/core/bytes.js";
import {formatMessage, parseMessage} from "../../src/core/consensus/codec.js";
import {
  type Agreement,
  type Effect,
  type Input,
  type Judge,
  type Memory,
  newState,
  restore,
  type State,
  step,
} from "../../src/core/consensus/machine.js";
import {instanceOf, type Message} from "../../src/core/consensus/messages.js";
import {quorumOf, roundTimeoutMs, tolerated} from "../../src/core/consensus/quorum.js";
import {codeOf} from "../../src/core/errors.js";
import {AgreementLiar} from "./agreement-liar.js";
import {Random} from "./random.js";

/** What the run breaks on purpose, to show that the checks would find it. */
export type AgreementSabotage =
  | "signatures of others are not checked"
  | "a quorum is one less"
  | "a restart forgets"
  | null;

const CALM_MS = 1500;
const END_MS = 120_000;
const RESEND_MS = 60;
const TIMEOUT = {baseMs: 80, maxMs: 2000};

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
  readonly liars: ReadonlyMap<number, AgreementLiar>;
  readonly #nodes: Node[];
  readonly #sabotage: AgreementSabotage;
  readonly #queue: {at: number; run: () => void}[] = [];
  readonly #wrong: string[] = [];
  #now = 0;
  #rounds = 0;
  #equivocations = 0;

  constructor(seed: number, sabotage: AgreementSabotage = null) {
    this.random = new Random(seed);
    this.n = this.random.pick([4, 4, 7, 10]);
    this.#sabotage = sabotage;
    this.id = instanceOf("simulation", Buffer.from(String(seed)));
    const offset = this.random.between(0, this.n - 1);
    const liars = this.random.some(this.participants(), this.random.between(0, tolerated(this.n)));
    this.liars = new Map(liars.map((self) => [self, new AgreementLiar(this, {self, offset})]));
    this.#nodes = this.participants()
      .filter((self) => !this.liars.has(self))
      .map((self) => this.#newNode(self, offset));
  }

  participants(): number[] {
    return Array.from({length: this.n}, (_, i) => i + 1);
  }

  sign(author: number, bytes: Uint8Array): string {
    return `0x${createHash("sha256").update(`${author} signs`).update(bytes).digest("hex").slice(0, 32)}`;
  }

  /** To everybody, or to those named; liars hear everything. */
  send(from: number, message: Message, to: readonly number[] = this.participants()): void {
    for (const receiver of to) {
      if (receiver === from) continue;
      const calm = this.#now >= CALM_MS;
      if (!calm && this.random.chance(0.3)) continue;
      for (const _ of this.random.chance(0.1) ? [1, 2] : [1]) {
        this.#after(this.random.between(1, calm ? 25 : 250), () => this.#deliver(from, receiver, message));
      }
    }
  }

  run(): AgreementOutcome {
    for (const node of this.#nodes) {
      this.#after(this.random.between(0, 300), () => this.#begin(node));
      this.#after(RESEND_MS, () => this.#resend(node));
      for (const fact of this.participants()) {
        const late = this.random.chance(0.3) ? CALM_MS + 200 : 400;
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
    for (const value of values) if (factsOf(value).length < quorumOf(this.n)) this.#wrong.push(`decided ${value}`);
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
      this.#sabotage === "signatures of others are not checked" || signature === this.sign(author, bytes);
    const n = this.#sabotage === "a quorum is one less" ? this.n - 2 : this.n;
    const agreement = {id: this.id, n, self, offset, verify, sign: (bytes: Uint8Array) => this.sign(self, bytes)};
    return {self, agreement, facts: new Set(), state: null, memory: null, decided: new Set()};
  }

  #judge(node: Node): Judge {
    return (value) => {
      const facts = factsOf(value);
      if (facts.length < quorumOf(this.n) || [...node.facts].some((fact) => !facts.includes(fact))) return "invalid";
      return facts.every((fact) => node.facts.has(fact)) ? "valid" : "not yet";
    };
  }

  #learn(node: Node, fact: number): void {
    node.facts.add(fact);
    if (node.facts.size >= quorumOf(this.n)) {
      this.#input(node, {kind: "propose", value: [...node.facts].sort((a, b) => a - b).join()});
    }
    this.#input(node, {kind: "recheck"});
  }

  #begin(node: Node): void {
    if (node.memory === null) {
      node.state = newState();
      this.#input(node, {kind: "start"});
    } else {
      const {state, effects} = restore(node.agreement, node.memory);
      node.state = state;
      this.#perform(node, effects);
    }
    this.#learn(node, node.self);
  }

  #deliver(from: number, receiver: number, message: Message): void {
    this.liars.get(receiver)?.hear(message);
    const node = this.#nodes.find(({self}) => self === receiver);
    if (node === undefined) return;
    // Through the codec, as between processes.
    let read: Message;
    try {
      read = parseMessage(formatMessage(message), {n: this.n, maxValueCharacters: 64});
    } catch (error) {
      if (this.liars.has(from) && codeOf(error) === "CONSENSUS_MALFORMED") return;
      throw error;
    }
    this.#input(node, {kind: "message", message: read});
  }

  #resend(node: Node): void {
    const said = node.state === null ? [] : [...node.state.said, ...(node.state.decision ? [node.state.decision] : [])];
    for (const message of said) this.send(node.self, message);
    this.#after(RESEND_MS, () => this.#resend(node));
  }

  #input(node: Node, input: Input): void {
    if (node.state === null) return;
    const done = step(node.agreement, this.#judge(node), node.state, input);
    node.state = done.state;
    this.#rounds = Math.max(this.#rounds, node.state.round);
    this.#perform(node, done.effects);
  }

  #perform(node: Node, effects: readonly Effect[]): void {
    const crashesAt = this.#now < CALM_MS && this.random.chance(0.03) ? this.random.between(0, effects.length) : -1;
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
          this.#after(roundTimeoutMs(effect.round, TIMEOUT), () =>
            this.#input(node, {kind: "timeout", round: effect.round}),
          );
          break;
        case "decided":
          node.decided.add(effect.decision.value);
          break;
        case "equivocation":
          this.#equivocations++;
          for (const {author} of effect.votes) {
            if (!this.liars.has(author)) this.#wrong.push(`${author} is honest and was caught`);
          }
      }
    }
    if (node.memory?.decision) node.decided.add(node.memory.decision.value);
  }

  #crash(node: Node): void {
    node.state = null;
    if (this.#sabotage === "a restart forgets") node.memory = null;
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
