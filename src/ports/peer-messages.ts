import type {PeerIdText} from "../core/bytes.js";
import type {ReasonCode} from "../core/errors.js";

/** A node that a plugin wants to talk to; it need not be in any committee file. */
export interface NamedPeer {
  readonly peerId: PeerIdText;
  /** TCP multiaddrs. Without any the peer can only come to us. */
  readonly addresses: readonly string[];
}

export interface NamedPeerStatus {
  readonly peerId: PeerIdText;
  readonly connected: boolean;
  /** Why it is not connected: what ended the last attempt or connection. */
  readonly code: ReasonCode | null;
}

/**
 * What is done with what named peers say. The next few messages of a peer are handed over while earlier ones are still
 * being worked on; beyond that nothing more is read from this peer. A handler must therefore not wait for an answer of
 * the same peer.
 */
export interface PeerHandler {
  /** A one-way message; a rejection is logged and changes nothing. */
  message?(peer: PeerIdText, body: Uint8Array): Promise<void> | void;
  /** The answer's body. A rejection refuses: a PleiadesError by its own code, any other by PEER_FAILED. */
  request?(peer: PeerIdText, body: Uint8Array): Promise<Uint8Array> | Uint8Array;
  connected?(peer: PeerIdText): void;
  /** What was sent and not answered may or may not have arrived. */
  disconnected?(peer: PeerIdText): void;
}

/**
 * Messages between one plugin of this node and the same plugin of named peers. Both sides must have named each other.
 * Peers are authenticated by their peer id; messages of one peer come in the order in which they were sent, each at most
 * once. Bodies are opaque and from outside: whoever gets one parses it. Twin: a network in memory.
 */
export interface PeerMessages {
  readonly self: PeerIdText;
  /**
   * Replaces the peers: new ones are connected and kept so, those no longer named are cut off. This node itself is left out.
   * @throws LINK_ADDRESS · PEER_TOO_MANY; the peers are then as they were
   */
  setPeers(peers: readonly NamedPeer[]): void;
  peers(): readonly NamedPeerStatus[];
  /** Replaces the handler. */
  handle(handler: PeerHandler): void;
  /**
   * Resolves once the message is on its way, so whoever waits for it sends no faster than the peer reads.
   * @throws PEER_UNKNOWN · LINK_TOO_LARGE · LINK_DISCONNECTED · LINK_OVERLOADED · LINK_ABORTED
   */
  send(peer: PeerIdText, body: Uint8Array, signal?: AbortSignal): Promise<void>;
  /**
   * The peer's answer. @throws PEER_UNKNOWN · PEER_TIMEOUT · LINK_TOO_LARGE · LINK_DISCONNECTED · LINK_OVERLOADED · LINK_ABORTED ·
   *   the code of the peer's refusal
   */
  request(peer: PeerIdText, body: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>;
}
