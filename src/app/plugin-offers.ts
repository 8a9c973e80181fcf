import {chmod, mkdir} from "node:fs/promises";
import {join} from "node:path";
import type {OperatorHub} from "../adapters/libp2p/operator-hub.js";
import {Libp2pPeerMessages} from "../adapters/peer-messages/libp2p.js";
import type {PeerIdText} from "../core/bytes.js";
import type {PluginName} from "../plugin/contract.js";
import type {PluginOffer} from "../plugin/lifecycle.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";

/** What an operator has for each of its plugins beyond what every node has. */
export class PluginOffers {
  readonly #modules: {readonly hub: OperatorHub; readonly clock: Clock; readonly logger: Logger};
  readonly #options: {readonly self: PeerIdText; readonly dataDir: string};
  readonly #peers: Libp2pPeerMessages[] = [];

  constructor(
    modules: {hub: OperatorHub; clock: Clock; logger: Logger},
    options: {self: PeerIdText /** Of the node. */; dataDir: string},
  ) {
    this.#modules = modules;
    this.#options = options;
  }

  /** Makes the plugin's folder. */
  async of(plugin: PluginName): Promise<PluginOffer> {
    const {hub, clock, logger} = this.#modules;
    const {self} = this.#options;
    const dataDir = join(this.#options.dataDir, "plugins", plugin);
    await mkdir(dataDir, {recursive: true, mode: 0o700});
    // One that was there may have been unpacked from somewhere with other rights.
    await chmod(dataDir, 0o700);
    const peers = new Libp2pPeerMessages({hub, clock, logger: logger.child({plugin})}, {self, plugin});
    this.#peers.push(peers);
    return {peers, dataDir};
  }

  async close(): Promise<void> {
    await Promise.all(this.#peers.splice(0).map((peers) => peers.close()));
  }
}
