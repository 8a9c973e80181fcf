import {type Bucket, fullBucket, take} from "../../core/token-bucket.js";
import type {Clock} from "../../ports/clock.js";
import {type Frame, KIND} from "./frames.js";
import {MAX_IN_HAND, MAX_IN_HAND_BYTES, RATE} from "./limits.js";

interface Options {
  /** Resolves, never rejects, when the frame's work is done; may throw. */
  readonly take: (frame: Frame) => Promise<void> | undefined;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly fail: (error: unknown) => void;
}

/** What came from one peer, handed on no faster than it is worked off; beyond that the peer is not read. */
export class Intake {
  readonly #clock: Clock;
  readonly #options: Options;
  #waiting: Frame[] = [];
  #bucket: Bucket;
  #inHand = 0;
  #inHandBytes = 0;
  #working = false;
  #closed = false;
  #cancelWait: (() => void) | null = null;
  paused = false;

  constructor({clock}: {clock: Clock}, options: Options) {
    this.#clock = clock;
    this.#options = options;
    this.#bucket = fullBucket(RATE, clock.monotonic());
  }

  add(frame: Frame): void {
    this.#waiting.push(frame);
  }

  /** Hands on what may be handed on. */
  work(): void {
    if (this.#working || this.#closed || this.#cancelWait !== null) return;
    this.#working = true;
    try {
      let at = 0;
      for (; at < this.#waiting.length && !this.#closed; at++) {
        const frame = this.#waiting[at]!;
        if (!this.#mayTake(frame)) break;
        const work = this.#options.take(frame);
        if (work !== undefined) this.#hold(frame.body.length, work);
      }
      this.#waiting = this.#waiting.slice(at);
    } catch (error) {
      this.close();
      this.#options.fail(error);
    } finally {
      this.#working = false;
    }
    this.#setPaused(this.#waiting.length > 0);
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#cancelWait?.();
    this.#cancelWait = null;
  }

  /** Answers and signs of life cost the plugin nothing that it did not ask for. */
  #mayTake({kind, body}: Frame): boolean {
    if (kind !== KIND.message && kind !== KIND.request) return true;
    if (this.#inHand >= MAX_IN_HAND) return false;
    if (this.#inHand > 0 && this.#inHandBytes + body.length > MAX_IN_HAND_BYTES) return false;
    const {bucket, waitMs} = take(this.#bucket, RATE, this.#clock.monotonic());
    this.#bucket = bucket;
    if (waitMs === null) return true;
    this.#cancelWait = this.#clock.after(Math.ceil(waitMs), () => {
      this.#cancelWait = null;
      this.work();
    });
    return false;
  }

  #hold(bytes: number, work: Promise<void>): void {
    this.#inHand++;
    this.#inHandBytes += bytes;
    void work.finally(() => {
      this.#inHand--;
      this.#inHandBytes -= bytes;
      this.work();
    });
  }

  #setPaused(paused: boolean): void {
    if (this.#closed || this.paused === paused) return;
    this.paused = paused;
    if (paused) this.#options.pause();
    else this.#options.resume();
  }
}
