import {writeFileSync} from "node:fs";
import {Seeded} from "../seeded.js";
import type {FuzzTarget} from "./target.js";

/** No input may take longer, on however busy a machine; the slowest, a bundle at the most costly scrypt, takes several. */
const INPUT_BOUND_MS = 20_000;
/** Caches fill while the first inputs run; between the first and the last look the memory in use may not grow by more. */
const MAX_GROWTH_BYTES = 24 * 2 ** 20;
const PHASES = 4;
const MINIMISE_MS = 10_000;
const HEALTH_EVERY_MS = 5_000;

export interface FuzzResult {
  readonly inputs: number;
  /** "ok", "closed" or a code, and how often. */
  readonly outcomes: {readonly [outcome: string]: number};
  /** After a garbage collection, at the end of each quarter of the run. */
  readonly memory: readonly number[];
  readonly slowestMs: number;
  readonly failure: {readonly what: string; readonly input: string | null} | null;
}

export interface FuzzOptions {
  readonly seed: number;
  /** Ends after so many inputs or so many seconds, whichever comes first. */
  readonly inputs: number;
  readonly seconds: number;
  readonly currentFile: string;
  readonly gc: () => void;
  readonly inputBoundMs?: number;
}

/**
 * Runs inputs that follow from the seed until there were enough of them or one fails. Each input is written to `currentFile`
 * before it runs, so that a process that dies or hangs leaves behind what did it.
 */
export async function fuzz(
  target: FuzzTarget,
  {seed, inputs: most, seconds, currentFile, gc, inputBoundMs = INPUT_BOUND_MS}: FuzzOptions,
): Promise<FuzzResult> {
  const random = new Seeded(seed);
  const outcomes: {[outcome: string]: number} = {};
  const memory: number[] = [];
  let inputs = 0;
  let slowestMs = 0;
  let failure: FuzzResult["failure"] = null;
  // What nobody awaits any more is put down to the input that runs. A mistake of this file still ends the process.
  let unhandled: unknown = null;
  let running = false;
  const onUnhandled = (error: unknown): void => {
    if (!running) throw error;
    unhandled ??= error;
  };
  process.on("unhandledRejection", onUnhandled);
  process.on("uncaughtException", onUnhandled);
  const used = async (): Promise<number> => {
    gc();
    gc();
    if (target.memory !== undefined) return target.memory();
    const {heapUsed, external} = process.memoryUsage();
    return heapUsed + external;
  };
  const attempt = async (input: Buffer): Promise<{outcome: string} | {what: string}> => {
    const startedAt = performance.now();
    running = true;
    try {
      const outcome = await bounded(target.run(input), inputBoundMs);
      if (unhandled !== null) throw unhandled;
      return {outcome};
    } catch (error) {
      unhandled = null;
      return {what: error instanceof Error ? (error.stack ?? error.message) : String(error)};
    } finally {
      running = false;
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    }
  };
  await target.healthy();
  const start = performance.now();
  /** From 0 to 1 and beyond. */
  const progress = (): number => Math.max(inputs / most, (performance.now() - start) / (seconds * 1000));
  let healthAt = start + HEALTH_EVERY_MS;
  while (progress() < 1) {
    const input = target.input(random);
    writeFileSync(currentFile, input);
    const result = await attempt(input);
    inputs++;
    if ("what" in result) {
      failure = {what: result.what, input: (await minimise(input, attempt)).toString("base64")};
      break;
    }
    outcomes[result.outcome] = (outcomes[result.outcome] ?? 0) + 1;
    if (progress() >= (memory.length + 1) / PHASES) memory.push(await used());
    if (performance.now() > healthAt) {
      await target.healthy();
      healthAt = performance.now() + HEALTH_EVERY_MS;
    }
  }
  if (failure === null) {
    try {
      await bounded(target.healthy(), inputBoundMs);
      memory.push(await used());
    } catch (error) {
      failure = {what: `afterwards: ${String(error)}`, input: null};
    }
    const grown = (memory.at(-1) ?? 0) - (memory[0] ?? 0);
    if (grown > MAX_GROWTH_BYTES)
      failure ??= {what: `memory grew by ${grown} bytes: ${memory.join(", ")}`, input: null};
  }
  return {inputs, outcomes, memory, slowestMs: Math.round(slowestMs), failure};
}

async function bounded<T>(promise: Promise<T>, boundMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${boundMs} ms`)), boundMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The input with as much removed as it still fails without, within a bound. */
async function minimise(
  input: Buffer,
  attempt: (input: Buffer) => Promise<{outcome: string} | {what: string}>,
): Promise<Buffer> {
  const end = performance.now() + MINIMISE_MS;
  let best = input;
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length && performance.now() < end; ) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if ("what" in (await attempt(shorter))) best = shorter;
      else at += size;
    }
  }
  return best;
}
