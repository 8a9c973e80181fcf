import {readdirSync, readFileSync, statSync} from "node:fs";
import {join, posix, resolve} from "node:path";

/** The checkout, from dist/test/tidy. */
export const ROOT = resolve(import.meta.dirname, "../../..");

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments turned to spaces; same length, same lines. */
  readonly code: string;
  /** The code with the insides of strings and templates turned to spaces too. */
  readonly bare: string;
}

export interface Violation {
  readonly path: string;
  /** From 1; 0 for the whole file. */
  readonly line: number;
  readonly what: string;
}

export function sourceFile(path: string, text: string): SourceFile {
  const isScript = /\.[cm]?[jt]s$/.test(path);
  return {path, text, ...(isScript ? blank(text) : {code: text, bare: text})};
}

/** Names that are never part of what is committed. */
const SKIPPED = new Set(["node_modules", "dist", "coverage", ".git", ".pleiades"]);

/** All files below `folder` ("" for everything) whose name ends in one of the endings, sorted by path. */
export function readTree(root: string, folder: string, endings: readonly string[]): SourceFile[] {
  const dir = join(root, folder);
  if (!statSync(dir, {throwIfNoEntry: false})?.isDirectory()) return [];
  const files: SourceFile[] = [];
  for (const entry of readdirSync(dir, {withFileTypes: true})) {
    if (SKIPPED.has(entry.name)) continue;
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) files.push(...readTree(root, path, endings));
    else if (entry.isFile() && endings.some((ending) => entry.name.endsWith(ending))) {
      files.push(sourceFile(path, readFileSync(join(root, path), "utf8")));
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** One violation per match. */
export function findAll(
  file: SourceFile,
  where: "text" | "code" | "bare",
  pattern: RegExp,
  what: (match: RegExpExecArray) => string,
): Violation[] {
  const all = new RegExp(pattern, pattern.flags.includes("g") ? pattern.flags : `${pattern.flags}g`);
  return [...file[where].matchAll(all)].map((match) => ({
    path: file.path,
    line: lineAt(file.text, match.index),
    what: what(match),
  }));
}

export const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length;

/** Fails with every violation on a line of its own, as `path:line what`. */
export function expectNone(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  throw new Error(`\n${violations.map(({path, line, what}) => `  ${path}:${line} ${what}`).join("\n")}`);
}

export interface Import {
  readonly specifier: string;
  /** Path from the root (with the .ts of the source) of a relative import, else null. */
  readonly target: string | null;
  /** Package of a bare import (`@scope/name` or `name`), else null; `node:…` stays whole. */
  readonly package: string | null;
  /** What stands between `import` and `from`. */
  readonly clause: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

const IMPORT =
  /(?<![\w.$])(?:(?:import|export)\s+(?<clause>(?:type\s+)?[\w$*{][^"';]*?)\s+from\s*|import\s*\(?\s*)(?<quote>["'])(?<specifier>[^"']+)\k<quote>/g;

/** Every static, re-exporting and dynamic import with a literal specifier. */
export function importsOf(file: SourceFile): Import[] {
  // Inside a string the word is no import: there `bare` has spaces.
  const found = [...file.code.matchAll(IMPORT)].filter(({index}) => file.bare[index] !== " ");
  return found.map((match) => {
    const {clause = "", specifier = ""} = match.groups ?? {};
    const relative = specifier.startsWith(".");
    const target = posix.normalize(posix.join(posix.dirname(file.path), specifier)).replace(/\.js$/, ".ts");
    return {
      specifier,
      target: relative ? target : null,
      package: relative ? null : packageOf(specifier),
      clause,
      typeOnly: /^type\b/.test(clause),
      line: lineAt(file.text, match.index),
    };
  });
}

const packageOf = (specifier: string): string =>
  specifier.startsWith("node:") ? specifier : (/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);

/** A regular expression may stand after these, a division may not. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};~^<>+*%-]|\b(?:return|typeof|case|in|of|do|else|void|await|yield))\s*$/;

/** A scanner just good enough for our own formatted source: comments, strings, templates with ${}, regular expressions. */
function blank(text: string): {code: string; bare: string} {
  let code = "";
  let bare = "";
  /** Depth of braces of each template expression we are inside. */
  const templates: number[] = [];
  const spaces = (piece: string): string => piece.replace(/[^\n]/g, " ");
  const take = (length: number, kind: "code" | "string" | "comment"): void => {
    const piece = text.slice(at, at + length);
    code += kind === "comment" ? spaces(piece) : piece;
    bare += kind === "code" ? piece : spaces(piece);
    at += length;
  };
  /** Index after the closing character of a literal that starts at `from`, or of the next `${` in a template. */
  const endOfText = (from: number, closing: string): number => {
    let inClass = false;
    for (let i = from; i < text.length; i++) {
      const c = text[i];
      if (c === "\\") i++;
      else if (closing === "/" && c === "[") inClass = true;
      else if (closing === "/" && c === "]") inClass = false;
      else if (c === closing && !inClass) return i + 1;
      else if (closing === "`" && c === "$" && text[i + 1] === "{") return i + 2;
      else if (closing !== "`" && c === "\n") return i;
    }
    return text.length;
  };
  const template = (from: number): void => {
    const end = endOfText(from, "`");
    take(end - at, "string");
    if (text[end - 1] === "{") templates.push(0);
  };
  let at = 0;
  while (at < text.length) {
    const c = text[at]!;
    const two = text.slice(at, at + 2);
    if (two === "//") {
      const end = text.indexOf("\n", at);
      take((end < 0 ? text.length : end) - at, "comment");
    } else if (two === "/*") {
      const end = text.indexOf("*/", at + 2);
      take((end < 0 ? text.length : end + 2) - at, "comment");
    } else if (c === '"' || c === "'") take(endOfText(at + 1, c) - at, "string");
    else if (c === "`") template(at + 1);
    else if (c === "/" && BEFORE_REGEX.test(bare.slice(-40))) take(endOfText(at + 1, "/") - at, "string");
    else if (c === "}" && templates.at(-1) === 0) {
      templates.pop();
      template(at + 1);
    } else {
      const depth = templates.pop();
      if (depth !== undefined) templates.push(depth + (c === "{" ? 1 : c === "}" ? -1 : 0));
      take(1, "code");
    }
  }
  return {code, bare};
}
