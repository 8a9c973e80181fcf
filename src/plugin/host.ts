import "reflect-metadata";
import {type DependencyContainer, container as globalContainer} from "tsyringe";
import {PleiadesError} from "../core/errors.js";
import type {Clock} from "../ports/clock.js";
import type {ControlRoute, PluginRoute} from "../ports/http-route.js";
import type {Logger} from "../ports/logger.js";
import type {Observer} from "../ports/observer.js";
import {checkConfig} from "./check-config.js";
import {type Contributions, PLUGIN_TOKENS, type Plugin, type PluginName, type PublicConfig} from "./contract.js";
import {type CheckedContributions, checkContributions} from "./contributions.js";
import {frozenClock, frozenLogger} from "./facades.js";
import {
  guardedControlRoute,
  guardedRoute,
  guardedSource,
  type HostedCommand,
  type HostedSource,
  hostedCommand,
  messageOf,
  observerOf,
  type VetoGate,
  vetoGate,
} from "./guards.js";
import {type Hosted, type OfferTo, PluginLifecycle} from "./lifecycle.js";
import {loadPlugin, type PluginEntry} from "./load.js";
import {closure, dependencyOrder} from "./order.js";

export type {HostedCommand, HostedSource, PluginEntry, VetoGate};

/** Containers made by {@link createPluginContainer}: no other may become the parent of a plugin's. */
const pluginContainers = new WeakSet<DependencyContainer>();

/**
 * The parent of all plugins' containers. It holds logger, clock and public configuration and nothing else, and its own
 * parent is the empty global container: tsyringe looks up, never sideways, so nothing of the application is reachable.
 */
export function createPluginContainer(values: {logger: Logger; clock: Clock; node: PublicConfig}): DependencyContainer {
  const {role, network, preset} = values.node;
  const container = globalContainer.createChildContainer();
  container.registerInstance(PLUGIN_TOKENS.logger, frozenLogger(values.logger));
  container.registerInstance(PLUGIN_TOKENS.clock, frozenClock(values.clock));
  container.registerInstance(PLUGIN_TOKENS.node, Object.freeze({role, network, preset}));
  pluginContainers.add(container);
  return container;
}

export interface LoadPluginsModules {
  /** Made by {@link createPluginContainer}. */
  container: DependencyContainer;
  /** For what the host itself has to say. */
  logger: Logger;
  /** Folder that module paths and package names are resolved from: that of the configuration file. */
  baseDir: string;
  builtins: readonly Plugin[];
  /** First words of commands that plugins may not take. */
  reservedCommands?: readonly string[];
}

/** Loaded and registered plugins. Nothing of them runs before `start`, except vetoes and observers that are called. */
export interface PluginHost {
  /** In order of start. */
  readonly names: readonly PluginName[];
  /** For a CLI process: running one starts what it needs and ends by stopping this host. */
  readonly commands: readonly HostedCommand[];
  readonly committeeSources: readonly HostedSource[];
  /** All vetoes as one; null when no plugin has one, so that nothing need be parsed for it. */
  readonly veto: VetoGate | null;
  /** All observers as one that never throws. */
  readonly observer: Observer;
  readonly routes: readonly PluginRoute[];
  /** For the control socket alone. */
  readonly controlRoutes: readonly ControlRoute[];
  /** In dependency order; idempotent. @throws PLUGIN_START_FAILED · PLUGIN_START_TIMEOUT, after the rest was stopped */
  start(offer?: OfferTo): Promise<void>;
  /** In reverse order, bounded in time; idempotent; failures are logged, never thrown. */
  stop(): Promise<void>;
}

/**
 * Imports, checks, configures and registers the plugins; everything is checked before anything starts.
 * @throws the PLUGIN_* codes about configuration (docs/reasons.md)
 */
