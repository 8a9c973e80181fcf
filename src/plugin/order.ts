import {PleiadesError} from "../core/errors.js";
import type {PluginName} from "./contract.js";

/**
 * The plugins so that each stands after those it depends on, otherwise in the order given.
 * @throws PLUGIN_DEPENDENCY_MISSING · PLUGIN_DEPENDENCY_CYCLE
 */
export function dependencyOrder<P extends {readonly name: PluginName; readonly dependsOn?: readonly PluginName[]}>(
  plugins: readonly P[],
): P[] {
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  const ordered: P[] = [];
  const done = new Set<PluginName>();

  const visit = (plugin: P, path: readonly PluginName[]): void => {
    if (done.has(plugin.name)) return;
    const start = path.indexOf(plugin.name);
    if (start >= 0) {
      const circle = [...path.slice(start), plugin.name].join(" → ");
      throw new PleiadesError({code: "PLUGIN_DEPENDENCY_CYCLE", circle});
    }
    for (const name of plugin.dependsOn ?? []) {
      const dependency = byName.get(name);
      if (dependency === undefined) {
        throw new PleiadesError({code: "PLUGIN_DEPENDENCY_MISSING", plugin: plugin.name, missing: name});
      }
      visit(dependency, [...path, plugin.name]);
    }
    done.add(plugin.name);
    ordered.push(plugin);
  };
  for (const plugin of plugins) visit(plugin, []);
  return ordered;
}

/** The named plugin and everything it depends on. */
export function closure(
  name: PluginName,
  plugins: readonly {readonly name: PluginName; readonly dependsOn?: readonly PluginName[]}[],
): Set<PluginName> {
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  const found = new Set<PluginName>();
  const add = (next: PluginName): void => {
    if (found.has(next)) return;
    found.add(next);
    for (const dependency of byName.get(next)?.dependsOn ?? []) add(dependency);
  };
  add(name);
  return found;
}
