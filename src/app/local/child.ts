import {type ChildProcess, fork} from "node:child_process";
import {closeSync, openSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {PleiadesError} from "../../core/errors.js";
import type {Clock} from "../../ports/clock.js";
import type {ServiceMessage, ServiceReady} from "../service-messages.js";

/** Opening bundles runs a slow key derivation on purpose, several at once on a small machine. */
const READY_BOUND_MS = 120_000;
/** Longer than the child's own bound, so that it normally ends by itself. */
const STOP_BOUND_MS = 10_000;
const MAIN = fileURLToPath(new URL("../../main.js", import.meta.url));

export interface ServiceOptions {
  /** Said in errors: "operator 3". */
  readonly name: string;
  readonly role: "operator" | "signer" | "validator";
  /** More arguments. */
  readonly args?: readonly string[];
  readonly configFile: string;
  readonly logFile: string;
  readonly env: NodeJS.ProcessEnv;
}

/** One `pleiades operator` or `pleiades signer` as a child process. It ends when this process does, however that ends. */
export class ServiceProcess {
  readonly ready: ServiceReady;
  /** Resolves once, when the process has ended. */
  readonly ended: Promise<{readonly code: number | null; readonly signal: NodeJS.Signals | null}>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;

  private constructor(child: ChildProcess, ready: ServiceReady, ended: ServiceProcess["ended"], clock: Clock) {
    this.#child = child;
    this.ready = ready;
    this.ended = ended;
    this.#clock = clock;
  }

  /** Resolves when the service says that it is ready. @throws CLI_LOCAL_CHILD with the child's own error text */
  static async start(options: ServiceOptions, {clock}: {clock: Clock}): Promise<ServiceProcess> {
    const log = openSync(options.logFile, "a", 0o600);
    let child: ChildProcess;
    try {
      child = fork(MAIN, [options.role, "--config", options.configFile, ...(options.args ?? [])], {
        stdio: ["ignore", log, log, "ipc"],
        env: options.env,
        // Debugger flags of the parent would make every child fight for one port.
        execArgv: [],
      });
    } finally {
      closeSync(log);
    }
    const ended: ServiceProcess["ended"] = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve({code, signal}));
      child.once("error", () => resolve({code: null, signal: null}));
    });
    const ready = await firstMessage(child, options, clock);
    return new ServiceProcess(child, ready, ended, clock);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends the signal; true if the process was there. */
  kill(signal: NodeJS.Signals): boolean {
    return this.alive && this.#child.kill(signal);
  }

  /** SIGTERM, then SIGKILL after a bound. Resolves when the process has ended. */
  async stop(): Promise<void> {
    if (!this.alive) return;
    this.kill("SIGTERM");
    const cancel = this.#clock.after(STOP_BOUND_MS, () => this.kill("SIGKILL"));
    await this.ended;
    cancel();
  }
}

function firstMessage(child: ChildProcess, {name, logFile}: ServiceOptions, clock: Clock): Promise<ServiceReady> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      settle();
      child.kill("SIGKILL");
      reject(new PleiadesError({code: "CLI_LOCAL_CHILD", process: name, reason, log: logFile}));
    };
    const onMessage = (raw: unknown): void => {
      const message = raw as ServiceMessage;
      if (message.kind === "failed") {
        fail(message.text);
      } else {
        settle();
        resolve(message);
      }
    };
    const onExit = (code: number | null, signal: string | null): void => fail(`it ended with ${signal ?? code}`);
    const onError = (error: Error): void => fail(error.message);
    const cancel = clock.after(READY_BOUND_MS, () => fail(`not ready within ${READY_BOUND_MS / 1000} s`));
    const settle = (): void => {
      cancel();
      child.off("message", onMessage).off("exit", onExit).off("error", onError);
    };
    child.on("message", onMessage).on("exit", onExit).on("error", onError);
  });
}
