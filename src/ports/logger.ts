/** Structured logging; never given a secret. Fields are plain data. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}
export type LogFields = {readonly [key: string]: unknown};
export type LogLevel = "debug" | "info" | "warn" | "error";
