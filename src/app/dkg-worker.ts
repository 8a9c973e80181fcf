/** @see dkgThread */
import {blstDkgGroup} from "../adapters/bls/blst.js";
import {serveJobs} from "../keeper/job-thread.js";
import {type DkgJob, runDkgJob} from "../plugin/dkg/jobs.js";

serveJobs((job, argument) => runDkgJob(blstDkgGroup, job as DkgJob, argument as never));
