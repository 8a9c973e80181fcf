import {parentPort} from "node:worker_threads";
import {PleiadesError} from "../core/errors.js";
import {type ArgumentOf, type AsideJob, runJob} from "./aside-jobs.js";
import {toErrorMessage} from "./channel.js";

parentPort?.on("message", ({id, job, argument}: {id: number; job: AsideJob; argument: ArgumentOf<AsideJob>}) => {
  try {
    parentPort?.postMessage({id, value: runJob(job, argument as never)});
  } catch (error) {
    // An unknown error's text may quote what it was about, and that may be a share.
    const shown =
      error instanceof PleiadesError ? error : new PleiadesError({code: "INTERNAL", reason: "a job failed"});
    parentPort?.postMessage({id, error: toErrorMessage(shown)});
  }
});
