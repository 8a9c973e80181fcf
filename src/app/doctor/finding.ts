import {codeOf, PleiadesError, type ReasonCode} from "../../core/errors.js";
import {REASONS} from "../../core/reasons/index.js";

/** `warn` is worth a look; only `fail` keeps this node from doing its work. */
export type FindingStatus = "ok" | "warn" | "fail";

/** One thing the doctor looked at. */
export interface Finding {
  readonly check: string;
  readonly status: FindingStatus;
  /** What was seen, in one line. */
  readonly detail: string;
  /** Explained in docs/reasons.md. */
  readonly code?: ReasonCode;
  readonly action?: string;
}

export const ok = (check: string, detail: string): Finding => ({check, status: "ok", detail});
export const warn = (check: string, detail: string, action: string): Finding => ({
  check,
  status: "warn",
  detail,
  action,
});
export const fail = (check: string, detail: string, action: string): Finding => ({
  check,
  status: "fail",
  detail,
  action,
});

/** An error as a finding: its code, the data that tells where, and what to do. */
export function failed(check: string, error: unknown, status: "warn" | "fail" = "fail"): Finding {
  const code = codeOf(error);
  const {meaning, action} = REASONS[code];
  const data = error instanceof PleiadesError ? Object.entries(error.data) : [["error", String(error)] as const];
  const where = data
    .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
    .map(([key, value]) => `${key} ${value}`);
  return {check, status, code, detail: [meaning.replace(/\.$/, ""), ...where].join("; "), action};
}

/** Runs one look; what it throws is its finding. */
export async function look(check: string, task: () => Promise<readonly Finding[] | Finding>): Promise<Finding[]> {
  try {
    const found = await task();
    return [found].flat();
  } catch (error) {
    return [failed(check, error)];
  }
}
