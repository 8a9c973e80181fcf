import type {PeerIdText} from "../core/bytes.js";
import type {ReasonCode} from "../core/errors.js";
import type {Sighting} from "../core/slashing/sighting.js";

/** A sighting, and whose it is said to be. Unverified: only that operator's keeper can tell whether it is authentic. */
export interface Told {
  readonly peerId: PeerIdText;
  readonly sighting: Sighting;
}

/** More than 4 lives each of 13 operators from 4 sources; what does not fit into one message goes with the next. */
export const MAX_TOLD = 256;

/**
 * One node's part in the exchange of sightings, whichever end of a connection it is. Coordinators remember what operators
 * say of themselves, hand each operator what is known of it before they ask it for anything, and let operators carry what
 * one coordinator knows to the next.
 */
export interface SightingExchange {
  /**
   * What this peer is to be told of what changed after `since` (0: all of it), what is about itself first, at most
   * MAX_TOLD; `version` is the `since` of the next call.
   */
  news(peer: PeerIdText, since: number): {readonly told: readonly Told[]; readonly version: number};
  /**
   * What an authenticated peer said: `own` of itself. Never rejects. Resolves once everything that follows holds; no
   * request that comes after it may be answered before.
   */
  heard(peer: PeerIdText, said: {readonly own: Sighting | null; readonly told: readonly Told[]}): Promise<void>;
  /** This node's newest sighting of itself, covering every answer given out so far; null for a coordinator. */
  own(): Sighting | null;
  /** Why this operator signs nothing; null while it does, and for a coordinator. */
  stopCode(): ReasonCode | null;
}
