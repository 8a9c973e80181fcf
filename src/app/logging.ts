import {createLogger} from "../adapters/logger/pino.js";
import type {LogFields, Logger, LogLevel} from "../ports/logger.js";

export interface LoggingOptions {
  readonly level: LogLevel;
  readonly format: "json" | "text";
  readonly fields?: LogFields;
}

/** The logger of a process, to standard error. */
export function processLogger({level, format, fields}: LoggingOptions): Logger {
  const options = {level, ...(fields === undefined ? {} : {fields})};
  return format === "json" ? createLogger(options) : createLogger(options, {write: writeText});
}

/** One JSON line of the logger, for people: time, level, message, fields. */
function writeText(line: string): void {
  const {level, time, msg, ...fields} = JSON.parse(line) as {[key: string]: unknown};
  const shown = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === "object" ? JSON.stringify(value) : value}`,
  );
  const name = LEVELS[String(level)] ?? String(level);
  process.stderr.write(`${[time, name, msg, ...shown].join(" ")}\n`);
}

/** pino's numbers. */
const LEVELS: {readonly [level: string]: string} = {"20": "debug", "30": "info ", "40": "warn ", "50": "error"};
