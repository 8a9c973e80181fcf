interface Event {
  readonly at: number;
  readonly order: number;
  readonly label: string;
  run: (() => void) | null;
}

/** What happens is hashed as it happens, so that two runs of a seed can be compared. @see FNV-1a */
class TraceHash {
  #low = 0x811c9dc5;
  #high = 0x1b873593;

  add(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      this.#low = Math.imul(this.#low ^ code, 0x01000193);
      this.#high = Math.imul(this.#high ^ code, 0x5bd1e995) ^ (this.#low >>> 15);
    }
  }

  get hex(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }
}

/**
 * Simulated time: events in order of time, then of creation. Between two events every microtask runs, so product code
 * that awaits goes as far as it can without a timer, a turn, a commit or a message; each of those is an event.
 */
export class Scheduler {
  readonly #heap: Event[] = [];
  readonly #hash = new TraceHash();
  readonly #log: ((line: string) => void) | null;
  #now = 0;
  #order = 0;
  #events = 0;
  #pumping = false;
  #free = false;

  constructor({log = null}: {log?: ((line: string) => void) | null} = {}) {
    this.#log = log;
  }

  /** Milliseconds since the start. */
  get now(): number {
    return this.#now;
  }

  get events(): number {
    return this.#events;
  }

  /** Of all labels and notes so far. */
  get trace(): string {
    return this.#hash.hex;
  }

  /** Runs `run` in `ms` from now unless cancelled; the returned function cancels and may be called twice. */
  after(ms: number, label: string, run: () => void): () => void {
    const event: Event = {at: this.#now + Math.max(0, ms), order: this.#order++, label, run};
    this.#push(event);
    if (this.#free) this.#pump();
    return () => {
      event.run = null;
    };
  }

  /** Adds what happened inside an event to the trace. */
  note(text: string): void {
    this.#hash.add(text);
    this.#log?.(`${this.#now.toFixed(1).padStart(10)}    ${text}`);
  }

  /** Runs what is due until `untilMs`, or until nothing is left; false when `maxEvents` did not suffice. */
  async run(untilMs: number, maxEvents = 1_000_000): Promise<boolean> {
    for (let i = 0; i < maxEvents; i++) {
      const event = this.#peek();
      if (event === undefined || event.at > untilMs) {
        if (Number.isFinite(untilMs)) this.#now = Math.max(this.#now, untilMs);
        return true;
      }
      this.#pop();
      this.#now = event.at;
      this.#events++;
      this.#hash.add(`${event.at}|${event.label}`);
      this.#log?.(`${event.at.toFixed(1).padStart(10)} ${event.label}`);
      event.run?.();
      await drained();
    }
    return false;
  }

  /** From now on events run by themselves, as fast as they can: for contract suites, which know nothing of simulated time. */
  runFreely(): void {
    this.#free = true;
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    void this.run(Number.POSITIVE_INFINITY).then(() => {
      this.#pumping = false;
      if (this.#peek() !== undefined) this.#pump();
    });
  }

  /** The next event that was not cancelled. */
  #peek(): Event | undefined {
    while (this.#heap[0]?.run === null) this.#pop();
    return this.#heap[0];
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isSooner(heap[i]!, heap[parent]!)) break;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && isSooner(heap[child]!, heap[least]!)) least = child;
      }
      if (least === i) return;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }
}

const isSooner = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Resolves when no microtask is left: Node runs them all before it goes on to the next callback. */
const drained = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