export async function loadPlugins(
  entries: readonly PluginEntry[],
  {container, logger, baseDir, builtins, reservedCommands = []}: LoadPluginsModules,
): Promise<PluginHost> {
  if (!pluginContainers.has(container)) {
    throw new PleiadesError({code: "INTERNAL", reason: "plugins were given a container that is not theirs"});
  }
  const clock = container.resolve<Clock>(PLUGIN_TOKENS.clock);
  const known = new Map<PluginName, Plugin>(builtins.map((plugin) => [plugin.name, plugin]));

  const seen = new Set<string>();
  for (const {name} of entries) {
    if (seen.has(name)) throw new PleiadesError({code: "PLUGIN_DUPLICATE", plugin: name});
    seen.add(name);
  }
  const loaded: Plugin[] = [];
  for (const entry of entries) loaded.push(await loadPlugin(entry, baseDir, known));
  const plugins = dependencyOrder(loaded);
  const rawConfigs = new Map(entries.map(({name, config}) => [name, config]));
  const configs = plugins.map((plugin) => checkConfig(plugin.name, plugin.configSchema, rawConfigs.get(plugin.name)));

  const hosted: (Hosted & {contributions: CheckedContributions})[] = [];
  for (const [i, plugin] of plugins.entries()) {
    const child = container.createChildContainer();
    const own = frozenLogger(container.resolve<Logger>(PLUGIN_TOKENS.logger).child({plugin: plugin.name}));
    child.registerInstance(PLUGIN_TOKENS.logger, own);
    const contributions = register(plugin, child, configs[i]);
    const node = container.resolve<PublicConfig>(PLUGIN_TOKENS.node);
    const use = serviceOf(plugin, hosted);
    hosted.push({plugin, context: {logger: own, clock, node, use}, dispose: () => child.dispose(), contributions});
  }
  checkCollisions(hosted, reservedCommands);

  const owned = <K extends Exclude<keyof Contributions, "service">>(key: K) =>
    hosted.flatMap(({plugin, contributions}) =>
      contributions[key].map((item) => ({plugin: plugin.name, item: item as CheckedContributions[K][number]})),
    );
  const lifecycle = new PluginLifecycle({clock, logger}, hosted);
  const commands = owned("commands").map(({plugin, item}) => {
    const needed = closure(plugin, plugins);
    const {summary = null} = plugins.find(({name}) => name === plugin)!;
    return hostedCommand({plugin, summary}, item, {
      start: () => lifecycle.start({only: needed}),
      stop: () => lifecycle.stop(),
    });
  });
  return {
    names: plugins.map(({name}) => name),
    commands,
    committeeSources: owned("committeeSources").map(({plugin, item}) => guardedSource(plugin, item, clock)),
    veto: vetoGate(owned("vetoes"), logger),
    observer: observerOf(owned("observers"), logger),
    routes: owned("routes").flatMap(({plugin, item}) =>
      item.control === true ? [] : [guardedRoute(plugin, item, logger, clock)],
    ),
    controlRoutes: owned("routes").flatMap(({plugin, item}) =>
      item.control === true ? [guardedControlRoute(plugin, item, logger, clock)] : [],
    ),
    start: (offer) => lifecycle.start(offer === undefined ? {} : {offer}),
    stop: () => lifecycle.stop(),
  };
}

/** What a plugin's `use` answers: services of those it named in dependsOn, which come before it. */
function serviceOf(
  plugin: Plugin,
  hosted: readonly (Hosted & {contributions: CheckedContributions})[],
): (name: PluginName) => object {
  const named = plugin.dependsOn ?? [];
  const services = new Map(hosted.map((one) => [one.plugin.name, one.contributions.service]));
  return (name) => {
    const service = named.includes(name) ? (services.get(name) ?? null) : null;
    if (service !== null) return service;
    throw new PleiadesError({code: "PLUGIN_SERVICE_MISSING", plugin: plugin.name, service: String(name).slice(0, 40)});
  };
}

function register(plugin: Plugin, child: DependencyContainer, config: unknown): CheckedContributions {
  let raw: unknown;
  try {
    raw = plugin.register(child, config);
  } catch (cause) {
    throw new PleiadesError({code: "PLUGIN_REGISTER_FAILED", plugin: plugin.name, reason: messageOf(cause)}, {cause});
  }
  if (raw instanceof Promise) {
    raw.catch(() => {}); // its failure is not what to report: that it is a promise is
    throw new PleiadesError({code: "PLUGIN_REGISTER_FAILED", plugin: plugin.name, reason: "register is asynchronous"});
  }
  return checkContributions(plugin.name, raw);
}

/** The first word of a command belongs to one plugin; within a plugin, names and routes are unique. */
function checkCollisions(
  hosted: readonly {plugin: Plugin; contributions: CheckedContributions}[],
  reserved: readonly string[],
): void {
  const words = new Map<string, string>(reserved.map((word) => [word, "pleiades"]));
  const taken = new Set<string>();
  const claim = (plugin: string, what: string): void => {
    if (taken.has(what)) throw new PleiadesError({code: "PLUGIN_COLLISION", plugin, what, with: plugin});
    taken.add(what);
  };
  for (const {plugin, contributions} of hosted) {
    for (const {name} of contributions.commands) {
      const word = name.split(" ", 1)[0] ?? name;
      const owner = words.get(word) ?? plugin.name;
      if (owner !== plugin.name) {
        throw new PleiadesError({code: "PLUGIN_COLLISION", plugin: plugin.name, what: `command ${name}`, with: owner});
      }
      words.set(word, owner);
      claim(plugin.name, `command ${name}`);
    }
    for (const {method, path} of contributions.routes) {
      claim(plugin.name, `${method} /plugin/${plugin.name}${path}`);
    }
  }
}
