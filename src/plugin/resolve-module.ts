import {readFileSync, statSync} from "node:fs";
import {createRequire} from "node:module";
import {dirname, isAbsolute, join, resolve, sep} from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";
import {PleiadesError} from "../core/errors.js";

/**
 * The file URL of a plugin's module. A path (it starts with `./`, `../`, `/` or `file:`) is relative to `baseDir`, the
 * folder of the configuration file; anything else is a package name, looked up from there, then beside Pleiades itself.
 * @throws PLUGIN_NOT_FOUND
 */
export function resolveModule(module: string, baseDir: string, plugin: string): string {
  if (module.startsWith("file:")) return existing(fileURLToPath(module), module, plugin);
  if (isAbsolute(module)) return existing(module, module, plugin);
  if (/^\.\.?(?:[/\\]|$)/.test(module)) return existing(resolve(baseDir, module), module, plugin);
  const found = resolveImport(module, baseDir) ?? resolveRequire(module, baseDir) ?? resolveBesideUs(module);
  if (found === null) throw new PleiadesError({code: "PLUGIN_NOT_FOUND", plugin, module});
  return found;
}

function existing(path: string, module: string, plugin: string): string {
  if (!isFile(path)) throw new PleiadesError({code: "PLUGIN_NOT_FOUND", plugin, module});
  return pathToFileURL(path).href;
}

const isFile = (path: string): boolean => statSync(path, {throwIfNoEntry: false})?.isFile() ?? false;

/**
 * A package's `exports` under the `import` condition. Node can do this only relative to the importing file
 * (import.meta.resolve with a parent is behind a flag), and `require.resolve` fails for packages that are ESM only.
 * Subpath patterns are left to require.resolve.
 */
function resolveImport(module: string, baseDir: string): string | null {
  const [, name, rest] = /^((?:@[^/]+\/)?[^/]+)(\/.+)?$/.exec(module) ?? [];
  if (name === undefined) return null;
  for (let dir = resolve(baseDir); ; dir = dirname(dir)) {
    const root = join(dir, "node_modules", name);
    const description = readDescription(join(root, "package.json"));
    if (description !== null) {
      const target = pickExport(description.exports, `.${rest ?? ""}`);
      const path = target === null ? null : resolve(root, target);
      return path?.startsWith(root + sep) && isFile(path) ? pathToFileURL(path).href : null;
    }
    if (dirname(dir) === dir) return null;
  }
}

function readDescription(path: string): {exports?: unknown} | null {
  if (!isFile(path)) return null;
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof parsed === "object" && parsed !== null ? parsed : null;
  } catch {
    return null;
  }
}

/** @see Node's documentation of packages: PACKAGE_TARGET_RESOLVE, without patterns. */
function pickExport(exports: unknown, subpath: string): string | null {
  if (typeof exports !== "object" || exports === null || Array.isArray(exports)) {
    return subpath === "." ? pickTarget(exports) : null;
  }
  const hasSubpaths = Object.keys(exports).some((key) => key.startsWith("."));
  if (!hasSubpaths) return subpath === "." ? pickTarget(exports) : null;
  return pickTarget((exports as Record<string, unknown>)[subpath]);
}

function pickTarget(target: unknown): string | null {
  if (typeof target === "string") return target.startsWith("./") ? target : null;
  if (Array.isArray(target)) return target.map(pickTarget).find((found) => found !== null) ?? null;
  if (typeof target !== "object" || target === null) return null;
  for (const [condition, value] of Object.entries(target)) {
    if (!["node", "import", "module-sync", "default"].includes(condition)) continue;
    const found = pickTarget(value);
    if (found !== null) return found;
  }
  return null;
}

function resolveRequire(module: string, baseDir: string): string | null {
  try {
    const path = createRequire(join(resolve(baseDir), "lodestar.config.yaml")).resolve(module);
    return isAbsolute(path) ? pathToFileURL(path).href : null; // a Node built-in comes back as its bare name
  } catch {
    return null;
  }
}

function resolveBesideUs(module: string): string | null {
  try {
    const url = import.meta.resolve(module);
    return url.startsWith("file:") && isFile(fileURLToPath(url)) ? url : null;
  } catch {
    return null;
  }
}
