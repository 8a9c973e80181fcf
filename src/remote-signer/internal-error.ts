import type {LogFields, Logger} from "../ports/logger.js";

/** For the log only; a client never sees it. */
export const traceOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** An error nobody foresaw: all of it goes to the log, so that it can be reported. */
export function logInternal(logger: Logger, error: unknown, fields: LogFields = {}): void {
  logger.error("unexpected error", {...fields, code: "INTERNAL", error: traceOf(error)});
}
