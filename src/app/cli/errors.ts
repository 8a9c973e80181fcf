import type {ReasonCode} from "../../core/errors.js";
import {codeOf, PleiadesError} from "../../core/errors.js";
import {REASONS} from "../../core/reasons/index.js";

export const EXIT = {ok: 0, failure: 1, usage: 2, interrupted: 130} as const;

export const exitCodeOf = (error: unknown): number =>
  error instanceof PleiadesError && error.code === "CLI_USAGE" ? EXIT.usage : EXIT.failure;

/**
 * What a person sees of an error: `CODE: meaning`, the data that tells where, and what to do. Never a stack. The message
 * of an unknown error is shown, for there is nothing better.
 */
export function formatError(error: unknown): string {
  const code: ReasonCode = codeOf(error);
  const {meaning, action} = REASONS[code];
  const lines = [`${code}: ${meaning}`];
  if (error instanceof PleiadesError) lines.push(...dataLines(error.data));
  else lines.push(`  ${error instanceof Error ? error.message : String(error)}`);
  lines.push(`What to do: ${action}`);
  return lines.join("\n");
}

function dataLines(data: {readonly [key: string]: unknown}): string[] {
  // A list of problems says everything the single fields of the first one say.
  if (Array.isArray(data.problems)) return data.problems.map((problem) => `  ${problemLine(problem)}`);
  return Object.entries(data).flatMap(([key, value]) => {
    if (value === undefined || value === null) return [];
    if (isShortList(value)) return [`  ${key}: ${value.join(", ")}`];
    if (Array.isArray(value)) return [`  ${key}:`, ...value.map((item) => `    ${inline(item)}`)];
    return [`  ${key}: ${inline(value)}`];
  });
}

const isShortList = (value: unknown): value is readonly unknown[] =>
  Array.isArray(value) && value.every((item) => typeof item !== "object") && value.join(", ").length <= 80;

function problemLine(problem: unknown): string {
  const {code, file, line, key, detail} = problem as Record<string, unknown>;
  return `${file}:${line}  ${key === "" ? "(the file)" : key}  ${detail} (${code})`;
}

function inline(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([key, item]) => `${key}: ${typeof item === "object" ? JSON.stringify(item) : String(item)}`)
    .join(", ");
}
