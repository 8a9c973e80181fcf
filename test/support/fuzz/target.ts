import {codeOf, PleiadesError} from "../../../src/core/errors.js";
import {isReasonCode} from "../../../src/core/reasons/index.js";
import type {Seeded} from "../seeded.js";

/** One place where input from outside comes in. */
export interface FuzzTarget {
  /** The next input, as bytes, so that a failing one can be written down, made smaller and tried again. */
  input(random: Seeded): Buffer;
  /** What the product made of it: "ok", "closed" or a code. Throws for anything the product must not do. */
  run(input: Buffer): Promise<string>;
  /** Throws unless a good request is still served. */
  healthy(): Promise<void>;
  /** Bytes in use after a garbage collection; of another process where the input goes there. */
  memory?(): Promise<number>;
  close(): Promise<void>;
}

export class FuzzFailure extends Error {}

/** The code of what a parser throws. @throws FuzzFailure for anything but a PleiadesError with a known code */
export async function outcomeOf(task: () => unknown): Promise<string> {
  try {
    await task();
    return "ok";
  } catch (error) {
    if (!(error instanceof PleiadesError)) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw new FuzzFailure(`not a known error: ${text}`, {cause: error});
    }
    return knownCode(codeOf(error));
  }
}

/** @throws FuzzFailure unless it is a code of ours that stands for a known situation */
export function knownCode(code: unknown): string {
  if (typeof code !== "string" || !isReasonCode(code) || code === "INTERNAL") {
    throw new FuzzFailure(`not a known code: ${String(code).slice(0, 200)}`);
  }
  return code;
}

export function insist(condition: boolean, what: string): asserts condition {
  if (!condition) throw new FuzzFailure(what);
}
