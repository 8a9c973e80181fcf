import {multiaddr} from "@multiformats/multiaddr";
import type {Libp2p} from "libp2p";
import {type PeerIdText, parsePeerIdText} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {OperatorServer, PartialHandler} from "../../ports/operator-server.js";
import type {SightingExchange} from "../../ports/sightings.js";
import type {Identity} from "../libp2p/identity.js";
import {createNode} from "../libp2p/node.js";
import type {Connection, Stream} from "./channel.js";
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
  readonly identity: Identity;
  readonly node: PartialHandler;
  readonly sightings: SightingExchange;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Connections one coordinator may hold: more than one only while it reconnects before the old one is noticed dead. */
const MAX_CONNECTIONS_PER_PEER = 3;
/** Refused peers remembered so that each is warned about once; anybody can make any number of peer ids. */
const MAX_WARNED = 100;

/**
 * Listens for coordinators over libp2p. Peers that are not allowed get no further than noise; what an allowed one sends is
 * parsed strictly and handed to `node` with its authenticated peer id.
 * @throws LINK_ADDRESS · LINK_ADDRESS_IN_USE · LINK_LISTEN_FAILED
 */
export async function createLibp2pOperatorServer(
  modules: OperatorServerModules,
  options: OperatorServerOptions,
): Promise<OperatorServer> {
  const sessions = new Sessions(modules, options);
  for (const address of options.listen) checkListenAddress(address);
  if (options.listen.length === 0) throw new PleiadesError({code: "LINK_ADDRESS", reason: "no address to listen on"});
  const node = await createNode(
    {identity: modules.identity},
    {
      listen: [...options.listen],
      gater: {
        denyDialPeer: () => true,
        denyInboundEncryptedConnection: (peerId) => !sessions.admits(peerId.toString()),
      },
    },
  );
  await node.handle(PROTOCOL_ID, (stream, connection) => sessions.open(stream, connection), {maxInboundStreams: 1});
  node.addEventListener("connection:open", ({detail}) => sessions.limitConnections(node, detail));
  try {
    await node.start();
  } catch (error) {
    await node.stop();
    throw explainListen(error, options.listen);
  }
  return {
    addresses: () => node.getMultiaddrs().map((address) => address.toString().replace(/\/p2p\/[^/]*$/, "")),
    close: async () => {
      sessions.closeAll();
      await node.stop();
    },
  };
}

class Sessions {
  readonly #modules: OperatorServerModules;
  readonly #options: OperatorServerOptions;
  readonly #load: SharedLoad = {inFlight: 0};
  readonly #open = new Set<ServerSession>();
  readonly #warned = new Set<string>();

  constructor(modules: OperatorServerModules, options: OperatorServerOptions) {
    this.#modules = modules;
    this.#options = options;
  }

  admits(peerId: string): boolean {
    if (this.#allows(peerId)) return true;
    const first = !this.#warned.has(peerId) && this.#warned.size < MAX_WARNED;
    if (first) this.#warned.add(peerId);
    this.#modules.logger[first ? "warn" : "debug"]("refused a peer that is not a coordinator", {
      code: "OPERATOR_NOT_COORDINATOR",
      peer: peerId,
    });
    return false;
  }

  open(stream: Stream, connection: Connection): void {
    const peerId = parsePeerIdText(connection.remotePeer.toString());
    // The gater has seen this peer already; the list may have changed since.
    if (!this.#allows(peerId)) {
      connection.abort(new PleiadesError({code: "OPERATOR_NOT_COORDINATOR"}));
      return;
    }
    const {logger, clock, sightings} = this.#modules;
    const session = new ServerSession(
      {stream, clock, sightings, handler: this.#modules.node, load: this.#load},
      {
        peerId,
        software: this.#options.software,
        allowed: () => this.#allows(peerId),
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

  /** Newest wins: the oldest connections of this peer beyond the limit are closed. */
  limitConnections(node: Libp2p, {remotePeer}: Connection): void {
    const held = [...node.getConnections(remotePeer)].sort((a, b) => a.timeline.open - b.timeline.open);
    for (const old of held.slice(0, -MAX_CONNECTIONS_PER_PEER)) old.abort(new PleiadesError({code: "LINK_CLOSED"}));
  }

  closeAll(): void {
    for (const session of this.#open) session.abort(new PleiadesError({code: "LINK_CLOSED"}));
  }

  #allows(peerId: string): boolean {
    const allowed: ReadonlySet<string> = this.#options.allowedPeers();
    return allowed.has(peerId);
  }
}

function checkListenAddress(address: string): void {
  try {
    if (multiaddr(address).getComponents().at(-1)?.name === "tcp") return;
  } catch (error) {
    throw new PleiadesError({code: "LINK_ADDRESS", address}, {cause: error});
  }
  throw new PleiadesError({code: "LINK_ADDRESS", address});
}

/** libp2p puts the system's words for every address into one message; each stands on a line with its address. */
function explainListen(error: unknown, listen: readonly string[]): PleiadesError {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split("\n");
  const address = listen.find((one) => lines.some((line) => line.includes(one))) ?? listen.join(" ");
  const code = text.includes("EADDRINUSE") ? "LINK_ADDRESS_IN_USE" : "LINK_LISTEN_FAILED";
  const reason = /\b(?:EADDRINUSE|EADDRNOTAVAIL|EACCES|ENOTFOUND|EAI_AGAIN)\b.*/.exec(text)?.[0];
  return new PleiadesError({code, address, reason: reason ?? text.slice(0, 200)}, {cause: error});
}
