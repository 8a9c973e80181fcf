import type {SignedDefinition} from "../../core/dkg/definition.js";
import type {DkgGroup} from "../../core/dkg/group.js";
import type {PublicOutput} from "../../core/dkg/output.js";
import {DKG_WORK} from "../../core/dkg/work.js";
import {type CeremonyFiles, filesOf} from "./ceremony-files.js";

/** All work of a ceremony, outside the keeper, that would keep an operator's main thread from its duties. */
const JOBS = {
  ...DKG_WORK,
  files(group: DkgGroup, {signed, output}: {signed: SignedDefinition; output: PublicOutput}): CeremonyFiles {
    return filesOf(group, signed, output);
  },
} as const;

export type DkgJob = keyof typeof JOBS;
export type DkgArgument<J extends DkgJob> = Parameters<(typeof JOBS)[J]>[1];
export type DkgResult<J extends DkgJob> = ReturnType<(typeof JOBS)[J]>;

/** Does them somewhere, one after the other. */
export interface DkgAside {
  run<J extends DkgJob>(job: J, argument: DkgArgument<J>): Promise<DkgResult<J>>;
  close(): Promise<void>;
}

/** One job, by its name. */
export const runDkgJob = <J extends DkgJob>(group: DkgGroup, job: J, argument: DkgArgument<J>): DkgResult<J> =>
  (JOBS[job] as (group: DkgGroup, argument: unknown) => DkgResult<J>)(group, argument);

/** In this thread, for whoever has nothing else to do. */
export const dkgAsideHere = (group: DkgGroup): DkgAside => ({
  run: async (job, argument) => runDkgJob(group, job, argument),
  close: async () => {},
});
