import {tableRows} from "../support/markdown.js";
import {findAll, lineAt, type SourceFile, type Violation} from "./source.js";

const CODE = /(?<![\w])"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/;
const isReasons = (path: string): boolean => path.startsWith("src/core/reasons/");

/** Codes that src throws or answers and the table of reasons does not have. */
export function unknownCodes(files: readonly SourceFile[], codes: ReadonlySet<string>): Violation[] {
  // A code stands where its key says so; other upper-case strings are message types, environment variables and the like.
  const thrown = new RegExp(`\\bcode(?:\\s*:|\\s*===?|\\s*=)\\s*${CODE.source}`);
  return files
    .filter(({path}) => !isReasons(path))
    .flatMap((file) => findAll(file, "code", thrown, ([, code]) => code!))
    .filter(({what}) => !codes.has(what) && !isSystemCode(what))
    .map((violation) => ({...violation, what: `uses ${violation.what}, which src/core/reasons does not have`}));
}
/** Codes of Node (`ERR_…`) and of fastify (`FST_ERR_…`), which adapters compare with. */
const isSystemCode = (code: string): boolean => /^(?:FST_)?ERR_/.test(code);

/** Codes of the table that nothing in src mentions. */
export function unusedCodes(files: readonly SourceFile[], codes: ReadonlySet<string>): Violation[] {
  const users = files.filter(({path}) => !isReasons(path));
  const used = new Set(users.flatMap(({code}) => [...code.matchAll(new RegExp(CODE, "g"))].map(([, name]) => name!)));
  if (users.some(({code}) => /["']INTERNAL["']/.test(code))) used.add("INTERNAL");
  return [...codes]
    .filter((code) => !used.has(code))
    .map((code) => {
      const table = files.find((file) => isReasons(file.path) && new RegExp(`\\b${code}\\s*:`).test(file.code));
      const line = table === undefined ? 0 : lineAt(table.text, table.code.search(new RegExp(`\\b${code}\\s*:`)));
      return {path: table?.path ?? "src/core/reasons", line, what: `has ${code}, which nothing in src uses`};
    });
}

/** docs/reasons.md against the table: a row for each code, and no other. */
export function reasonRows(doc: SourceFile, codes: ReadonlySet<string>): Violation[] {
  const rows = tableRows(doc.text, /^`[A-Z0-9_]+`$/).map(([code]) => code!.slice(1, -1));
  const at = (code: string): number => lineAt(doc.text, doc.text.indexOf(`| \`${code}\` `));
  const missing = [...codes].filter((code) => !rows.includes(code));
  const extra = rows.filter((code, i) => !codes.has(code) || rows.indexOf(code) !== i);
  return [
    ...missing.map((code) => ({path: doc.path, line: 0, what: `lacks ${code}; run node scripts/docs-reasons.mjs`})),
    ...extra.map((code) => ({path: doc.path, line: at(code), what: `has ${code}, which is unknown or there twice`})),
  ];
}

/** Addresses in a lock file tie every install to one registry. */
export const resolvedAddresses = (lock: SourceFile): Violation[] =>
  findAll(lock, "text", /"resolved":\s*"[^"]*:\/\/[^"]*"/, () => "names an address; delete the line and keep .npmrc");

type Versions = {readonly [name: string]: string};
export interface PackageJson {
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly optionalDependencies?: Versions;
  readonly peerDependencies?: Versions;
  readonly overrides?: {readonly [name: string]: unknown};
}

const EXACT = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;
/** Versions with a range in dependencies or overrides. */
export function inexactVersions(file: SourceFile, json: PackageJson): Violation[] {
  const wrong: Violation[] = [];
  const visit = (versions: {readonly [name: string]: unknown}): void => {
    for (const [name, version] of Object.entries(versions)) {
      if (typeof version === "object" && version !== null) visit(version as Versions);
      else if (typeof version !== "string" || !EXACT.test(version)) {
        const line = lineAt(file.text, file.text.indexOf(`"${name}": "${String(version)}"`));
        wrong.push({
          path: file.path,
          line,
          what: `asks for ${name} ${String(version)}, which is not one exact version`,
        });
      }
    }
  };
  for (const versions of [...Object.values(groupsOf(json)), json.overrides ?? {}]) visit(versions);
  return wrong;
}

const groupsOf = ({
  dependencies = {},
  devDependencies = {},
  optionalDependencies = {},
  peerDependencies = {},
}: PackageJson) => ({
  dependencies,
  devDependencies,
  optionalDependencies,
  peerDependencies,
});

/** docs/dependencies.md against the packages' lists: name, version, why, what it would take to drop it. */
export function dependencyRows(doc: SourceFile, packages: readonly PackageJson[]): Violation[] {
  const wanted = new Map(
    packages.flatMap((json) => Object.values(groupsOf(json)).flatMap((group) => Object.entries(group))),
  );
  const rows = tableRows(doc.text, /^`[@\w./-]+`$/);
  const violations: Violation[] = [];
  const seen = new Set<string>();
  for (const [cell = "", version = "", why = "", drop = ""] of rows) {
    const name = cell.slice(1, -1);
    const line = lineAt(doc.text, doc.text.indexOf(`| ${cell} `));
    const add = (what: string): void => void violations.push({path: doc.path, line, what});
    if (seen.has(name)) add(`has ${name} twice`);
    seen.add(name);
    if (!wanted.has(name)) add(`has ${name}, which no package.json asks for`);
    else if (wanted.get(name) !== version) add(`says ${name} ${version}, package.json says ${wanted.get(name)}`);
    if (why === "" || drop === "") add(`does not say why ${name} is there or what it takes to drop it`);
  }
  for (const name of wanted.keys()) {
    if (!seen.has(name)) violations.push({path: doc.path, line: 0, what: `lacks ${name} ${wanted.get(name)}`});
  }
  return violations;
}
