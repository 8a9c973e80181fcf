import type {PeerIdText, PubkeyHex, RootHex, TraceId} from "../core/bytes.js";
import type {Priority, WireRequest} from "../core/duty/sign-request.js";
import type {ReasonCode} from "../core/errors.js";

export interface PartialRequest {
  readonly key: PubkeyHex;
  readonly committeeHash: RootHex;
  readonly priority: Priority;
  readonly request: WireRequest;
  /** For the logs only; nothing is decided by it. */
  readonly trace?: TraceId;
}

export type PartialReply =
  /** `partial`: 192 bytes, uncompressed G2, signed with the scaled share. Unverified: the sender may lie. */
  | {readonly kind: "signed"; readonly committeeHash: RootHex; readonly partial: Uint8Array}
  /** The operator decided not to sign. `code` is a known reason code; unknown codes arrive as LINK_UNKNOWN_REASON. */
  | {readonly kind: "refused"; readonly code: ReasonCode; readonly message: string};

export interface Watermark {
  readonly key: PubkeyHex;
  /** Highest recorded block slot and attestation target epoch; null when nothing is recorded. */
  readonly slot: bigint | null;
  readonly epoch: bigint | null;
}

export interface PeerStatus {
  readonly peerId: PeerIdText;
  readonly connected: boolean;
  /** Version text of the peer's software from the handshake, null before one. */
  readonly software: string | null;
  /** Milliseconds to the peer and back, the shortest of the last few pings; null before the first. */
  readonly roundTripMs: number | null;
  /** The peer's clock minus this node's in milliseconds, at most half a round trip off; null before the first ping. */
  readonly clockOffsetMs: number | null;
  /** Why the operator says that it signs nothing at all; null while it signs and while it is not connected. */
  readonly stopCode: ReasonCode | null;
}

/**
 * The coordinator's way to operators. Requests that wait together travel together; one long-lived stream per peer.
 * Contract: a call settles when the reply came, the signal aborted (LINK_ABORTED), the peer is not connected
 * (LINK_DISCONNECTED, at once: no waiting for a reconnect), or the stream broke (LINK_DISCONNECTED). Too many unanswered
 * requests to one peer give LINK_OVERLOADED, a request that no operator would take LINK_TOO_LARGE. Replies are
 * bound to the authenticated peer they were asked of; a malformed one is a refusal with LINK_BAD_REPLY.
 */
export interface OperatorLink {
  requestPartial(peer: PeerIdText, request: PartialRequest, signal: AbortSignal): Promise<PartialReply>;
  watermarks(peer: PeerIdText, signal: AbortSignal): Promise<readonly Watermark[]>;
  peers(): readonly PeerStatus[];
  /** Peers to keep connected from now on; others are dropped. @throws LINK_ADDRESS, and nothing has changed then */
  setPeers(peers: readonly {peerId: PeerIdText; addresses: readonly string[]}[]): void;
  close(): Promise<void>;
}
