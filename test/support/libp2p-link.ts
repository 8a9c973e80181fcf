import {systemClock} from "../../src/adapters/clock/system.js";
import {generateIdentity, type Identity} from "../../src/adapters/libp2p/identity.js";
import {MemoryLogger} from "../../src/adapters/logger/memory.js";
import {createLibp2pOperatorLink} from "../../src/adapters/operator-link/libp2p-operator-link.js";
import {createLibp2pOperatorServer} from "../../src/adapters/operator-link/libp2p-operator-server.js";
import {NO_SIGHTINGS} from "../../src/adapters/operator-link/no-sightings.js";
import type {PeerIdText} from "../../src/core/bytes.js";
import type {Clock} from "../../src/ports/clock.js";
import type {PleiadesEvent} from "../../src/ports/observer.js";
import type {PartialHandler} from "../../src/ports/operator-server.js";
import type {SightingExchange} from "../../src/ports/sightings.js";
import {FakeOperator} from "./link.js";

export async function startLink({
  identity,
  clock = systemClock,
  sightings = NO_SIGHTINGS,
}: {
  identity?: Identity;
  clock?: Clock;
  sightings?: SightingExchange;
} = {}) {
  const self = identity ?? (await generateIdentity());
  const logger = new MemoryLogger();
  const events: PleiadesEvent[] = [];
  const link = await createLibp2pOperatorLink(
    {identity: self, logger, observer: (event) => events.push(event), clock, sightings},
    {software: "test/coordinator"},
  );
  return {link, logger, events, self: self.peerId, codes: () => logger.lines.map(({fields}) => fields.code)};
}

export async function startServer<H extends PartialHandler = FakeOperator>({
  allowed,
  identity,
  listen = "/ip4/127.0.0.1/tcp/0",
  handler,
  clock = systemClock,
  sightings = NO_SIGHTINGS,
}: {
  allowed: Set<PeerIdText>;
  identity?: Identity;
  listen?: string;
  handler?: H;
  clock?: Clock;
  sightings?: SightingExchange;
}) {
  const self = identity ?? (await generateIdentity());
  const logger = new MemoryLogger();
  const fake = (handler ?? new FakeOperator()) as H;
  const server = await createLibp2pOperatorServer(
    {identity: self, node: fake, sightings, logger, clock},
    {listen: [listen], allowedPeers: () => allowed, software: "test/operator"},
  );
  const addresses = server.addresses();
  const port = Number(/\/tcp\/(\d+)/.exec(addresses[0] ?? "")?.[1]);
  return {
    server,
    logger,
    fake,
    identity: self,
    peerId: self.peerId,
    addresses,
    port,
    codes: () => logger.lines.map(({fields}) => fields.code),
  };
}
