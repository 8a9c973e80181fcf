import {blstDkgGroup} from "../adapters/bls/blst.js";
import type {PublicConfig} from "../plugin/contract.js";
import {createDkgPlugin, type DkgPluginModules} from "../plugin/dkg/plugin.js";
import {createPluginContainer, loadPlugins, type PluginHost} from "../plugin/host.js";
import {createMetricsPlugin} from "../plugin/metrics/plugin.js";
import {createSharePlugin} from "../plugin/share/plugin.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import {BUILT_IN} from "./cli/built-in.js";
import type {Config} from "./config/schema.js";
import {dkgThread} from "./dkg-thread.js";

/** Loaded where there is a journal to open: a signer and most commands have none. */
const openCeremonyJournal: DkgPluginModules["openJournal"] = async (folder, key) =>
  (await import("../adapters/ceremony-journal/lmdb.js")).LmdbCeremonyJournal.open(folder, key);

/** The plugins of a configuration, loaded and registered, not started. The PLUGIN_ codes say what is wrong with one. */
export function loadPluginHost(
  config: Pick<Config, "plugins">,
  {logger, clock, baseDir, node}: {logger: Logger; clock: Clock; baseDir: string; node: PublicConfig},
): Promise<PluginHost> {
  const entries = Object.entries(config.plugins).map(([name, plugin]) => ({name, ...plugin}));
  return loadPlugins(entries, {
    container: createPluginContainer({logger, clock, node}),
    logger,
    baseDir,
    // A new one per host: each has a registry of its own.
    builtins: [
      createMetricsPlugin(),
      createDkgPlugin({group: blstDkgGroup, openJournal: openCeremonyJournal, openAside: dkgThread}),
      createSharePlugin(),
    ],
    reservedCommands: BUILT_IN,
  });
}
