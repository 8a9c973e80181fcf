import {systemClock} from "../../src/adapters/clock/system.js";
import {generateIdentity, type Identity} from "../../src/adapters/libp2p/identity.js";
import {OperatorHub} from "../../src/adapters/libp2p/operator-hub.js";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import {serveCoordinators} from "../../src/adapters/operator-link/libp2p-operator-server.js";
import {NO_SIGHTINGS} from "../../src/adapters/operator-link/no-sightings.js";
import {Libp2pPeerMessages} from "../../src/adapters/peer-messages/libp2p.js";
import type {PeerIdText} from "../../src/core/bytes.js";
import type {Clock} from "../../src/ports/clock.js";
import {FakeOperator} from "./link.js";

export interface PeerNodeOptions {
  readonly identity?: Identity;
  readonly listen?: string;
  readonly plugins?: readonly string[];
  readonly coordinators?: ReadonlySet<PeerIdText>;
  readonly clock?: Clock;
}

/** An operator's libp2p node with the signing protocol and plugins on it. */
export async function startPeerNode({
  identity,
  listen = "/ip4/127.0.0.1/tcp/0",
  plugins = ["test"],
  coordinators = new Set(),
  clock = systemClock,
}: PeerNodeOptions = {}) {
  const self = identity ?? (await generateIdentity());
  const logger = new MemoryLogger();
  const hub = await OperatorHub.create({identity: self, logger}, {listen: [listen]});
  const all = plugins.map((plugin) => new Libp2pPeerMessages({hub, clock, logger}, {self: self.peerId, plugin}));
  const signing = new FakeOperator();
  const server = await serveCoordinators(
    {hub, node: signing, sightings: NO_SIGHTINGS, logger, clock},
    {allowedPeers: () => coordinators, software: "test/operator"},
  );
  return {
    identity: self,
    self: self.peerId,
    logger,
    signing,
    addresses: hub.addresses(),
    messages: all[0]!,
    plugins: all,
    codes: () => logger.lines.map(({fields}) => fields.code),
    errors: () => logger.lines.filter(({level}) => level === "error").map(({message}) => message),
    close: async () => {
      for (const one of all) await one.close();
      await server.close();
    },
  };
}
