import {PleiadesError} from "../core/errors.js";
import {shown} from "../core/shown.js";
import {isPluginName, PLUGIN_API_VERSION, type Plugin, type PluginName} from "./contract.js";
import {messageOf} from "./guards.js";
import {resolveModule} from "./resolve-module.js";

/** One entry under `plugins:` of lodestar.config.yaml. */
export interface PluginEntry {
  readonly name: string;
  /** Path relative to the configuration file, or package name; absent for a built-in plugin. */
  readonly module?: string | undefined;
  /** Checked by the plugin's own schema. */
  readonly config?: unknown;
}

/**
 * The plugin of an entry, imported and checked, not yet registered.
 * @throws PLUGIN_NAME · PLUGIN_NOT_FOUND · PLUGIN_LOAD_FAILED · PLUGIN_SHAPE · PLUGIN_API_VERSION · PLUGIN_NAME_MISMATCH
 */
export async function loadPlugin(
  {name, module}: PluginEntry,
  baseDir: string,
  builtins: ReadonlyMap<PluginName, Plugin>,
): Promise<Plugin> {
  if (!isPluginName(name)) throw new PleiadesError({code: "PLUGIN_NAME", plugin: name});
  if (module === undefined) {
    const builtin = builtins.get(name);
    if (builtin !== undefined) return checkPlugin(builtin, name);
    throw new PleiadesError({code: "PLUGIN_NOT_FOUND", plugin: name, builtins: [...builtins.keys()].join(", ")});
  }
  const url = resolveModule(module, baseDir, name);
  let namespace: unknown;
  try {
    namespace = await import(url);
  } catch (cause) {
    throw new PleiadesError({code: "PLUGIN_LOAD_FAILED", plugin: name, module, reason: messageOf(cause)}, {cause});
  }
  return checkPlugin(exportedPlugin(namespace), name);
}

/** The default export; of a CommonJS module compiled from ESM the default inside the default. */
function exportedPlugin(namespace: unknown): unknown {
  const outer = isObject(namespace) ? namespace.default : undefined;
  return isObject(outer) && !("apiVersion" in outer) && "default" in outer ? outer.default : outer;
}

const SUMMARY = /^\P{Cc}{0,200}$/u;

function checkPlugin(raw: unknown, name: PluginName): Plugin {
  const fail = (reason: string): never => {
    throw new PleiadesError({code: "PLUGIN_SHAPE", plugin: name, reason});
  };
  if (!isObject(raw)) return fail("no default export that is an object");
  if (raw.apiVersion !== PLUGIN_API_VERSION) {
    if (raw.apiVersion === undefined) fail("apiVersion is missing");
    const found = shown(raw.apiVersion);
    throw new PleiadesError({code: "PLUGIN_API_VERSION", plugin: name, found, supported: PLUGIN_API_VERSION});
  }
  if (raw.name !== name) {
    throw new PleiadesError({code: "PLUGIN_NAME_MISMATCH", plugin: name, calledItself: shown(raw.name)});
  }
  if (!isObject(raw.configSchema) || typeof raw.configSchema.safeParse !== "function") fail("configSchema is missing");
  if (typeof raw.register !== "function") fail("register is not a function");
  for (const key of ["start", "stop"]) {
    if (raw[key] !== undefined && typeof raw[key] !== "function") fail(`${key} is not a function`);
  }
  const {summary = "", dependsOn = []} = raw;
  if (typeof summary !== "string" || !SUMMARY.test(summary)) fail("summary is not a line of at most 200 characters");
  if (!Array.isArray(dependsOn) || !dependsOn.every(isPluginName)) fail("dependsOn is not a list of plugin names");
  return raw as unknown as Plugin;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
