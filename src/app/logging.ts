import {createLogger} from "../adapters/logger/pino.js";
import type {LogFields, Logger, LogLevel} from "../ports/logger.js";
import {formatForConsole, wantsColour} from "./console-log.js";

export interface LoggingOptions {
  readonly level: LogLevel;
  readonly format: "json" | "text";
  readonly fields?: LogFields;
}

/** The logger of a process, to standard error. */
export function processLogger({level, format, fields}: LoggingOptions): Logger {
  const options = {level, ...(fields === undefined ? {} : {fields})};
  if (format === "json") return createLogger(options);
  const colour = wantsColour(process.stderr, process.env);
  return createLogger(options, {write: (line: string) => process.stderr.write(formatForConsole(line, {colour}))});
}
