import {type Document, isMap, isPair, isScalar, type LineCounter} from "yaml";
import {z} from "zod";
import type {ReasonCode} from "../../core/errors.js";
import {nearest} from "./nearest.js";
import {configSchema} from "./schema.js";

/** One thing wrong in a configuration file. */
export interface ConfigProblem {
  readonly code: ReasonCode;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** Dotted path of the key. */
  readonly key: string;
  /** What is wrong, with the nearest valid name or the expected type. */
  readonly detail: string;
}

type Path = readonly (string | number)[];

/** Turns zod's issues into problems with lines; in the order of the file. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  {file, document, lines}: {file: string; document: Document; lines: LineCounter},
): ConfigProblem[] {
  const at = (path: Path, code: ReasonCode, detail: string): ConfigProblem => ({
    code,
    file,
    line: lineOf(path, document, lines),
    key: path.map(String).join("."),
    detail,
  });
  return issues
    .flatMap((issue): ConfigProblem[] => {
      const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
      switch (issue.code) {
        case "unrecognized_keys":
          return issue.keys.map((name) => at([...path, name], "CONFIG_UNKNOWN_KEY", suggestion(path, name)));
        case "invalid_type":
          return document.hasIn(path)
            ? [at(path, "CONFIG_WRONG_TYPE", `expected ${expected(issue.expected)}`)]
            : [at(path, "CONFIG_MISSING_KEY", `expected ${expected(issue.expected)}`)];
        case "invalid_value":
          return [at(path, "CONFIG_INVALID_VALUE", `expected one of ${issue.values.map(String).join(", ")}`)];
        case "invalid_key":
          return [at(path, "CONFIG_INVALID_VALUE", issue.issues[0]?.message ?? issue.message)];
        default:
          return [
            at(path, document.hasIn(path) ? "CONFIG_INVALID_VALUE" : "CONFIG_MISSING_KEY", lowerFirst(issue.message)),
          ];
      }
    })
    .sort((a, b) => a.line - b.line);
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

const NAMES: {readonly [type: string]: string} = {
  string: "text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a section with keys of its own",
  record: "a map",
};
const expected = (type: string): string => NAMES[type] ?? type;

/** The nearest valid name in the same section, else the section that has the key, else the names there are. */
function suggestion(path: Path, name: string): string {
  const valid = keysAt(configSchema, path);
  const near = nearest(name, valid);
  if (near !== null) return `did you mean "${near}"?`;
  const elsewhere = sectionsWith(configSchema, name);
  if (elsewhere.length > 0) return `this key stands in ${elsewhere.join(" and ")}`;
  return `valid here: ${valid.join(", ")}`;
}

function inner(schema: unknown): unknown {
  let current = schema;
  while (
    current instanceof z.ZodDefault ||
    current instanceof z.ZodPrefault ||
    current instanceof z.ZodOptional ||
    current instanceof z.ZodNullable
  ) {
    current = current.def.innerType;
  }
  return current;
}

function keysAt(schema: unknown, path: Path): string[] {
  const current = inner(schema);
  const [head, ...rest] = path;
  if (head === undefined) return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
  if (current instanceof z.ZodObject) return keysAt(current.shape[head], rest);
  if (current instanceof z.ZodArray) return keysAt(current.def.element, rest);
  if (current instanceof z.ZodRecord) return keysAt(current.def.valueType, rest);
  return [];
}

function sectionsWith(schema: unknown, name: string, path: readonly string[] = []): string[] {
  const current = inner(schema);
  if (!(current instanceof z.ZodObject)) return [];
  return [
    ...(name in current.shape ? [path.length === 0 ? "the top level" : `"${path.join(".")}"`] : []),
    ...Object.entries(current.shape).flatMap(([key, value]) => sectionsWith(value, name, [...path, key])),
  ];
}

/** The line of a key, or of the nearest section above it that is in the file. */
function lineOf(path: Path, document: Document, lines: LineCounter): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(last),
      );
      if (pair !== undefined && isScalar(pair.key) && pair.key.range) return lines.linePos(pair.key.range[0]).line;
    }
    const node = document.getIn(path.slice(0, length), true) as {range?: [number, number, number] | null} | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
