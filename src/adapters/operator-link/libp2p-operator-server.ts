import {type PeerIdText, parsePeerIdText} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {OperatorServer, PartialHandler} from "../../ports/operator-server.js";
import type {SightingExchange} from "../../ports/sightings.js";
import type {Identity} from "../libp2p/identity.js";
import {type Connection, OperatorHub, type Stream} from "../libp2p/operator-hub.js";
import {PROTOCOL_ID} from "./messages.js";
import {ServerSession, type SharedLoad} from "./server-session.js";

export interface OperatorServerOptions {
  /** Multiaddrs such as /ip4/0.0.0.0/tcp/9000; port 0 takes any. */
  readonly listen: readonly string[];
  /** Peer ids that may connect: the coordinators of all committees. Asked anew for each connection and frame. */
  readonly allowedPeers: () => ReadonlySet<PeerIdText>;
  /** What this node calls itself in the handshake, such as "pleiades/0.1.0". */
  readonly software: string;
}

export interface OperatorServerModules {
  readonly node: PartialHandler;
  readonly sightings: SightingExchange;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Listens for coordinators over libp2p. Peers that are not allowed get no further than noise; what an allowed one sends is
 * parsed strictly and handed to `node` with its authenticated peer id.
 * @throws LINK_ADDRESS · LINK_ADDRESS_IN_USE · LINK_LISTEN_FAILED
 */
export async function createLibp2pOperatorServer(
  modules: OperatorServerModules & {readonly identity: Identity},
  options: OperatorServerOptions,
): Promise<OperatorServer> {
  const hub = await OperatorHub.create(modules, options);
  return serveCoordinators({...modules, hub}, options);
}

/** The same on a hub that other protocols share; starts it, and closes it at the end. */
export async function serveCoordinators(
  modules: OperatorServerModules & {readonly hub: OperatorHub},
  options: Omit<OperatorServerOptions, "listen">,
): Promise<OperatorServer> {
  const {hub} = modules;
  const sessions = new Sessions(modules, options);
  await hub.speak({
    id: PROTOCOL_ID,
    admits: (peerId) => sessions.allows(peerId),
    maxInboundStreams: 1,
    onStream: (stream, connection) => sessions.open(stream, connection),
  });
  await hub.start();
  return {
    addresses: () => hub.addresses(),
    close: async () => {
      sessions.closeAll();
      await hub.close();
    },
  };
}

class Sessions {
  readonly #modules: OperatorServerModules;
  readonly #options: Omit<OperatorServerOptions, "listen">;
  readonly #load: SharedLoad = {inFlight: 0};
  readonly #open = new Set<ServerSession>();

  constructor(modules: OperatorServerModules, options: Omit<OperatorServerOptions, "listen">) {
    this.#modules = modules;
    this.#options = options;
  }

  allows(peerId: string): boolean {
    const allowed: ReadonlySet<string> = this.#options.allowedPeers();
    return allowed.has(peerId);
  }

  open(stream: Stream, connection: Connection): void {
    const peerId = parsePeerIdText(connection.remotePeer.toString());
    const {logger, clock, sightings} = this.#modules;
    const session = new ServerSession(
      {stream, clock, sightings, handler: this.#modules.node, load: this.#load},
      {
        peerId,
        software: this.#options.software,
        allowed: () => this.allows(peerId),
        onHello: (software) => logger.info("coordinator connected", {peer: peerId, software}),
        onEnd: (error) => {
          this.#open.delete(session);
          const level = error.code === "LINK_DISCONNECTED" || error.code === "LINK_CLOSED" ? "info" : "warn";
          logger[level]("coordinator disconnected", {
            ...error.data,
            peer: peerId,
            code: error.code,
            reason: error.message,
          });
          // A connection without its one stream is of no use to either side. After a version mismatch our hello is still
          // on its way, so the other side gets time to read it and hang up itself.
          const hangUp = () => connection.abort(error);
          if (error.code === "LINK_VERSION") clock.after(1_000, hangUp);
          else hangUp();
        },
      },
    );
    this.#open.add(session);
  }

  closeAll(): void {
    for (const session of this.#open) session.abort(new PleiadesError({code: "LINK_CLOSED"}));
  }
}
