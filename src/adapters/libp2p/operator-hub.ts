import {type Multiaddr, multiaddr} from "@multiformats/multiaddr";
import type {Libp2p} from "libp2p";
import type {PeerIdText} from "../../core/bytes.js";
import {PleiadesError} from "../../core/errors.js";
import type {Logger} from "../../ports/logger.js";
import type {Identity} from "./identity.js";
import {createNode} from "./node.js";

/** A libp2p connection and stream, without depending on the package that declares them. */
export type Connection = Awaited<ReturnType<Libp2p["dial"]>>;
export type Stream = Awaited<ReturnType<Connection["newStream"]>>;

/** One protocol that an operator speaks, with a list of peers of its own. */
export interface HubProtocol {
  readonly id: string;
  /** Peers that may open a stream of it. Asked anew for each connection and each stream. */
  readonly admits: (peerId: string) => boolean;
  /** Peers that are dialled for it; without it nobody is. */
  readonly dials?: (peerId: string) => boolean;
  /** Streams that one connection may hold open. */
  readonly maxInboundStreams: number;
  readonly onStream: (stream: Stream, connection: Connection) => void;
}

/** Connections one peer may hold: more than one only while it reconnects before the old one is noticed dead. */
const MAX_CONNECTIONS_PER_PEER = 3;
/** Streams of one connection and direction: the signing protocol's, and one or two of every plugin that has peers. */
const MAX_STREAMS = 32;
/** Refused peers remembered so that each is warned about once; anybody can make any number of peer ids. */
const MAX_WARNED = 100;

/**
 * The one libp2p node of an operator, shared by the protocols it speaks. A connection is let in when some protocol admits
 * its peer, and then each stream only when its own protocol does: who is a plugin's peer comes no further than to the
 * plugin.
 */
export class OperatorHub {
  readonly #node: Libp2p;
  readonly #listen: readonly string[];
  readonly #logger: Logger;
  readonly #protocols: Set<HubProtocol>;
  readonly #warned = new Set<string>();
  readonly #started = Promise.withResolvers<void>();

  /** Does not listen yet. @throws LINK_ADDRESS */
  static async create(
    {identity, logger}: {identity: Identity; logger: Logger},
    {listen}: {listen: readonly string[]},
  ): Promise<OperatorHub> {
    for (const address of listen) checkListenAddress(address);
    if (listen.length === 0) throw new PleiadesError({code: "LINK_ADDRESS", reason: "no address to listen on"});
    const protocols = new Set<HubProtocol>();
    const some = (test: (protocol: HubProtocol) => boolean | undefined): boolean =>
      [...protocols].some((protocol) => test(protocol) === true);
    const node = await createNode(
      {identity},
      {
        listen: [...listen],
        streams: MAX_STREAMS,
        gater: {
          denyDialPeer: (peerId) => !some(({dials}) => dials?.(peerId.toString())),
          denyInboundEncryptedConnection: (peerId) => {
            const refused = !some(({admits}) => admits(peerId.toString()));
            if (refused) hub.refused(peerId.toString());
            return refused;
          },
        },
      },
    );
    const hub = new OperatorHub(node, {listen, logger, protocols});
    node.addEventListener("connection:open", ({detail}) => hub.#limitConnections(detail));
    return hub;
  }

  private constructor(
    node: Libp2p,
    {listen, logger, protocols}: {listen: readonly string[]; logger: Logger; protocols: Set<HubProtocol>},
  ) {
    this.#node = node;
    this.#listen = listen;
    this.#logger = logger;
    this.#protocols = protocols;
    this.#started.promise.catch(() => undefined);
  }

  /** Speaks a protocol from now on; the returned function ends that, and nothing that is open. */
  async speak(protocol: HubProtocol): Promise<() => Promise<void>> {
    this.#protocols.add(protocol);
    await this.#node.handle(
      protocol.id,
      (stream, connection) => {
        const peerId = connection.remotePeer.toString();
        if (protocol.admits(peerId)) return protocol.onStream(stream, connection);
        // The connection was let in for another protocol, or the list has changed since.
        this.refused(peerId);
        connection.abort(new PleiadesError({code: "OPERATOR_NOT_COORDINATOR"}));
      },
      {maxInboundStreams: protocol.maxInboundStreams},
    );
    return async () => {
      this.#protocols.delete(protocol);
      await this.#node.unhandle(protocol.id);
    };
  }

  /**
   * A stream to a peer, over a connection that is there or a new one. `addresses` end in /p2p/ and the peer's id. Waits for
   * the start.
   */
  async open(
    protocol: HubProtocol,
    addresses: readonly Multiaddr[],
    signal: AbortSignal,
  ): Promise<{stream: Stream; connection: Connection}> {
    await unlessAborted(this.#started.promise, signal);
    const connection = await this.#node.dial([...addresses], {signal});
    try {
      return {connection, stream: await connection.newStream(protocol.id, {signal})};
    } catch (error) {
      // It may be a connection that is just dying: the next attempt gets another.
      if (connection.streams.length === 0) connection.abort(new PleiadesError({code: "LINK_CLOSED"}));
      throw error;
    }
  }

  /** Listens. @throws LINK_ADDRESS_IN_USE · LINK_LISTEN_FAILED */
  async start(): Promise<void> {
    try {
      await this.#node.start();
      this.#started.resolve();
    } catch (error) {
      await this.close();
      throw explainListen(error, this.#listen);
    }
  }

  /** Where it listens, as multiaddrs without peer id and with the real port where 0 was asked for. */
  addresses(): string[] {
    return this.#node.getMultiaddrs().map((address) => address.toString().replace(/\/p2p\/[^/]*$/, ""));
  }

  /** Closes every connection. Idempotent. */
  async close(): Promise<void> {
    this.#started.reject(new PleiadesError({code: "LINK_CLOSED"}));
    await this.#node.stop();
  }

  /** Says once of each peer that it was refused. */
  refused(peerId: PeerIdText | string): void {
    const first = !this.#warned.has(peerId) && this.#warned.size < MAX_WARNED;
    if (first) this.#warned.add(peerId);
    this.#logger[first ? "warn" : "debug"]("refused a peer that is not a coordinator", {
      code: "OPERATOR_NOT_COORDINATOR",
      peer: peerId,
    });
  }

  /** Newest wins: the oldest connections of this peer beyond the limit are closed. */
  #limitConnections({remotePeer}: Connection): void {
    const held = [...this.#node.getConnections(remotePeer)].sort((a, b) => a.timeline.open - b.timeline.open);
    for (const old of held.slice(0, -MAX_CONNECTIONS_PER_PEER)) old.abort(new PleiadesError({code: "LINK_CLOSED"}));
  }
}

/** @throws the signal's reason */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, {once: true});
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
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
