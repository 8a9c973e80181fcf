import {PleiadesError} from "../core/errors.js";
import type {PluginName, Schema} from "./contract.js";

/**
 * The configuration as the plugin's schema gives it back. Keys that the schema drops count as unknown, so that a schema
 * that is not strict cannot swallow a misspelt key.
 * @throws PLUGIN_CONFIG · PLUGIN_CONFIG_UNKNOWN_KEY
 */
export function checkConfig<C>(plugin: PluginName, schema: Schema<C>, config: unknown): C {
  const input = config ?? {};
  let result: ReturnType<Schema<C>["safeParse"]>;
  try {
    result = schema.safeParse(input);
  } catch (cause) {
    throw new PleiadesError({code: "PLUGIN_CONFIG", plugin, reason: "the schema threw"}, {cause});
  }
  if (result.success !== true) {
    const strict = result.error.issues.find((issue) => issue.code === "unrecognized_keys");
    if (strict !== undefined) {
      const key = pathText(plugin, [...strict.path, ...(strict.keys?.slice(0, 1) ?? [])]);
      throw new PleiadesError({code: "PLUGIN_CONFIG_UNKNOWN_KEY", plugin, key});
    }
    const issues = result.error.issues.map(({path, message}) => ({key: pathText(plugin, path), message}));
    const [first] = issues;
    throw new PleiadesError({code: "PLUGIN_CONFIG", plugin, key: first?.key, problem: first?.message, issues});
  }
  const unknown = droppedKey(input, result.data, []);
  if (unknown !== null) {
    throw new PleiadesError({code: "PLUGIN_CONFIG_UNKNOWN_KEY", plugin, key: pathText(plugin, unknown)});
  }
  return result.data;
}

const pathText = (plugin: PluginName, path: readonly PropertyKey[]): string =>
  ["plugins", plugin, "config", ...path.map(String)].join(".");

/** The path of the first key of `input` that `output` lacks; values the schema turned into something else end the search. */
function droppedKey(input: unknown, output: unknown, path: readonly PropertyKey[]): readonly PropertyKey[] | null {
  if (Array.isArray(input) && Array.isArray(output)) {
    for (const [i, item] of input.entries()) {
      const found = i < output.length ? droppedKey(item, output[i], [...path, i]) : null;
      if (found !== null) return found;
    }
    return null;
  }
  if (!isPlain(input) || !isPlain(output)) return null;
  for (const [key, value] of Object.entries(input)) {
    if (!Object.hasOwn(output, key)) return [...path, key];
    const found = droppedKey(value, output[key], [...path, key]);
    if (found !== null) return found;
  }
  return null;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
