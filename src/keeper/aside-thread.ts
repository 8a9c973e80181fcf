import {PleiadesError} from "../core/errors.js";
import type {ArgumentOf, Aside, AsideJob, ResultOf} from "./aside-jobs.js";
import {JobThread} from "./job-thread.js";

/** Committee files and ceremonies are computed there. */
export class AsideThread implements Aside {
  readonly #thread = new JobThread(new URL("./aside-worker.js", import.meta.url), () => {
    return new PleiadesError({code: "KEEPER_NOT_SIGNING", what: "a thread ended"});
  });

  run<J extends AsideJob>(job: J, argument: ArgumentOf<J>): Promise<ResultOf<J>> {
    return this.#thread.run(job, argument) as Promise<ResultOf<J>>;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
