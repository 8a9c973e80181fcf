import {Worker} from "node:worker_threads";
import {PleiadesError} from "../core/errors.js";
import type {ArgumentOf, Aside, AsideJob, ResultOf} from "./aside-jobs.js";
import {type ErrorMessage, fromErrorMessage} from "./channel.js";

/** A thread costs 30 MB and 40 ms to start; long enough that the chunks of one ceremony share it. */
const IDLE_MS = 10_000;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One thread beside the main one, which signs: committee files and ceremonies are computed there, one job after the other,
 * so that no duty waits for them. It starts with the first job and ends when there is none for a while.
 */
export class AsideThread implements Aside {
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #idle: NodeJS.Timeout | undefined;

  run<J extends AsideJob>(job: J, argument: ArgumentOf<J>): Promise<ResultOf<J>> {
    clearTimeout(this.#idle);
    const worker = this.#worker ?? this.#open();
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, {resolve, reject});
      worker.postMessage({id, job, argument});
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker?.terminate();
  }

  #open(): Worker {
    const worker = new Worker(new URL("./aside-worker.js", import.meta.url));
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
      if (this.#worker === worker) end(new PleiadesError({code: "KEEPER_NOT_SIGNING", what: "a thread ended"}));
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
