import {closeSync, openSync} from "node:fs";
import type {Logger} from "../ports/logger.js";

/** Why a program stops. */
export type StopReason =
  | {readonly kind: "signal"; readonly signal: "SIGTERM" | "SIGINT"}
  /** The process that started this one is gone. */
  | {readonly kind: "parent"}
  /** A part the program cannot live without has failed. */
  | {readonly kind: "failed"; readonly error: unknown};

export interface Running {
  /** Settles when a part the program cannot live without is gone; never resolves otherwise. */
  readonly failed?: Promise<unknown>;
  /** What SIGHUP does; without it SIGHUP stops the program. */
  reload?(): Promise<unknown>;
  stop(): Promise<void>;
}

/** A clean stop closes streams and stores; after this the operating system does it. Records are durable long before. */
const STOP_BOUND_MS = 8000;
const PARENT_POLL_MS = 250;
/** One Ctrl-C comes twice under npm: from the terminal, and handed on by npm a moment later. */
const SAME_SIGNAL_MS = 500;

/**
 * Runs a program until it is told to stop, and then stops it, within a bound. SIGTERM and SIGINT stop it; a second one (not the
 * echo that npm makes of the first), or one before it has started, ends it at once. In a child forked by us SIGINT is
 * ignored, for Ctrl-C reaches the whole process group and the parent decides; the end of the channel to the parent stops
 * it. With `watchParent` a new parent process id stops it too, so that even SIGKILL of npm leaves nothing behind.
 *
 * @returns the exit code: 0 after SIGTERM or the parent's end, 130 after SIGINT. Rejects with the failure.
 */
export async function runUntilStopped(
  start: () => Promise<Running>,
  {logger, watchParent}: {logger: Pick<Logger, "info" | "error">; watchParent: boolean},
): Promise<number> {
  let stopping = false;
  let stoppingSince = 0;
  const {promise: stopped, resolve: requestStop} = withResolvers<StopReason>();
  let bound: NodeJS.Timeout | undefined;
  let running: Running | undefined;

  const request = (reason: StopReason): void => {
    if (stopping) {
      // The person has asked twice: no more waiting. Children end with the channel.
      const again = performance.now() - stoppingSince > SAME_SIGNAL_MS;
      if (reason.kind === "signal" && again) process.exit(reason.signal === "SIGINT" ? 130 : 1);
      return;
    }
    if (running === undefined) {
      // Still starting: there is nothing to stop in order, and whatever was started ends with its channel to here.
      logger.info("stopping before the start was complete");
      process.exit(exitCodeOf(reason));
    }
    bound = setTimeout(() => {
      logger.error("stopping took too long", {code: "CLI_STOP_TIMEOUT"});
      process.exit(1);
    }, STOP_BOUND_MS);
    stopping = true;
    stoppingSince = performance.now();
    requestStop(reason);
  };

  const forked = process.send !== undefined;
  const onSigterm = (): void => request({kind: "signal", signal: "SIGTERM"});
  const onSigint = (): void => {
    if (!forked) request({kind: "signal", signal: "SIGINT"});
  };
  const onDisconnect = (): void => request({kind: "parent"});
  process.on("SIGTERM", onSigterm);
  process.on("SIGINT", onSigint);
  if (forked) process.on("disconnect", onDisconnect);
  // The channel may have closed before anybody listened.
  if (forked && !process.connected) onDisconnect();
  const parent = process.ppid;
  const poll = watchParent
    ? setInterval(() => {
        if (process.ppid !== parent) request({kind: "parent"});
      }, PARENT_POLL_MS)
    : undefined;

  const hadTerminal = !forked && process.stdin.isTTY === true;
  const onSighup = (): void => {
    if (running?.reload === undefined || (hadTerminal && !terminalIsThere())) {
      request({kind: "signal", signal: "SIGTERM"});
    } else {
      running.reload().catch((error: unknown) => logger.error("reload failed", {error: String(error)}));
    }
  };
  process.on("SIGHUP", onSighup);

  try {
    running = await start();
    running.failed?.then(
      (error) => request({kind: "failed", error}),
      (error: unknown) => request({kind: "failed", error}),
    );
    const reason = await stopped;
    logger.info("stopping", {reason: reason.kind === "signal" ? reason.signal : reason.kind});
    await running.stop();
    if (reason.kind === "failed") throw reason.error;
    return exitCodeOf(reason);
  } finally {
    clearTimeout(bound);
    clearInterval(poll);
    process.off("SIGTERM", onSigterm);
    process.off("SIGINT", onSigint);
    process.off("disconnect", onDisconnect);
    process.off("SIGHUP", onSighup);
  }
}

const exitCodeOf = (reason: StopReason): number => {
  if (reason.kind === "failed") return 1;
  return reason.kind === "signal" && reason.signal === "SIGINT" ? 130 : 0;
};

/** SIGHUP asks a service to reload, but it is also how a closed terminal says goodbye. */
function terminalIsThere(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

/** Promise.withResolvers, which Node 20 lacks. */
export function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return {promise, resolve, reject};
}

/** npm's own processes stand between the person and this one, and may be killed without a word to it. */
export const startedByNpm = (env: NodeJS.ProcessEnv = process.env): boolean => env.npm_lifecycle_event !== undefined;
