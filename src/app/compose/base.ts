import {dirname} from "node:path";
import {type DependencyContainer, container as globalContainer} from "tsyringe";
import {systemClock} from "../../adapters/clock/system.js";
import {readIdentity} from "../../adapters/libp2p/identity.js";
import type {Committee} from "../../core/committee/committee.js";
import {installFastHasher} from "../../core/duty/hasher.js";
import type {Logger} from "../../ports/logger.js";
import {CommitteeBook} from "../committee-book.js";
import type {LoadedConfig} from "../config/load.js";
import {presetOf, resolveNetwork} from "../config/network.js";
import {loadPluginHost} from "../plugins.js";
import {TOKENS, type Token} from "../tokens.js";

/** Typed `register`. */
export function provide<T>(container: DependencyContainer, key: Token<T>, value: T): T {
  container.register<T>(key, {useValue: value});
  return value;
}

/** Typed `resolve`. */
export const need = <T>(container: DependencyContainer, key: Token<T>): T => container.resolve<T>(key);

/**
 * Wires the two programs. With the plugin host the only place that registers or resolves anything; the container lives as
 * long as its program and no part of the program holds it.
 */
export async function composeBase(
  {file, config}: LoadedConfig,
  {role, logger}: {role: "operator" | "signer"; logger: Logger},
): Promise<DependencyContainer> {
  // Every request's signing root is hashed here too, for plugins' vetoes and against the claimed root.
  installFastHasher();
  const container = globalContainer.createChildContainer();
  const network = provide(container, TOKENS.network, await resolveNetwork(config.network));
  const identity = provide(container, TOKENS.identity, await readIdentity(config.node.keyFile));
  const clock = provide(container, TOKENS.clock, systemClock);
  provide(container, TOKENS.config, config);
  provide(container, TOKENS.logger, logger.child({role, node: identity.peerId.slice(-6)}));
  const plugins = await loadPluginHost(config, {
    logger: need(container, TOKENS.logger),
    clock,
    baseDir: dirname(file),
    node: {role, network: network.name, preset: presetOf(config.network)},
  });
  provide(container, TOKENS.plugins, plugins);
  provide(container, TOKENS.observer, plugins.observer);
  return container;
}

export const bookOf = (
  container: DependencyContainer,
  accept: (committees: readonly Committee[]) => readonly Committee[],
) =>
  new CommitteeBook({
    origins: {
      files: need(container, TOKENS.config).committees,
      sources: need(container, TOKENS.plugins).committeeSources,
    },
    network: need(container, TOKENS.network),
    accept,
  });

/** Stops the parts in reverse order; every part gets its turn, whatever another one does. */
export class Stops {
  readonly #stops: (() => Promise<void>)[] = [];

  push(stop: () => Promise<void>): void {
    this.#stops.push(stop);
  }

  async run(logger: Logger): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) {
      await stop().catch((error: unknown) => logger.error("stopping a part failed", {error: String(error)}));
    }
  }
}

/** What both programs offer once they run. */
export interface RunningService {
  readonly peerId: string;
  /** n and t of every committee this node works for. */
  readonly committees: () => readonly Committee[];
  /** Reads the committee files again. */
  reload(): Promise<{errors: readonly string[]}>;
  stop(): Promise<void>;
}
