import {REASONS, type ReasonCode} from "./reasons/index.js";

export type {ReasonCode};

/** What an error may carry: plain data for the reader, never a secret. */
export type ErrorData = {readonly [key: string]: unknown};

/**
 * The one error class. Codes are API: each stands in {@link REASONS} and docs/reasons.md with its meaning, whose
 * fault it is and what to do.
 */
export class PleiadesError extends Error {
  readonly code: ReasonCode;
  readonly data: ErrorData;
  override readonly name = "PleiadesError";

  constructor({code, ...data}: {code: ReasonCode} & ErrorData, options?: {cause?: unknown}) {
    super(describe(code, data), options);
    this.code = code;
    this.data = data;
  }

  toJSON(): {code: ReasonCode; message: string} & ErrorData {
    return {...this.data, code: this.code, message: this.message};
  }
}

function describe(code: ReasonCode, data: ErrorData): string {
  const details = Object.entries(data)
    .filter(([, value]) => value !== undefined && typeof value !== "object")
    .map(([key, value]) => `${key}: ${String(value).slice(0, 200)}`)
    .join(", ");
  return details === "" ? REASONS[code].meaning : `${REASONS[code].meaning} (${details})`;
}

/** The code of a known error, else INTERNAL: an unknown failure is never taken for a known one. */
export const codeOf = (error: unknown): ReasonCode => (error instanceof PleiadesError ? error.code : "INTERNAL");
