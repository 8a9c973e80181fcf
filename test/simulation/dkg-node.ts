import type {RootHex} from "../../src/core/bytes.js";
import {formatMemory, parseMemory} from "../../src/core/dkg/agreement.js";
import {chunkKey, itemKey} from "../../src/core/dkg/draft.js";
import type {AnyItem} from "../../src/core/dkg/items.js";
import {encodeItem} from "../../src/core/dkg/items-json.js";
import {NEW_CEREMONY, step} from "../../src/core/dkg/machine.js";
import {type Stepped, stepWith} from "../../src/core/dkg/put-off.js";
import type {DkgEffect, DkgInput, DkgState, Failure, Machine, Output} from "../../src/core/dkg/state.js";
import {workHere} from "../../src/core/dkg/work.js";
import type {Sabotage} from "./dkg-simulate.js";
import type {SimulatedVault} from "./dkg-vault.js";
import type {DkgWorld} from "./dkg-world.js";

/** What is on an operator's disk. */
export interface Journal {
  readonly items: Map<string, {readonly item: AnyItem; readonly text: string}>;
  readonly chunks: Map<RootHex, Uint8Array>;
  agreement: string | null;
}

/** One operator: its disk and vault outlive a crash, its machine does not. */
export class DkgNode {
  readonly number: number;
  readonly machine: Machine;
  readonly vault: SimulatedVault;
  readonly journal: Journal = {items: new Map(), chunks: new Map(), agreement: null};
  readonly honest: boolean;
  /** Chunks asked for that are not on the disk, by hash. */
  readonly wanted = new Map<RootHex, {dealing: RootHex; chunk: number}>();
  protected readonly world: DkgWorld;
  state: DkgState = NEW_CEREMONY;
  output: Output | null = null;
  failure: Failure | null = null;
  stalled: Failure | null = null;
  /** Its part of a reshare's handover is done. */
  handedOver = false;
  up = false;
  /** Counts its lives: what was begun in an earlier one is lost. */
  life = 0;

  /** Nothing, but where the simulation itself is tested. */
  sabotage: Pick<Sabotage, "crashed" | "hears" | "after"> = {};

  constructor(world: DkgWorld, machine: Machine, vault: SimulatedVault, {honest}: {honest: boolean}) {
    this.world = world;
    this.number = machine.self;
    this.machine = machine;
    this.vault = vault;
    this.honest = honest;
  }

  /** Puts the journal in again, then goes on. */
  start(): void {
    this.up = true;
    this.life++;
    this.state = NEW_CEREMONY;
    for (const {item} of this.journal.items.values()) this.input({kind: "item", item, stored: true});
    const {agreement} = this.journal;
    this.input({kind: "start", memory: agreement === null ? null : parseMemory(this.machine, agreement)});
  }

  crash(): void {
    this.up = false;
    this.wanted.clear();
    this.vault.crash();
    this.sabotage.crashed?.(this);
    this.world.note(`${this.number} crashes`);
  }

  input(input: DkgInput): void {
    if (!this.up || (input.kind === "item" && this.sabotage.hears?.(this, input.item) === false)) return;
    const {state, effects} = this.#step(input);
    this.state = state;
    this.sabotage.after?.(this);
    for (const effect of effects) {
      if (this.world.crashesNow(this)) return;
      this.perform(effect);
    }
  }

  /** Every second node as an operator does it: what a step has to compute is computed outside of it. */
  #step(input: DkgInput): Omit<Extract<Stepped, {undone: null}>, "undone"> {
    if (this.number % 2 === 0) return step(this.machine, this.state, input);
    const work = workHere(this.machine.group);
    const done: unknown[] = [];
    for (;;) {
      const stepped = stepWith(this.machine, this.state, input, done);
      if (stepped.undone === null) return stepped;
      const {job, argument} = stepped.undone;
      done.push(work(job, argument));
    }
  }

  /** Something that comes in later, if this life still goes on. */
  protected later(ms: number, label: string, run: () => void): void {
    const {life} = this;
    this.world.scheduler.after(ms, `${this.number} ${label}`, () => {
      if (this.up && this.life === life) run();
    });
  }

  protected perform(effect: DkgEffect): void {
    const {world} = this;
    switch (effect.kind) {
      case "persist":
        this.keep(effect.item);
        return;
      case "persist agreement":
        this.journal.agreement = formatMemory(effect.memory);
        return;
      case "forget":
        this.journal.items.delete(itemKey(effect.item));
        return;
      case "persist chunk":
        this.journal.chunks.set(effect.hash, effect.bytes);
        return;
      case "publish":
        this.publish(effect.item);
        return;
      case "read chunk": {
        const {dealing, chunk, hash} = effect;
        const bytes = this.journal.chunks.get(hash);
        if (bytes === undefined) this.wanted.set(hash, {dealing, chunk});
        else {
          const read = () => this.input({kind: "chunk", dealing, chunk, bytes, stored: true});
          this.later(world.random.between(1, 5), "reads", read);
        }
        return;
      }
      case "vault": {
        const {call} = effect;
        this.later(world.random.between(1, 10), `vault ${call.call}`, () => {
          const answer = this.vault.answer(call);
          // It may end between the vault's answer and what is made of it.
          if (!world.crashesNow(this)) this.input(answer);
        });
        return;
      }
      case "timer":
        this.later(effect.ms, `timer ${effect.name}`, () => this.input({kind: "timer", name: effect.name}));
        return;
      case "round timer":
        this.later(effect.ms, `round ${effect.round}`, () => this.input({kind: "round timer", round: effect.round}));
        return;
      case "finished":
        this.output = effect.output;
        world.note(`${this.number} finished ${effect.output.transcript}`);
        this.later(world.random.between(1, 50), "puts it to use", () => this.input({kind: "settled"}));
        return;
      case "handed over":
        this.handedOver = true;
        return;
      case "stalled":
        this.stalled = effect.failure;
        return;
      case "failed":
        this.failure = effect.failure;
        world.note(`${this.number} failed ${effect.failure.reason} ${effect.failure.missing.join()}`);
        return;
    }
  }

  protected keep(item: AnyItem): void {
    this.journal.items.set(itemKey(item), {item, text: encodeItem(item)});
  }

  protected publish(item: AnyItem): void {
    const text = encodeItem(item);
    this.world.said(this, item);
    for (const peer of this.world.nodes) if (peer !== this) this.world.send(this, peer, text);
  }

  /** What a peer lacks of what this node holds. */
  offer(peer: DkgNode): {texts: readonly string[]; chunks: readonly {hash: RootHex; bytes: Uint8Array}[]} {
    const texts = [...this.journal.items].filter(([key]) => !peer.journal.items.has(key)).map(([, {text}]) => text);
    const chunks = [...peer.wanted.keys()].flatMap((hash) => {
      const bytes = this.journal.chunks.get(hash);
      return bytes === undefined ? [] : [{hash, bytes}];
    });
    return {texts, chunks};
  }

  receiveChunk(hash: RootHex, bytes: Uint8Array): void {
    const asked = this.wanted.get(hash);
    if (asked === undefined || !this.up) return;
    this.wanted.delete(hash);
    this.input({kind: "chunk", ...asked, bytes, stored: false});
    // Bytes that were not the ones asked for leave the chunk where it was.
    if (this.up && !this.state.chunks.has(chunkKey(asked.dealing, asked.chunk))) this.wanted.set(hash, asked);
  }
}
