import {PleiadesError} from "../core/errors.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import type {Plugin, PluginContext, PluginName} from "./contract.js";
import {frozenOffer} from "./facades.js";
import {messageOf} from "./guards.js";
import {within} from "./within.js";

/** Long enough to open a socket or a database, short enough that a start that hangs is noticed. */
const START_TIMEOUT_MS = 30_000;
/** Service managers wait some 90 s before they kill; several plugins must fit. */
const STOP_TIMEOUT_MS = 5_000;

/** What the node that runs the plugins has for one of them, beyond what every node has. */
export type PluginOffer = Pick<PluginContext, "peers" | "dataDir" | "vault" | "repair" | "sign" | "committeesChanged">;
export type OfferTo = (plugin: PluginName) => Promise<PluginOffer>;

export interface Hosted {
  readonly plugin: Plugin;
  readonly context: Omit<PluginContext, "signal" | keyof PluginOffer>;
  /** Disposes what the plugin's container built. */
  readonly dispose: () => Promise<void> | void;
}

/** Starts plugins in the order given and stops them in reverse, each once. */
export class PluginLifecycle {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #plugins: readonly Hosted[];
  readonly #abort = new AbortController();
  /** Those whose turn to start came; taken out when they are stopped. */
  readonly #begun: Hosted[] = [];
  /** Not yet disposed. */
  readonly #undisposed: Hosted[];
  #starting: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;

  constructor({clock, logger}: {clock: Clock; logger: Logger}, plugins: readonly Hosted[]) {
    this.#clock = clock;
    this.#logger = logger;
    this.#plugins = plugins;
    this.#undisposed = [...plugins];
  }

  /**
   * Starts all plugins, or those of `only`; the first call decides which, and what they are offered.
   * @throws PLUGIN_START_FAILED · PLUGIN_START_TIMEOUT; whatever was started has been stopped by then
   */
  start({only, offer = async () => ({})}: {only?: ReadonlySet<PluginName>; offer?: OfferTo} = {}): Promise<void> {
    const plugins = this.#plugins.filter(({plugin}) => only?.has(plugin.name) ?? true);
    this.#starting ??= this.#start(plugins, offer);
    return this.#starting;
  }

  /** Never rejects. A start under way is told by its signal and given a bounded time. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #start(plugins: readonly Hosted[], offer: OfferTo): Promise<void> {
    for (const hosted of plugins) {
      if (this.#abort.signal.aborted) return; // stop() sees to what has begun
      this.#begun.push(hosted);
      const {plugin, context} = hosted;
      try {
        const start = plugin.start?.bind(plugin);
        if (start === undefined) continue;
        const offered = await offer(plugin.name);
        await within(this.#clock, START_TIMEOUT_MS, {code: "PLUGIN_START_TIMEOUT", plugin: plugin.name}, () =>
          start({...context, ...frozenOffer(offered), signal: this.#abort.signal}),
        );
      } catch (cause) {
        this.#abort.abort();
        await this.#stopBegun();
        if (cause instanceof PleiadesError && cause.code === "PLUGIN_START_TIMEOUT") throw cause;
        const reason = messageOf(cause);
        throw new PleiadesError({code: "PLUGIN_START_FAILED", plugin: plugin.name, reason}, {cause});
      }
    }
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    const starting = this.#starting?.catch(() => {}); // its caller has the error
    const current = this.#begun.at(-1)?.plugin.name;
    if (starting !== undefined) await this.#bounded(current ?? "", () => starting);
    await this.#stopBegun();
  }

  async #stopBegun(): Promise<void> {
    for (const {plugin} of this.#begun.splice(0).reverse()) {
      await this.#bounded(plugin.name, () => plugin.stop?.());
    }
    for (const {plugin, dispose} of this.#undisposed.splice(0).reverse()) await this.#bounded(plugin.name, dispose);
  }

  async #bounded(plugin: string, work: () => Promise<void> | void): Promise<void> {
    try {
      await within(this.#clock, STOP_TIMEOUT_MS, {code: "PLUGIN_STOP_FAILED", plugin}, work);
    } catch (error) {
      const fields = {code: "PLUGIN_STOP_FAILED", plugin, message: messageOf(error)};
      this.#logger.warn("A plugin failed to stop", fields);
    }
  }
}
