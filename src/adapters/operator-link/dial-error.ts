import {PleiadesError, type ReasonCode} from "../../core/errors.js";

/** From the least to the most telling: with several addresses the most telling failure is reported. */
const KINDS = ["LINK_UNREACHABLE", "LINK_REJECTED", "LINK_WRONG_PEER", "LINK_VERSION"] as const satisfies ReasonCode[];
type Kind = (typeof KINDS)[number];

/** Never got as far as talking to the peer. */
const NETWORK =
  /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EACCES|EPERM/;
const TIMED_OUT = new Set(["TimeoutError", "AbortError"]);

/** What a failed dial, stream or hello means, as a PleiadesError with the library's words as `reason`. */
export function explainDial(error: unknown): PleiadesError {
  if (error instanceof PleiadesError) return error;
  const causes: unknown[] = error instanceof AggregateError ? error.errors : [error];
  const told = causes.map((cause) => ({kind: kindOf(cause), cause}));
  const worst = told.sort((a, b) => KINDS.indexOf(b.kind) - KINDS.indexOf(a.kind))[0];
  if (worst === undefined) return new PleiadesError({code: "LINK_UNREACHABLE"}, {cause: error});
  return new PleiadesError({code: worst.kind, reason: messageOf(worst.cause)}, {cause: error});
}

function kindOf(cause: unknown): Kind {
  const message = messageOf(cause);
  if (NETWORK.test(message) || (cause instanceof Error && TIMED_OUT.has(cause.name))) return "LINK_UNREACHABLE";
  // noise's words; the upgrader keeps nothing but the message.
  if (message.includes("does not match expected remote identity key")) return "LINK_WRONG_PEER";
  if (cause instanceof Error && cause.name === "UnsupportedProtocolError") return "LINK_VERSION";
  return "LINK_REJECTED";
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
