import {chmod, mkdir} from "node:fs/promises";
import {join} from "node:path";
import type {Identity} from "../adapters/libp2p/identity.js";
import type {OperatorHub} from "../adapters/libp2p/operator-hub.js";
import {Libp2pPeerMessages} from "../adapters/peer-messages/libp2p.js";
import {pluginMessage} from "../core/dkg/node-signature.js";
import type {PluginName} from "../plugin/contract.js";
import type {PluginOffer} from "../plugin/lifecycle.js";
import type {CeremonyVault} from "../ports/ceremony-vault.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import type {ShareRepair} from "../ports/share-repair.js";

export interface OfferModules {
  readonly hub: OperatorHub;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly identity: Identity;
  readonly vault: CeremonyVault;
  readonly repair: ShareRepair;
  readonly committeesChanged: () => Promise<readonly string[]>;
}

/** What an operator has for each of its plugins beyond what every node has. */
export class PluginOffers {
  readonly #modules: OfferModules;
  readonly #options: {readonly dataDir: string};
  readonly #peers: Libp2pPeerMessages[] = [];

  /** @param options.dataDir of the node */
  constructor(modules: OfferModules, options: {dataDir: string}) {
    this.#modules = modules;
    this.#options = options;
  }

  /** Makes the plugin's folder. */
  async of(plugin: PluginName): Promise<PluginOffer> {
    const {hub, clock, logger, identity, vault, repair, committeesChanged} = this.#modules;
    const dataDir = join(this.#options.dataDir, "plugins", plugin);
    await mkdir(dataDir, {recursive: true, mode: 0o700});
    // One that was there may have been unpacked from somewhere with other rights.
    await chmod(dataDir, 0o700);
    const peers = new Libp2pPeerMessages({hub, clock, logger: logger.child({plugin})}, {self: identity.peerId, plugin});
    this.#peers.push(peers);
    return {
      peers,
      dataDir,
      vault,
      repair,
      sign: (message) => identity.sign(pluginMessage(plugin, message)),
      committeesChanged,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#peers.splice(0).map((peers) => peers.close()));
  }
}
