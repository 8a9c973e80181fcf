import type {PeerIdText, RootHex} from "../../core/bytes.js";
import {formatMemory, parseMemory} from "../../core/dkg/agreement.js";
import {chunkKey, itemAt, itemKey, itemsAt} from "../../core/dkg/draft.js";
import {hasHandover} from "../../core/dkg/handover.js";
import {decodeItem} from "../../core/dkg/items-codec.js";
import {encodeItem} from "../../core/dkg/items-json.js";
import {NEW_CEREMONY, step} from "../../core/dkg/machine.js";
import {failureOf, type Progress, progressOf} from "../../core/dkg/progress.js";
import {type Stepped, stepWith} from "../../core/dkg/put-off.js";
import type {DkgEffect, DkgInput, DkgState, Failure, Machine, Output, VaultCall} from "../../core/dkg/state.js";
import {codeOf, PleiadesError, type ReasonCode} from "../../core/errors.js";
import type {CeremonyJournal, JournalChange} from "../../ports/ceremony-journal.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {AnswerVault} from "./answer-vault.js";
import type {Ending} from "./ending.js";
import type {DkgAside} from "./jobs.js";
import {WantedChunks} from "./wanted.js";

export interface CeremonyModules {
  readonly journal: CeremonyJournal;
  readonly vault: AnswerVault;
  readonly aside: DkgAside;
  readonly settle: (ending: Ending) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** To all peers; those it does not reach pull it. */
  readonly publish: (text: string) => void;
  /** Some chunk is wanted from peers. */
  readonly wants: () => void;
  /** Something that `status` shows may have changed. */
  readonly changed: () => void;
}

export interface CeremonyStatus {
  readonly id: RootHex;
  readonly progress: Progress;
  readonly output: Output | null;
  readonly failure: Failure | null;
  /** Past its deadline, but others may still complete it. */
  readonly stalled: Failure | null;
  /** Why this operator's part stands still until the next start, or until the vault answers again; null while it goes on. */
  readonly halted: ReasonCode | null;
}

/** A vault that is away (its process starts again) is asked again after so long. */
const RETRY_MS = 2_000;
/** What a flood of items may add to what is still to be worked off; what is dropped is pulled later. */
const MAX_WAITING = 1_000;
/** node fires timers of more than 24 days at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How long after the deadline an old operator may still learn that the new ones have completed it, and retire. */
const GIVE_UP_MS = 7 * 24 * 60 * 60_000;

/**
 * One operator's part of one ceremony while its process lives: performs what the machine wants, in its order, and what
 * follows a persist only when that is durable. Everything it does again after a crash follows from the journal.
 */
export class RunningCeremony {
  readonly machine: Machine;
  readonly #modules: CeremonyModules;
  readonly #inputs: DkgInput[] = [];
  readonly #wanted = new WantedChunks();
  readonly #texts = new Map<string, string>();
  readonly #timers = new Set<() => void>();
  #state: DkgState = NEW_CEREMONY;
  #output: Output | null = null;
  #failure: Failure | null = null;
  #stalled: Failure | null = null;
  #ended: string | null = null;
  #halted: ReasonCode | null = null;
  #pumping: Promise<void> | null = null;
  /** Vault calls under way. */
  readonly #asking = new Set<Promise<unknown>>();
  /** It failed: from now on the vault is asked for nothing but to forget. */
  #failing = false;
  #closed = false;

  constructor(modules: CeremonyModules, machine: Machine) {
    this.#modules = modules;
    this.machine = machine;
  }

