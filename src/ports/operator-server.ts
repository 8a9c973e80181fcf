import type {PeerIdText} from "../core/bytes.js";
import type {PartialReply, PartialRequest, Watermark} from "./operator-link.js";

/**
 * What an operator does for an authenticated peer, whichever way it came. Neither method rejects for anything the peer
 * can cause; a refusal is a reply.
 */
export interface PartialHandler {
  /** `gone` aborts when the peer's connection has ended: what had not begun by then need not begin. */
  handle(peer: PeerIdText, request: PartialRequest, gone?: AbortSignal): Promise<PartialReply>;
  /** Of the keys whose committee has this peer as a coordinator. */
  watermarks(peer: PeerIdText): Promise<readonly Watermark[]>;
}

/** Listens for coordinators and hands what they ask to a PartialHandler. */
export interface OperatorServer {
  /** Where it listens, as multiaddrs without peer id and with the real port where 0 was asked for. */
  addresses(): string[];
  /** Closes every connection; what is being answered is lost. */
  close(): Promise<void>;
}
