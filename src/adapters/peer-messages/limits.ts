/** Bounds of messages between plugins. Both ends enforce them on what they send and receive. */

/** A dealing for fifty validators among thirteen operators is some 130 KB; one message may hold several times that. */
export const MAX_BODY_BYTES = 2 ** 20;
/** Two committees of thirteen that hand over to each other, for two such ceremonies at once, and some. */
export const MAX_PEERS = 64;

/** Messages of one peer in its handler's hands at once; when there are as many, nothing more is read from the peer. */
export const MAX_IN_HAND = 8;
/** The same in bytes; with what the transport holds no peer makes us keep more than about five megabytes. */
export const MAX_IN_HAND_BYTES = 2 * MAX_BODY_BYTES;
/** What waits for one peer to read it: a few of the largest messages. */
export const MAX_QUEUED_BYTES = 8 * MAX_BODY_BYTES;
/** Requests that one peer has not answered. */
export const MAX_UNANSWERED = 64;
/** Messages of one peer per second; a faster one is read more slowly. Each costs at least a turn of the plugin. */
export const RATE = {perSecond: 500, burst: 1_000};

/** Each side says this often that it lives, also while it reads nothing. */
export const BEAT_MS = 5_000;
/** After this long without a byte the peer is taken for lost: three beats. */
export const SILENCE_MS = 15_000;
/** A peer that has read nothing for this long is taken for lost, though it says that it lives. */
export const UNREAD_MS = 60_000;
/** Dialling, noise and hello together. */
export const HANDSHAKE_MS = 10_000;
/** A plugin that has not answered by then will not. */
export const REQUEST_MS = 30_000;

/** The peer with the lower id dials at once, the other one only when nobody has come for so long. */
export const PATIENCE_MS = 1_000;
/** Of two streams that cross, the one that the lower peer opened stays while it is younger than this. */
export const CROSSING_MS = 5_000;
/** An attempt every five seconds is enough where no duty waits. */
export const LAST_BACKOFF_MS = 5_000;