  get id(): RootHex {
    return this.machine.ceremony.id;
  }
  /** Texts of the items that this operator holds, by key. */
  get texts(): ReadonlyMap<string, string> {
    return this.#texts;
  }
  /** Hashes of chunks that this peer is asked for. */
  wanted(from: PeerIdText): readonly RootHex[] {
    const number = this.machine.ceremony.participants.find(({peerId}) => peerId === from)?.number;
    const own = number === undefined ? [] : itemsAt(this.#state, "deal", number);
    return this.#wanted.from(new Set(own.map(({hash}) => hash)));
  }
  /** What the journal says of its end; null while it goes on. */
  get ended(): string | null {
    return this.#output === null && this.#failure === null ? null : this.#ended;
  }
  get over(): boolean {
    return this.ended !== null;
  }

  /** Puts the journal in again, then goes on. @throws DKG_JOURNAL_CORRUPT */
  start(): void {
    const {journal} = this.#modules;
    try {
      for (const text of journal.items(this.id)) {
        const item = decodeItem(this.machine.ceremony, text);
        this.#texts.set(itemKey(item), text);
        this.#state = step(this.machine, this.#state, {kind: "item", item, stored: true}).state;
      }
      const agreement = journal.agreement(this.id);
      this.#inputs.push({kind: "start", memory: agreement === null ? null : parseMemory(this.machine, agreement)});
    } catch (error) {
      if (error instanceof PleiadesError && error.code === "DKG_JOURNAL_CORRUPT") throw error;
      throw new PleiadesError({code: "DKG_JOURNAL_CORRUPT", ceremony: this.id, reason: codeOf(error)}, {cause: error});
    }
    this.#armDeadline();
    this.#pump();
  }

  /** An item from a peer, in whatever form. @throws DKG_ITEM_* · CODEC_HEX */
  hear(text: string): void {
    if (this.#closed || this.#inputs.length >= MAX_WAITING) return;
    const item = decodeItem(this.machine.ceremony, text);
    if (this.#texts.has(itemKey(item))) return;
    // Whatever this operator says is durable before a peer hears it. Messages of the agreement are forgotten in time.
    if (item.author === this.machine.self && item.kind !== "agree") {
      this.#halt(new PleiadesError({code: "DKG_JOURNAL_LOST", ceremony: this.id, kind: item.kind}));
      return;
    }
    this.input({kind: "item", item, stored: false});
  }

  /**
   * A chunk from a peer; one that was not asked for, or is not what its name says, changes nothing. Resolves when it is
   * worked off, so that of many chunks few are in memory.
   */
  async receiveChunk(hash: RootHex, bytes: Uint8Array): Promise<void> {
    const arrived = this.#closed ? null : this.#wanted.arrive(hash);
    if (arrived === null) return;
    this.input({kind: "chunk", ...arrived.place, bytes, stored: false});
    await arrived.done;
  }

  /** @throws DKG_ABORT_LATE · DKG_JOURNAL_FAILED, or why it stands still; what the vault throws */
  async abort(reason: string): Promise<void> {
    const {machine} = this;
    if (itemAt(this.#state, "result", machine.self) !== null) {
      throw new PleiadesError({code: "DKG_ABORT_LATE", ceremony: this.id});
    }
    if (!this.#closed) return this.input({kind: "abort", reason});
    if (this.#halted !== "DKG_JOURNAL_LOST") {
      throw new PleiadesError({code: this.#halted ?? "DKG_CEREMONY_OVER", ceremony: this.id});
    }
    // Nothing is said any more, so the others will only miss it.
    const failure = {...failureOf(machine, this.#state, "aborted"), said: [`${machine.self}: ${reason}`]};
    await this.#fail({output: null, failure});
  }

  status(): CeremonyStatus {
    return {
      id: this.id,
      progress: progressOf(this.machine, this.#state),
      output: this.#output,
      failure: this.#failure,
      stalled: this.#stalled,
      halted: this.#halted,
    };
  }

  input(input: DkgInput): void {
    if (this.#closed) return;
    this.#inputs.push(input);
    this.#pump();
  }

  /** Stops where it is; resolves when nothing is being written any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#drop();
    await this.#pumping;
  }

  /** Nobody waits for anything of it any more. */
  #drop(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#wanted.drop();
  }

  #pump(): void {
    this.#pumping ??= this.#work().finally(() => {
      this.#pumping = null;
      if (this.#inputs.length > 0 && !this.#closed) this.#pump();
    });
  }

  async #work(): Promise<void> {
    // A turn later: what comes in one turn is taken together.
    await Promise.resolve();
    try {
      for (let input = this.#inputs.shift(); input !== undefined && !this.#closed; input = this.#inputs.shift()) {
        const {state, effects} = await this.#step(input);
        if (this.#closed) return;
        this.#state = state;
        if (input.kind === "chunk") {
          this.#wanted.workedOff(input, ({dealing, chunk}) => {
            const key = chunkKey(dealing, chunk);
            return state.chunks.has(key) && !state.reading.has(key);
          });
        }
        await this.#perform(effects);
        this.#modules.changed();
      }
    } catch (error) {
      // What is under way in another thread ends with it.
      if (!this.#closed) this.#halt(error);
    }
  }

  /** What a step has to compute is computed beside this thread. Inputs that come meanwhile wait. */
  async #step(input: DkgInput): Promise<Extract<Stepped, {undone: null}>> {
    const done: unknown[] = [];
    for (;;) {
      const stepped = stepWith(this.machine, this.#state, input, done);
      if (stepped.undone === null) return stepped;
      const {job, argument} = stepped.undone;
      done.push(await this.#modules.aside.run(job, argument));
    }
  }

  async #perform(effects: readonly DkgEffect[]): Promise<void> {
    let changes: JournalChange[] = [];
    const flush = async (): Promise<void> => {
      if (changes.length === 0) return;
      const now = changes;
      changes = [];
      await this.#modules.journal.write(this.id, now);
      // Only now may a peer that asks be shown it.
      for (const change of now) {
        if (change.kind === "item") this.#texts.set(change.key, change.text);
        if (change.kind === "forget") this.#texts.delete(change.key);
      }
    };
    for (const effect of effects) {
      const change = this.#changeOf(effect);
      if (change !== null) {
        changes.push(change);
        continue;
      }
      await flush();
      if (this.#closed) return;
      await this.#act(effect);
    }
    await flush();
  }

  #changeOf(effect: DkgEffect): JournalChange | null {
    switch (effect.kind) {
      case "persist":
        return {kind: "item", key: itemKey(effect.item), text: encodeItem(effect.item)};
      case "forget":
        return {kind: "forget", key: itemKey(effect.item)};
      case "persist agreement":
        return {kind: "agreement", text: formatMemory(effect.memory)};
      case "persist chunk":
        return {kind: "chunk", hash: effect.hash, bytes: effect.bytes};
      default:
        return null;
    }
  }

  async #act(effect: DkgEffect): Promise<void> {
    const {journal, publish, wants} = this.#modules;
    switch (effect.kind) {
      case "publish":
        publish(encodeItem(effect.item));
        return;
      case "read chunk": {
        const {dealing, chunk, hash} = effect;
        const bytes = journal.chunk(this.id, hash);
        if (bytes !== null) return void this.#inputs.push({kind: "chunk", dealing, chunk, bytes, stored: true});
        this.#wanted.want(hash, {dealing, chunk});
        wants();
        return;
      }
      case "vault":
        this.#ask(effect.call);
        return;
      case "timer":
        this.#after(effect.ms, {kind: "timer", name: effect.name});
        return;
      case "round timer":
        this.#after(effect.ms, {kind: "round timer", round: effect.round});
        return;
      case "finished":
        this.#settle({output: effect.output, failure: null});
        return;
      case "failed":
        this.#settle({output: null, failure: effect.failure});
        return;
      case "handed over":
        this.#untilDone("end", () => this.#end({output: this.#state.output, failure: null}));
        return;
      case "stalled":
        this.#stalled = effect.failure;
        // It is served for as long, so it may be completed for as long.
        this.#after(GIVE_UP_MS, {kind: "give up"});
        return;
      default:
        return;
    }
  }

  #ask(call: VaultCall): void {
    this.#untilDone(`vault ${call.call}`, async () => {
      // A seed that was made after the vault was told to forget would stay there.
      if (this.#failing) return;
      const asked = this.#modules.vault(call);
      this.#asking.add(asked);
      this.input(await asked.finally(() => this.#asking.delete(asked)));
    });
  }

  /** After a reshare the key is still to be handed over. */
  #settle(ending: Ending): void {
    this.#failing = ending.output === null;
    this.#untilDone("settle", async () => {
      if (this.#closed) return;
      if (ending.output === null) return this.#fail(ending);
      await this.#modules.settle(ending);
      if (this.#closed) return;
      if (hasHandover(this.machine)) this.input({kind: "settled"});
      else await this.#end(ending);
    });
  }

  /** What was asked of the vault is answered first: a seed that came after it was told to forget would stay. */
  async #fail(ending: Ending): Promise<void> {
    this.#failing = true;
    await Promise.allSettled([...this.#asking]);
    await this.#modules.settle(ending);
    await this.#end(ending);
  }

  /** It is over once that is durable: a crash before makes all of this come again. */
  async #end({output, failure}: Ending): Promise<void> {
    const {journal, changed} = this.#modules;
    const report =
      output === null ? {outcome: "failed", failure} : {outcome: "finished", transcript: output.transcript};
    const ended = JSON.stringify(report, (_, value) => (typeof value === "bigint" ? value.toString() : value));
    await journal.end(this.id, ended);
    this.#ended = ended;
    this.#output = output;
    this.#failure = failure;
    changed();
  }

  /** Others do part of the work (the keeper above all), and may be away for a while. */
  #untilDone(what: string, work: () => Promise<void>): void {
    work().then(
      () => {
        if (!this.#closed) this.#halted = null;
      },
      (error: unknown) => {
        if (this.#closed) return;
        const code = codeOf(error);
        if (code === "DKG_JOURNAL_FAILED") return this.#halt(error);
        if (this.#halted !== code) {
          this.#modules.logger.error("a step of a ceremony failed and is tried again", {
            ceremony: this.id,
            code,
            what,
            error: String(error),
          });
        }
        this.#halted = code;
        this.#modules.changed();
        this.#later(RETRY_MS, () => this.#untilDone(what, work));
      },
    );
  }

  #armDeadline(): void {
    const leftMs = this.machine.ceremony.definition.deadline * 1_000 - this.#modules.clock.now();
    if (leftMs <= 0) this.input({kind: "deadline"});
    else this.#later(Math.min(leftMs, MAX_TIMER_MS), () => this.#armDeadline());
  }

  #after(ms: number, input: DkgInput): void {
    this.#later(ms, () => this.input(input));
  }

  #later(ms: number, run: () => void): void {
    const cancel = this.#modules.clock.after(ms, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }

  #halt(error: unknown): void {
    this.#closed = true;
    this.#inputs.length = 0;
    this.#drop();
    this.#halted = codeOf(error);
    const fields = {ceremony: this.id, code: this.#halted, error: String(error)};
    this.#modules.logger.error("a ceremony stands still here until the next start", fields);
    this.#modules.changed();
  }
}
