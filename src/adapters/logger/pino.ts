import {type DestinationStream, type Logger as Pino, pino} from "pino";
import type {LogFields, Logger, LogLevel} from "../../ports/logger.js";

/** Structured JSON lines to `destination` (default: standard error, so that standard output stays for results). */
export function createLogger(
  {level, fields = {}}: {level: LogLevel; fields?: LogFields},
  destination: DestinationStream = pino.destination({dest: 2, sync: true}),
): Logger {
  return wrap(pino({level, base: fields, timestamp: pino.stdTimeFunctions.isoTime}, destination));
}

function wrap(inner: Pino): Logger {
  return {
    debug: (message, fields) => inner.debug(fields ?? {}, message),
    info: (message, fields) => inner.info(fields ?? {}, message),
    warn: (message, fields) => inner.warn(fields ?? {}, message),
    error: (message, fields) => inner.error(fields ?? {}, message),
    child: (fields) => wrap(inner.child({...fields})),
  };
}
