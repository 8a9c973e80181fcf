import {parentPort, Worker} from "node:worker_threads";
import {PleiadesError} from "../core/errors.js";
import {type ErrorMessage, fromErrorMessage, toErrorMessage} from "./channel.js";

/** A thread costs 30 MB and 40 ms to start; long enough that the chunks of one ceremony share it. */
const IDLE_MS = 10_000;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

interface Request {
  readonly id: number;
  readonly job: string;
  readonly argument: unknown;
}

/**
 * One thread beside the main one, which signs: long work is done there, one job after the other, so that no duty waits for it.
 * It starts with the first job and ends when there is none for a while.
 */
export class JobThread {
  readonly #program: URL;
  readonly #ended: () => PleiadesError;
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param program calls {@link serveJobs} @param ended what jobs fail with whose thread ends */
  constructor(program: URL, ended: () => PleiadesError) {
    this.#program = program;
    this.#ended = ended;
  }

  run(job: string, argument: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#ended());
    clearTimeout(this.#idle);
    const worker = this.#worker ?? this.#open();
    return new Promise<never>((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, {resolve, reject});
      worker.postMessage({id, job, argument} satisfies Request);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    await this.#worker?.terminate();
  }

  #open(): Worker {
    const worker = new Worker(this.#program);
    worker.unref();
    worker.on("message", ({id, value, error}: {id: number; value?: never; error?: ErrorMessage}) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value as never);
      else waiting?.reject(fromErrorMessage(error));
      if (this.#waiting.size === 0) this.#rest(worker);
    });
    const end = (error: unknown): void => {
      if (this.#worker === worker) this.#worker = null;
      for (const {reject} of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    worker.on("error", end);
    worker.on("exit", () => {
      if (this.#worker === worker) end(this.#ended());
    });
    this.#worker = worker;
    return worker;
  }

  #rest(worker: Worker): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#worker = null;
      void worker.terminate();
    }, IDLE_MS);
    this.#idle.unref();
  }
}

/** The thread's side: does what it is asked, and says no more of an unknown error than that there was one. */
export function serveJobs(run: (job: string, argument: unknown) => unknown): void {
  parentPort?.on("message", ({id, job, argument}: Request) => {
    try {
      parentPort?.postMessage({id, value: run(job, argument)});
    } catch (error) {
      // An unknown error's text may quote what it was about, and that may be a share.
      const shown =
        error instanceof PleiadesError ? error : new PleiadesError({code: "INTERNAL", reason: "a job failed"});
      parentPort?.postMessage({id, error: toErrorMessage(shown)});
    }
  });
}
