import {type Import, importsOf, type SourceFile, type Violation} from "./source.js";

/**
 * What each folder of src may import from the others; a folder may always import from itself. `main.ts` and `app` may
 * import everything, and nothing imports them. @see docs/architecture.md, "Layers"
 */
const MAY_IMPORT: {readonly [folder: string]: readonly string[]} = {
  core: [],
  ports: ["core"],
  committee: ["core", "ports"],
  "remote-signer": ["core", "ports"],
  plugin: ["core", "ports"],
  // Everything that runs beside the keys: core, the record store, the binding to blst, the machine's clock, the
  // reader of the password's file.
  keeper: ["core", "ports", "adapters/slashing-store", "adapters/bls", "adapters/clock", "adapters/secret-file"],
  adapters: ["core", "ports"],
  // The two ends of one channel share its messages.
  "adapters/keeper": ["core", "ports", "keeper"],
};

const partsOf = (path: string): string[] => path.split("/").slice(1, -1);
const topOf = (path: string): string => partsOf(path)[0] ?? "main";
const isBelow = (path: string, folder: string): boolean => path.startsWith(`src/${folder}/`);

export function importDirection(files: readonly SourceFile[]): Violation[] {
  return eachImport(files, (file, {target}) => {
    if (target === null) return null;
    const [from, to] = [topOf(file.path), topOf(target)];
    if (!target.startsWith("src/")) return `imports ${target} from outside src`;
    if (from === "app" || from === "main" || from === to) return null;
    if (to === "app" || to === "main") return `imports ${target}, and nothing may import ${to}`;
    const rule = MAY_IMPORT[partsOf(file.path).slice(0, 2).join("/")] ?? MAY_IMPORT[from];
    if (rule === undefined) return `is in a folder that MAY_IMPORT of the tidy tests does not know`;
    if (rule.some((folder) => isBelow(target, folder))) return null;
    return `imports ${target}, but ${from} may import only from ${["itself", ...rule].join(", ")}`;
  });
}

/** Packages and Node modules of the folders that must stay small. */
const PURE_PACKAGES =
  /^(?:node:buffer|node:crypto|@chainsafe\/ssz|@chainsafe\/persistent-merkle-tree|@lodestar\/(?:types|params))$/;
const KEEPER_PACKAGES = /^(?:node:[\w/]+|lmdb|@chainsafe\/blst)$/;

/** What core may take of node:crypto: functions whose result follows from their arguments alone. Nothing random, nothing asynchronous. */
const PURE_CRYPTO = new Set([
  ...["createHash", "hkdfSync", "verify", "diffieHellman", "createCipheriv", "createDecipheriv"],
  ...["createPrivateKey", "createPublicKey", "Hash", "KeyObject"],
]);

/** core takes no package that does I/O, and of node:crypto only what is pure. */
export function corePackages(files: readonly SourceFile[]): Violation[] {
  const core = files.filter(({path}) => isBelow(path, "core"));
  return eachImport(core, (_, {package: name, clause}) => {
    if (name === null) return null;
    if (!PURE_PACKAGES.test(name)) return `imports ${name}, which core may not`;
    if (name !== "node:crypto") return null;
    const names = /^(?:type\s+)?\{([^}]*)\}$/.exec(clause)?.[1]?.split(",") ?? ["*"];
    const taken = names.map((one) => one.replace(/^\s*type\s+/, "").trim()).filter((one) => one !== "");
    return taken.every((one) => PURE_CRYPTO.has(one)) ? null : "imports more of node:crypto than its pure functions";
  });
}

/** Everything that the keeper's files bring in, however indirectly, is core, ports, the record store or blst. */
export function keeperClosure(files: readonly SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Map<string, SourceFile>();
  const queue = files.filter(({path}) => isBelow(path, "keeper"));
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (reached.has(file.path)) continue;
    reached.set(file.path, file);
    for (const {target} of importsOf(file)) {
      const next = target === null ? undefined : byPath.get(target);
      if (next !== undefined) queue.push(next);
    }
  }
  const allowed = ["keeper", ...(MAY_IMPORT.keeper ?? [])];
  const outside = [...reached.values()]
    .filter(({path}) => !allowed.some((folder) => isBelow(path, folder)))
    .map(({path}) => ({path, line: 0, what: "is loaded into the keeper's process"}));
  const beside = [...reached.values()].filter(({path}) => !isBelow(path, "core"));
  const packages = eachImport(beside, (_, {package: name, typeOnly}) =>
    name === null || typeOnly || KEEPER_PACKAGES.test(name) ? null : `brings ${name} into the keeper's process`,
  );
  return [...outside, ...packages];
}

/** Only the two places that compose objects import tsyringe's values, and only they register and resolve. */
export function containers(files: readonly SourceFile[]): Violation[] {
  const composes = (path: string): boolean => /^src\/(?:app\/compose|plugin\/host)(?:\.ts$|\/)/.test(path);
  const others = files.filter(({path}) => !composes(path));
  const imports = eachImport(others, (_, {package: name, typeOnly}) =>
    name === "tsyringe" && !typeOnly
      ? "imports tsyringe outside app/compose and plugin/host (a type import is fine)"
      : null,
  );
  const calls = others.flatMap((file) =>
    matches(
      file,
      /\b\w*[cC]ontainer\s*\.\s*(?:register|resolve)\w*\s*[(<]/,
      "registers or resolves outside app/compose and plugin/host",
    ),
  );
  const singletons = files.flatMap((file) => [
    ...matches(
      file,
      /@\s*(?:auto)?[iI]?njectable\s*\(|@\s*singleton\s*\(|\bsingleton\s*\(/,
      "uses a tsyringe decorator",
    ),
  ]);
  return [...imports, ...calls, ...singletons];
}

/** Every package that src imports is a dependency of its own, not one that happens to be installed. */
export function declaredPackages(files: readonly SourceFile[], declared: ReadonlySet<string>): Violation[] {
  return eachImport(files, (_, {package: name}) =>
    name === null || name.startsWith("node:") || declared.has(name)
      ? null
      : `imports ${name}, which package.json does not list`,
  );
}

function eachImport(
  files: readonly SourceFile[],
  check: (file: SourceFile, one: Import) => string | null,
): Violation[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap((one) => {
      const what = check(file, one);
      return what === null ? [] : [{path: file.path, line: one.line, what}];
    }),
  );
}

const matches = (file: SourceFile, pattern: RegExp, what: string): Violation[] =>
  [...file.bare.matchAll(new RegExp(pattern, "g"))].map(({index}) => ({
    path: file.path,
    line: file.text.slice(0, index).split("\n").length,
    what,
  }));
