import {type AsideJob, runJob} from "./aside-jobs.js";
import {serveJobs} from "./job-thread.js";

serveJobs((job, argument) => runJob(job as AsideJob, argument as never));
