import {formatError} from "../../src/app/cli/errors.js";
import {PleiadesError} from "../../src/core/errors.js";
import {ProgramError} from "./processes.js";

/** Only what a person can act on; a stack for what should not happen. */
export function explain(error: unknown): string {
  if (error instanceof ProgramError) return error.message;
  if (error instanceof PleiadesError) return formatError(error);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const PARENT_POLL_MS = 250;
/** npm hands on a Ctrl-C that the terminal has already sent to everybody: one press comes twice. */
const SAME_PRESS_MS = 500;

/**
 * Aborts the signal on Ctrl-C, SIGTERM, SIGHUP, and when npm, which started this process, is gone. A second signal ends
 * at once; what runs is then killed by the reaper and by the operators' own watch over their parent.
 */
export async function withStopSignals(task: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const stop = new AbortController();
  let first = 0;
  const onSignal = (): void => {
    if (!stop.signal.aborted) first = performance.now();
    else if (performance.now() - first > SAME_PRESS_MS) process.exit(130);
    stop.abort();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, onSignal);
  const parent = process.ppid;
  const byNpm = process.env.npm_lifecycle_event !== undefined;
  const timer = setInterval(() => byNpm && process.ppid !== parent && stop.abort(), PARENT_POLL_MS);
  try {
    return await task(stop.signal);
  } finally {
    clearInterval(timer);
    for (const name of signals) process.off(name, onSignal);
  }
}
