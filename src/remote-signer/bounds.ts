/** Every bound of the HTTP server, with its reason. */

/**
 * A pre-Bellatrix BLOCK_V2 carries its whole body. The largest: 128 attestations of about 1.3 kB as JSON, 2 attester
 * slashings with 4 × 2048 indices, 16 deposits with 33-hash proofs, 16 proposer slashings and exits: about 0.4 MB.
 * 2 MiB leaves room for wide numbers and indented JSON.
 */
export const BODY_LIMIT_BYTES = 2 ** 21;

/**
 * Requests in the committee at once. Each waits mostly for the network, and what waits together travels together, so
 * many are wanted; each holds a few kB here and a place in every operator's queue.
 */
export const MAX_CONCURRENT = 512;

/** A client with 1000 keys asks for a whole epoch's selection proofs at once; eight such clients wait here, no more. */
export const MAX_QUEUED = 8192;

/** Lodestar opens one socket per parallel request, so this many keys can ask at once. Each is an open file here. */
export const MAX_CONNECTIONS = 2048;

/** As many as one client may hold: half, so that one address cannot take all of them, and 1000 keys can still ask at once. */
export const MAX_CONNECTIONS_PER_CLIENT = 1024;

/** A bucket is some 100 bytes; more clients than this come from nowhere but a flood. */
export const MAX_RATE_LIMITED_CLIENTS = 4096;

/** One log line for all connections refused in this time. */
export const DROP_LOG_INTERVAL_MS = 60_000;

/** One batch: about 100 kB of identifiers. Every key in it takes its own place in the queue. */
export const MAX_BATCH_KEYS = 1024;

/** Node's own default, stated: the client sends under 1 kB. Counts the request line too, so it bounds URLs as well. */
export const MAX_HEADER_BYTES = 16 * 1024;

/** An identifier has 98 characters; a somewhat wrong one should still be told what is wrong with it. */
export const MAX_PARAM_CHARS = 256;

/** A block's body nests 9 deep; deeper JSON only aims at recursive code. */
export const MAX_JSON_DEPTH = 32;

/** From the first byte to the last of one request: bodies are small and networks local. */
export const REQUEST_TIMEOUT_MS = 15_000;
export const HEADERS_TIMEOUT_MS = 10_000;
export const CONNECTION_CHECK_MS = 5_000;
/** A TLS handshake takes one round trip and some milliseconds; node's own default is two minutes. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Longer than a request may take to arrive, so that those end with their own code; an answer fits into a few packets. */
export const STALLED_TIMEOUT_MS = 20_000;

/** Lodestar keeps its connections for the next slot; longer than the common 60 s of proxies, so that they close first. */
export const KEEP_ALIVE_TIMEOUT_MS = 75_000;

/** How long after the abort the service may still say which operator was too slow, before a bare 504 is sent. */
export const ABORT_GRACE_MS = 100;

/** Longer than any in-slot deadline on mainnet (a third of 12 s): what still waits then has lost its use. */
export const CLOSE_GRACE_MS = 5_000;

/** A watermark asks every operator once; it is for people and scripts. */
export const WATERMARK_TIMEOUT_MS = 3_000;

/** A plugin's route that hangs must not hold its client for ever. */
export const PLUGIN_ROUTE_TIMEOUT_MS = 10_000;

/** Errors end up in the client's log as one line. */
export const MAX_MESSAGE_CHARS = 400;

/** Commands in terminals of one person; each holds a file here. */
export const MAX_CONTROL_CONNECTIONS = 64;

/** One line of progress or one result; the largest, a deposit file for 1,000 validators, is some 800 kB. */
export const MAX_CONTROL_LINE_BYTES = 2 ** 21;

/** Somebody may watch a ceremony until its deadline, which may be days away; timers of node end after 24 days. */
export const MAX_CONTROL_MS = 14 * 24 * 60 * 60_000;

/** Who watches is told at once that the node stops. */
export const CONTROL_CLOSE_GRACE_MS = 0;
