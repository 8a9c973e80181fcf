import {setMaxListeners} from "node:events";

/** One signal may stand for all that a plugin has asked for; Node warns of more than ten listeners. */
export function listen(signal: AbortSignal | undefined, onAbort: () => void): void {
  if (signal === undefined) return;
  setMaxListeners(0, signal);
  signal.addEventListener("abort", onAbort, {once: true});
}
