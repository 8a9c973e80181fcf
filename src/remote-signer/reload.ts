import {codeOf, PleiadesError} from "../core/errors.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import {traceOf} from "./internal-error.js";

/** Reads configuration and committee files again; `errors` are those that could not be loaded. */
export type Reload = () => Promise<{errors: readonly string[]}>;

/** Web3Signer's schema of `GET /reload`. */
export interface ReloadStatus {
  readonly status: "idle" | "running" | "completed" | "completed_with_errors" | "failed";
  /** ISO 8601; absent before the first reload. */
  readonly lastOperationTime?: string;
  readonly lastError?: string;
}

/** Runs one reload at a time in the background and remembers how the last one ended. */
export class Reloader {
  readonly #reload: Reload;
  readonly #clock: Pick<Clock, "now">;
  readonly #logger: Logger;
  #status: ReloadStatus = {status: "idle"};

  constructor({reload, clock, logger}: {reload: Reload; clock: Pick<Clock, "now">; logger: Logger}) {
    this.#reload = reload;
    this.#clock = clock;
    this.#logger = logger;
  }

  get status(): ReloadStatus {
    return this.#status;
  }

  /** Starts a reload and returns at once. @throws HTTP_RELOAD_RUNNING */
  start(): void {
    if (this.#status.status === "running") throw new PleiadesError({code: "HTTP_RELOAD_RUNNING"});
    this.#set({status: "running"});
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      const {errors} = await this.#reload();
      if (errors.length === 0) {
        this.#set({status: "completed"});
        this.#logger.info("reload completed");
        return;
      }
      this.#set({
        status: "completed_with_errors",
        lastError: `Reload completed with ${errors.length} loading error(s); the signer's log names them`,
      });
      this.#logger.warn("reload completed with errors", {errors});
    } catch (error) {
      // Paths and details belong in the log: everybody who reaches the port can read the status.
      this.#set({status: "failed", lastError: `Reload failed: ${codeOf(error)}`});
      this.#logger.error("reload failed", {code: codeOf(error), error: traceOf(error)});
    }
  }

  #set(status: Omit<ReloadStatus, "lastOperationTime">): void {
    this.#status = {...status, lastOperationTime: new Date(this.#clock.now()).toISOString()};
  }
}
