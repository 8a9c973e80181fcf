import {blstDkgGroup, blstGroup} from "../adapters/bls/blst.js";
import type {RootHex} from "../core/bytes.js";
import type {Committee} from "../core/committee/committee.js";
import {parseCommitteeFile} from "../core/committee/committee-file.js";
import {committeeText} from "../core/dkg/committee.js";
import {verifyNodeSignature} from "../core/dkg/node-signature.js";
import {DKG_JOBS} from "./dkg/jobs.js";
import {REPAIR_JOBS} from "./repair/jobs.js";

/** Work of more than a few milliseconds, which the main thread leaves to another one. Arguments and results are plain data. */
export const ASIDE_JOBS = {
  /** Of a committee file or of a ceremony's public output. @see parseCommitteeFile @see committeeText */
  committee: ({text, verified}: {text: string; verified: ReadonlySet<RootHex>}): Committee =>
    parseCommitteeFile(committeeText(blstDkgGroup, verifyNodeSignature, text), blstGroup, verified),
  ...DKG_JOBS,
  ...REPAIR_JOBS,
} as const;

export type AsideJobs = typeof ASIDE_JOBS;
export type AsideJob = keyof AsideJobs;
export type ArgumentOf<J extends AsideJob> = Parameters<AsideJobs[J]>[0];
export type ResultOf<J extends AsideJob> = ReturnType<AsideJobs[J]>;

/** Does a job somewhere. */
export interface Aside {
  run<J extends AsideJob>(job: J, argument: ArgumentOf<J>): Promise<ResultOf<J>>;
  close(): Promise<void>;
}

/** One job, by its name. */
export const runJob = <J extends AsideJob>(job: J, argument: ArgumentOf<J>): ResultOf<J> =>
  (ASIDE_JOBS[job] as (argument: ArgumentOf<J>) => ResultOf<J>)(argument);

/** In this thread, for whoever has nothing else to do. */
export const inThisThread: Aside = {
  run: async (job, argument) => runJob(job, argument),
  close: async () => {},
};
