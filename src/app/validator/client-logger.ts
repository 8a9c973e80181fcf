import type {LogFields, Logger} from "../../ports/logger.js";
import type {ClientLogger} from "./client-api.js";

/**
 * The client's log lines as ours. The path token of the private API stands in the URL that the client is given, and so in
 * the errors of its HTTP library: it is taken out of everything.
 * @param ending once true, its complaints are no news: what it was doing is cut off
 */
export function clientLogger(logger: Logger, {secret, ending}: {secret: string; ending: () => boolean}): ClientLogger {
  const clean = (text: string): string => text.replaceAll(secret, "…");
  const fields = (context: unknown, error: unknown): LogFields => ({
    ...plain(context, clean),
    ...(error === undefined || error === null ? {} : {error: clean(messageOf(error))}),
  });
  const at =
    (level: "error" | "warn" | "info" | "debug") =>
    (message: string, context?: unknown, error?: unknown): void =>
      logger[ending() ? "debug" : level](clean(message), fields(context, error));
  const lines: ClientLogger = {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    verbose: at("debug"),
    debug: at("debug"),
    child: ({module}) => clientLogger(logger.child({module}), {secret, ending}),
  };
  return lines;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Flat and printable: what is logged as context may be an error, bytes, or a number beyond JSON. */
function plain(context: unknown, clean: (text: string) => string): LogFields {
  if (context === undefined || context === null) return {};
  if (context instanceof Error) return {error: clean(context.message)};
  if (typeof context !== "object") return {context: clean(String(context))};
  return Object.fromEntries(
    Object.entries(context).map(([key, value]) => [key, typeof value === "number" ? value : clean(textOf(value))]),
  );
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`;
  if (value instanceof Error) return value.message;
  if (typeof value !== "object" || value === null) return String(value);
  return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item));
}
