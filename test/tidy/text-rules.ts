import {findAll, type SourceFile, type Violation} from "./source.js";

const below = (files: readonly SourceFile[], ...folders: string[]): SourceFile[] =>
  files.filter(({path}) => folders.some((folder) => path.startsWith(`src/${folder}/`)));

const MAX_LINES = 450;
export const longFiles = (files: readonly SourceFile[]): Violation[] =>
  files
    .map(({path, text}) => ({path, line: text.trimEnd().split("\n").length}))
    .filter(({line}) => line > MAX_LINES)
    .map(({path, line}) => ({path, line, what: `has ${line} lines; ${MAX_LINES} is the most`}));

/** The brands that bytes.ts declares. */
export const brandsOf = (bytes: string): string[] =>
  [...bytes.matchAll(/export type (\w+) = Brand</g)].map(([, name]) => name!);

/** Casts to a brand, or to anything made of one, outside core/bytes.ts. */
export function brandCasts(files: readonly SourceFile[], brands: readonly string[]): Violation[] {
  const cast = new RegExp(`\\bas\\s+(?!const\\b)[\\w<>[\\]\\s|&.,]*?\\b(${brands.join("|")})\\b`);
  return files
    .filter(({path}) => path !== "src/core/bytes.ts")
    .flatMap((file) =>
      findAll(
        withoutImports(file),
        "bare",
        cast,
        ([, brand]) => `casts to ${brand}; only core/bytes.ts may, use its parsers`,
      ),
    );
}

/** `import {A as B}` is no cast. */
function withoutImports(file: SourceFile): SourceFile {
  const bare = file.bare.replace(/(?<![\w.$])(?:import|export)\s+(?:type\s+)?[\w$*{][^;()=]*?\sfrom\b/g, (found) =>
    found.replace(/[^\n]/g, " "),
  );
  return {...file, bare};
}

/** core: nothing asynchronous, no clock, no randomness, no output. */
export function impureCore(files: readonly SourceFile[]): Violation[] {
  const impure =
    /\b(?:async|await|Promise|setTimeout|setInterval|setImmediate|queueMicrotask|performance|process|console|fetch)\b|\bDate\s*\.\s*now\b|\bnew\s+Date\b|\bMath\s*\.\s*random\b|\bcrypto\s*\.\s*\w*[rR]andom\w*|\brandomBytes\b/;
  return below(files, "core").flatMap((file) =>
    findAll(withoutTypes(file), "bare", impure, ([word]) => `uses ${word}; core is pure and synchronous`),
  );
}
/** `.process` of somebody's object, or a field called so, is not Node's. */
const withoutTypes = (file: SourceFile): SourceFile => ({
  ...file,
  bare: file.bare.replace(/[.?]\s*(?:process|console|fetch)\b|\b(?:process|console|fetch)\s*\??:/g, (found) =>
    " ".repeat(found.length),
  ),
});

/** Time comes from the Clock port everywhere but where ports are implemented and composed. */
export function ownClock(files: readonly SourceFile[]): Violation[] {
  const time =
    /\b(?:Date\s*\.\s*now|new\s+Date\s*\(\s*\)|performance\s*\.\s*now|Math\s*\.\s*random|setTimeout|setInterval)\b/;
  return below(files, "core", "ports", "committee", "remote-signer", "plugin").flatMap((file) =>
    findAll(file, "bare", time, ([word]) => `uses ${word}; take a Clock (or Random) instead`),
  );
}

export const consoles = (files: readonly SourceFile[]): Violation[] =>
  files.flatMap((file) => findAll(file, "bare", /\bconsole\s*\.\s*\w+/, ([word]) => `uses ${word}; take a Logger`));

/** Written in pieces, so that this file passes its own rules. */
const UNFINISHED = new RegExp(`\\b(?:${["TO", "DO"].join("")}|${["FIX", "ME"].join("")}|${["X", "XX"].join("")})\\b`);
const NOT_DONE = new RegExp(["not", "implemented"].join("[ -]?"), "i");
export const unfinished = (files: readonly SourceFile[]): Violation[] =>
  files.flatMap((file) => [
    ...findAll(file, "text", UNFINISHED, ([word]) => `says ${word}`),
    ...findAll(file, "text", NOT_DONE, ([words]) => `says "${words}"`),
  ]);

const HOMES = new RegExp(
  `(?:^|[\\s"'\`(=:,])((?:/(?:${["home", "Users", "root", "work"].join("|")})/|[A-Z]:\\\\\\\\?Users\\\\)[\\w.-]+)`,
  "m",
);
export const homePaths = (files: readonly SourceFile[]): Violation[] =>
  files.flatMap((file) => findAll(file, "text", HOMES, ([, path]) => `names ${path}, a path of somebody's machine`));

/** Tests that would hide others, or hide themselves. */
export const hiddenTests = (files: readonly SourceFile[]): Violation[] =>
  files.flatMap((file) =>
    findAll(
      file,
      "bare",
      /\b(?:(?:describe|context|it|specify)\s*\.\s*(?:only|skip)|x(?:it|describe|context|specify))\s*\(/,
      ([call]) => `has ${call}…), use this.skip() at run time`,
    ),
  );

/** Links of Markdown files to files of the repository that are not there. */
export function deadLinks(files: readonly SourceFile[], exists: (path: string) => boolean): Violation[] {
  return files.flatMap((file) => {
    const folder = file.path.includes("/") ? file.path.slice(0, file.path.lastIndexOf("/") + 1) : "";
    return findAll(file, "text", /\]\((?!https?:|mailto:|#)([^)\s#]+)(?:#[^)\s]*)?\)/, ([, target]) => target!)
      .filter(({what}) => !exists(`${folder}${what}`))
      .map((violation) => ({...violation, what: `links to ${violation.what}, which does not exist`}));
  });
}
