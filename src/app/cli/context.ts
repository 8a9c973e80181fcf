import type {Io} from "./io.js";

/** A command leaves its exit code here, for yargs keeps no results of handlers. */
export interface CommandContext {
  readonly io: Io;
  exitCode: number;
}
