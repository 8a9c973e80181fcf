import {randomBytes} from "node:crypto";
import {parseTraceId, type TraceId} from "../core/bytes.js";

/** version 00: trace id, parent id, flags. A later version may add fields behind them. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;
const MAX_TRACEPARENT_CHARS = 128;

/** The trace id that a client's `traceparent` header names; without a good one a new id. @see W3C Trace Context 3.2 */
export function traceIdOf(traceparent: unknown): TraceId {
  const named =
    typeof traceparent === "string" && traceparent.length <= MAX_TRACEPARENT_CHARS
      ? parseTraceId(TRACEPARENT.exec(traceparent)?.[1])
      : null;
  return named ?? newTrace();
}

function newTrace(): TraceId {
  // All zeros, the one id that is none, will not come up; but it need not be argued about.
  for (;;) {
    const trace = parseTraceId(randomBytes(16).toString("hex"));
    if (trace !== null) return trace;
  }
}
