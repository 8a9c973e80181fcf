import type {LogFields, Logger, LogLevel} from "../../ports/logger.js";

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps its lines: the in-memory twin of the logger. Children write to the same list. */
export class MemoryLogger implements Logger {
  readonly lines: LogLine[];
  readonly #fields: LogFields;

  constructor(fields: LogFields = {}, lines: LogLine[] = []) {
    this.#fields = fields;
    this.lines = lines;
  }

  debug(message: string, fields?: LogFields): void {
    this.#add("debug", message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.#add("info", message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.#add("warn", message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.#add("error", message, fields);
  }
  child(fields: LogFields): Logger {
    return new MemoryLogger({...this.#fields, ...fields}, this.lines);
  }
  #add(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.lines.push({level, message, fields: {...this.#fields, ...fields}});
  }
}
