import {parentPort} from "node:worker_threads";
import {type ArgumentOf, type AsideJob, runJob} from "./aside-jobs.js";
import {toErrorMessage} from "./channel.js";

parentPort?.on("message", ({id, job, argument}: {id: number; job: AsideJob; argument: ArgumentOf<AsideJob>}) => {
  try {
    parentPort?.postMessage({id, value: runJob(job, argument as never)});
  } catch (error) {
    parentPort?.postMessage({id, error: toErrorMessage(error)});
  }
});
