import {stringify} from "yaml";
import {z} from "zod";
import {DOCS, type KeyDocs} from "./docs.js";
import {configSchema} from "./schema.js";

/** Values that differ from the defaults, nested as the file is; `null` at a section leaves the whole section out. */
export type TemplateValues = {readonly [key: string]: unknown};

const WIDTH = 110;

/**
 * The annotated configuration file: every key with its comment, unit and default, in the schema's order. What `pleiades
 * init` writes and what stands in the root of the release.
 */
export function renderTemplate(values: TemplateValues, heading: readonly string[] = HEADING): string {
  return [
    ...heading.map((line) => (line === "" ? "#" : `# ${line}`)),
    "",
    ...renderObject(configSchema, values, 0),
  ].join("\n");
}

const HEADING = [
  "Configuration of Pleiades. Relative paths are relative to this file. Check it with `pleiades config check`.",
  "Every key stands here with its unit and default; a key left out has its default.",
];

function renderObject(schema: z.ZodObject, values: TemplateValues, depth: number): string[] {
  const indent = "  ".repeat(depth);
  return Object.entries(schema.shape).flatMap(([name, raw]) => {
    const field = unwrap(raw as z.ZodType);
    const given = values[name];
    if (field.section !== null && given === null) return [];
    const lines = comment(field, indent);
    if (field.section !== null) {
      lines.push(`${indent}${name}:`, ...renderObject(field.section, (given ?? {}) as TemplateValues, depth + 1));
    } else if (given !== undefined || field.hasDefault) {
      lines.push(...entry(name, given === undefined ? field.defaultValue : given, indent));
    } else {
      lines.push(...entry(name, field.docs.example, `${indent}# `));
    }
    return depth === 0 ? [...lines, ""] : lines;
  });
}

interface Field {
  readonly docs: KeyDocs;
  readonly section: z.ZodObject | null;
  readonly hasDefault: boolean;
  readonly defaultValue: unknown;
}

function unwrap(schema: z.ZodType): Field {
  const docs = DOCS.get(schema);
  if (docs === undefined) throw new Error("a configuration key has no documentation");
  let inner: unknown = schema;
  let hasDefault = false;
  let defaultValue: unknown;
  for (;;) {
    if (inner instanceof z.ZodDefault) {
      hasDefault = true;
      defaultValue = inner.def.defaultValue;
      inner = inner.def.innerType;
    } else if (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional || inner instanceof z.ZodNullable) {
      inner = inner.def.innerType;
    } else {
      return {
        docs,
        section: inner instanceof z.ZodObject && docs.unit === undefined ? inner : null,
        hasDefault,
        defaultValue,
      };
    }
  }
}

function comment(field: Field, indent: string): string[] {
  const {docs} = field;
  const text =
    field.section === null
      ? `${docs.about} Unit: ${docs.unit}. ${field.hasDefault ? `Default: ${flow(field.defaultValue)}.` : "No default."}`
      : docs.about;
  return wrap(text, WIDTH - indent.length).map((line) => `${indent}# ${line}`);
}

const flow = (value: unknown): string =>
  stringify(value, {collectionStyle: "flow", lineWidth: 0, flowCollectionPadding: false}).trimEnd();

function entry(name: string, value: unknown, indent: string): string[] {
  // A value with parts of its own is one value all the same; its keys are no keys with comments.
  if (isScalarMap(value)) return [`${indent}${name}: ${flow(value)}`];
  const text = stringify({[name]: value}, {lineWidth: 0, flowCollectionPadding: false}).trimEnd();
  return text.split("\n").map((line) => `${indent}${line}`);
}

const isScalarMap = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).length > 0 &&
  Object.values(value).every((part) => typeof part !== "object");

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return line === "" ? lines : [...lines, line];
}
