import {availableParallelism} from "node:os";
import {Worker} from "node:worker_threads";
import {expect} from "chai";
import type {Outcome} from "../simulation/simulate.js";

/** How many requests to signing services, over all seeds together. */
const DUTIES = Number(process.env.PLEIADES_SIM_DUTIES ?? 1_000_000);
/** Beyond those of `npm test`. */
const FIRST_SEED = Number(process.env.PLEIADES_SIM_FIRST_SEED ?? 10_001);
const PROGRESS_MS = 15_000;
/** More of the same would not tell more. */
const ENOUGH_FAILURES = 5;

/** Takes the seeds of a run together. */
class Tally {
  readonly failed: Outcome[] = [];
  seeds = 0;
  duties = 0;
  events = 0;
  readonly counts = new Map<string, number>();
  readonly #started = performance.now();

  add(outcome: Outcome): void {
    this.seeds++;
    this.duties += outcome.duties;
    this.events += outcome.events;
    for (const [what, count] of Object.entries(outcome.counts)) {
      this.counts.set(what, (this.counts.get(what) ?? 0) + count);
    }
    if (outcome.violations.length > 0) this.failed.push(outcome);
  }

  get over(): boolean {
    return this.duties >= DUTIES || this.failed.length >= ENOUGH_FAILURES;
  }

  get line(): string {
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = Math.round(this.duties / seconds);
    const counts = [...this.counts].map(([what, count]) => `${what} ${count}`).join(", ");
    return (
      `${this.seeds} seeds, ${this.duties} duties, ${this.events} events in ${seconds.toFixed(0)} s ` +
      `(${rate} duties/s), ${this.failed.length} seeds failed; ${counts}`
    );
  }
}

/** Runs consecutive seeds on every core until the tally is over. */
function run(tally: Tally): Promise<void> {
  const next = new Int32Array(new SharedArrayBuffer(8));
  next[0] = FIRST_SEED;
  const workers = Array.from({length: availableParallelism()}, () => {
    const worker = new Worker(new URL("./many-committees-worker.js", import.meta.url), {workerData: {next}});
    const ended = new Promise<void>((resolve, reject) => {
      worker.on("error", reject);
      worker.on("exit", () => resolve());
    });
    worker.on("message", (outcome: Outcome) => {
      tally.add(outcome);
      if (tally.over) Atomics.store(next, 1, 1);
    });
    return ended;
  });
  return Promise.all(workers).then(() => {});
}

describe("very many simulated committees", function () {
  this.timeout(0);

  it(`are safe, sign what they must and blame nobody honest over ${DUTIES} duties`, async () => {
    const tally = new Tally();
    const progress = setInterval(() => console.log(tally.line), PROGRESS_MS);
    try {
      await run(tally);
    } finally {
      clearInterval(progress);
    }
    console.log(`from seed ${FIRST_SEED}: ${tally.line}`);
    const told = tally.failed.map(
      ({seed, violations}) =>
        `PLEIADES_SIM_SEED=${seed} npm test -- simulation\n  ${violations.slice(0, 10).join("\n  ")}`,
    );
    if (told.length > 0) expect.fail(`${told.length} seeds failed:\n${told.join("\n")}`);
    expect(tally.duties).to.be.at.least(DUTIES);
  });
});
