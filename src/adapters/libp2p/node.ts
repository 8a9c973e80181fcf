import "./polyfill.js";
import {noise} from "@chainsafe/libp2p-noise";
import {yamux} from "@chainsafe/libp2p-yamux";
import {tcp} from "@libp2p/tcp";
import {createLibp2p, type Libp2p, type Libp2pOptions} from "libp2p";
import {gathering} from "./gather.js";
import type {Identity} from "./identity.js";

export type ConnectionGater = NonNullable<Libp2pOptions["connectionGater"]>;

/** Connections of one operator: coordinators of all its committees and plugins' peers, several each while they reconnect. */
const MAX_CONNECTIONS = 256;
/** How long an unauthenticated socket may take for noise and yamux. */
const UPGRADE_MS = 5_000;
/**
 * Sockets of one address per second, and sockets that are still unauthenticated. The second is more than the first times
 * UPGRADE_MS, so that one address that opens sockets and says nothing cannot keep others out.
 */
const INBOUND_PER_SECOND = 10;
const MAX_PENDING = 64;
/** A window that grows beyond a frame would only let stale requests pile up in a peer that hangs. */
const MAX_WINDOW_BYTES = 2 ** 20;

/**
 * A libp2p node with tcp, noise and yamux and nothing else: no identify (streams are negotiated by name, peers are known by
 * id), no discovery, routing, relay or pubsub. The connection monitor is off: its pings measure the event loop of the
 * peer's libp2p only and cut a busy peer off; the stream has pings of its own. TCP keep-alive is on by default.
 * The node is not started yet.
 * @param options.streams most per connection and direction
 */
export function createNode(
  {identity}: {identity: Identity},
  options: {listen: string[]; gater: ConnectionGater; streams?: number},
) {
  const dialOnly = options.listen.length === 0;
  const {streams = 2} = options;
  return createLibp2p({
    start: false,
    privateKey: identity.privateKey(),
    addresses: {listen: options.listen},
    transports: [tcp({maxConnections: MAX_CONNECTIONS})],
    connectionEncrypters: [gathering(noise())],
    streamMuxers: [
      yamux({
        // A coordinator opens one stream, and nobody opens one to it.
        maxInboundStreams: dialOnly ? 0 : streams,
        maxOutboundStreams: streams,
        maxEarlyStreams: 2,
        streamOptions: {maxStreamWindowSize: MAX_WINDOW_BYTES},
      }),
    ],
    connectionGater: options.gater,
    connectionMonitor: {enabled: false},
    connectionManager: {
      maxConnections: MAX_CONNECTIONS,
      inboundConnectionThreshold: INBOUND_PER_SECOND,
      maxIncomingPendingConnections: MAX_PENDING,
      inboundUpgradeTimeout: UPGRADE_MS,
      inboundStreamProtocolNegotiationTimeout: UPGRADE_MS,
      // dnsaddr addresses would be looked up in TXT records: no address of a committee file needs that.
      resolvers: {},
    },
  }) as Promise<Libp2p>;
}
