/** Bounds of the stream between coordinator and operator. Both ends enforce them on what they send and receive. */

/** Holds about a thousand attestations, yet no peer can make us hold more than this for one frame. */
export const MAX_FRAME_BYTES = 2 ** 20;
/** As many requests as fit in a frame when each has the size of the smallest (a selection proof of about 700 bytes). */
export const MAX_FRAME_ITEMS = 1500;
/** The largest request, an Electra aggregate, carries 131,072 aggregation bits: 32 KiB as hex. */
export const MAX_ITEM_BYTES = 2 ** 16;
/** A WireRequest nests seven deep (request, proof, message, aggregate, data, source, epoch). */
export const MAX_ITEM_DEPTH = 12;
/** A peer id of at most 60 characters, a space and a sighting; 256 of them are 75 KB. */
export const MAX_TOLD_LENGTH = 60 + 1 + 234;
/** A hello is about 70 bytes without them. */
export const MAX_SOFTWARE_LENGTH = 128;
/** A refusal's message is for people to read in one line of a log. */
export const MAX_MESSAGE_LENGTH = 512;
/** Keys per part of a watermark reply, about 170 bytes each, so that a part fits in a frame. */
export const WATERMARKS_PER_PART = 2000;
/** All keys of one operator; more would not be served by one machine. */
export const MAX_WATERMARKS = 100_000;

/** Requests of one coordinator that one operator has not answered: several seconds of one signing core's work. */
export const MAX_OUTSTANDING = 4096;
/** The same over all coordinators of an operator. */
export const MAX_OUTSTANDING_TOTAL = 4 * MAX_OUTSTANDING;
/** What waits for a slow reader before the stream is given up: a few full frames. */
export const MAX_QUEUED_BYTES = 2 ** 23;

/** The coordinator pings this often; any frame proves the peer alive. What it learnt of operators meanwhile goes along. */
export const PING_INTERVAL_MS = 5_000;
/** After this long without a frame the peer is taken for lost: three pings, and longer than any pause of a healthy process. */
export const SILENCE_MS = 15_000;
/** An operator waits longer than a coordinator, so that the coordinator, which redials, is the one to notice first. */
export const SERVER_SILENCE_MS = 30_000;
/** Dialling, noise and hello together. */
export const HANDSHAKE_MS = 10_000;
