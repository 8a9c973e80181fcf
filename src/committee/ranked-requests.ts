import type {PubkeyHex} from "../core/bytes.js";
import type {ReasonCode} from "../core/errors.js";
import type {Claim} from "../core/ranking/claim.js";
import {holdMs} from "../core/ranking/delay.js";
import {type DutyState, NEW_DUTY, type RankInput, step} from "../core/ranking/machine.js";
import {REASONS} from "../core/reasons/index.js";
import type {Clock} from "../ports/clock.js";
import type {PartialReply} from "../ports/operator-link.js";

/** Requests held at one time, over all signers: as many as an operator's link takes of them. */
const MAX_HELD = 4 * 4096;
/** Of one signer for one duty. A signer asks once and may be started anew; more is a flood, and each costs all the others. */
const MAX_PER_DUTY = 4;
/** Duties remembered: about half an epoch's of 10,000 validators. What is forgotten, the keeper's record still knows. */
const MAX_SIGNED = 4096;

interface Waiting {
  readonly duty: string;
  readonly pass: () => void;
  readonly refuse: (code: ReasonCode) => void;
  readonly gone: AbortSignal | undefined;
  /** Of the delay. */
  cancel: () => void;
}

/** Runs the ranking machine of every duty that an operator is asked about: timers, bounds and connections that end. */
export class RankedRequests {
  readonly #clock: Pick<Clock, "after">;
  readonly #signerDelayMs: number;
  /** Duties that somebody waits for. */
  readonly #active = new Map<string, DutyState>();
  /** The others that are known to be signed, the one longest at rest first. */
  readonly #signed = new Map<string, DutyState>();
  readonly #waiting = new Map<number, Waiting>();
  /** What is held for each connection that has held something. */
  readonly #connections = new WeakMap<AbortSignal, Set<number>>();
  #lastId = 0;

  constructor({clock}: {clock: Pick<Clock, "after">}, {signerDelayMs}: {signerDelayMs: number}) {
    this.#clock = clock;
    this.#signerDelayMs = signerDelayMs;
  }

  /** Requests that are held at this moment. */
  get held(): number {
    return this.#waiting.size;
  }

  /**
   * The keeper's answer, asked for by `sign` when it is this rank's turn. Else a refusal: OPERATOR_OUTRANKED ·
   * LINK_OVERLOADED (too many are held) · LINK_DISCONNECTED (`gone` aborted meanwhile, so nobody hears it).
   */
  request(
    {key, claim, rank}: {key: PubkeyHex; claim: Claim; rank: number},
    sign: () => Promise<PartialReply>,
    gone: AbortSignal | undefined,
  ): Promise<PartialReply> {
    if (gone?.aborted) return Promise.resolve(refusal("LINK_DISCONNECTED"));
    const duty = `${key} ${claim.duty}`;
    if (this.#isFull(duty, rank)) return Promise.resolve(refusal("LINK_OVERLOADED"));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const pass = (): void => {
        const answered = (signed: boolean): void => this.#feed(duty, {kind: "answered", id, signed});
        sign().then(
          (reply) => {
            answered(reply.kind === "signed");
            resolve(reply);
          },
          (error: unknown) => {
            answered(false);
            reject(error);
          },
        );
      };
      const refuse = (code: ReasonCode): void => resolve(refusal(code));
      this.#waiting.set(id, {duty, pass, refuse, gone, cancel: () => {}});
      this.#feed(duty, {kind: "asked", ask: {id, rank, root: claim.root}});
      if (this.#waiting.has(id) && gone !== undefined) this.#watch(id, gone);
    });
  }

  /** The first signer's are never held, so the others' cannot crowd them out. */
  #isFull(duty: string, rank: number): boolean {
    if (rank > 0 && this.#waiting.size >= MAX_HELD) return true;
    const own = this.#active.get(duty)?.asks.filter((ask) => ask.rank === rank) ?? [];
    return own.length >= MAX_PER_DUTY;
  }

  /** One listener for each connection: thousands on one signal would each have to be looked for. */
  #watch(id: number, gone: AbortSignal): void {
    const known = this.#connections.get(gone);
    if (known !== undefined) {
      known.add(id);
      return;
    }
    const held = new Set([id]);
    this.#connections.set(gone, held);
    gone.addEventListener("abort", () => {
      for (const one of held) this.#drop(one);
    });
  }

  #drop(id: number): void {
    const waiting = this.#release(id);
    if (waiting === undefined) return;
    waiting.refuse("LINK_DISCONNECTED");
    this.#feed(waiting.duty, {kind: "gone", id});
  }

  #feed(duty: string, input: RankInput): void {
    const {state, effects} = step(this.#active.get(duty) ?? this.#signed.get(duty) ?? NEW_DUTY, input);
    this.#keep(duty, state);
    for (const effect of effects) {
      if (effect.kind === "hold") {
        const {id, rank} = effect;
        const waiting = this.#waiting.get(id)!;
        waiting.cancel = this.#clock.after(holdMs(rank, this.#signerDelayMs), () =>
          this.#feed(duty, {kind: "due", id}),
        );
      } else if (effect.kind === "pass") this.#release(effect.id)?.pass();
      else this.#release(effect.id)?.refuse("OPERATOR_OUTRANKED");
    }
  }

  #release(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting === undefined) return undefined;
    waiting.cancel();
    if (waiting.gone !== undefined) this.#connections.get(waiting.gone)?.delete(id);
    return waiting;
  }

  #keep(duty: string, state: DutyState): void {
    this.#active.delete(duty);
    this.#signed.delete(duty);
    if (state.asks.length > 0) this.#active.set(duty, state);
    else if (state.signed !== null) this.#signed.set(duty, state);
    if (this.#signed.size <= MAX_SIGNED) return;
    const [oldest] = this.#signed.keys();
    this.#signed.delete(oldest!);
  }
}

const refusal = (code: ReasonCode): PartialReply => ({kind: "refused", code, message: REASONS[code].meaning});
