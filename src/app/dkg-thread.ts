import {PleiadesError} from "../core/errors.js";
import {JobThread} from "../keeper/job-thread.js";
import type {DkgAside, DkgResult} from "../plugin/dkg/jobs.js";

/** The work of ceremonies in a thread of its own: an operator's main thread answers duties of other keys meanwhile. */
export function dkgThread(): DkgAside {
  const thread = new JobThread(new URL("./dkg-worker.js", import.meta.url), () => {
    return new PleiadesError({code: "INTERNAL", reason: "the thread that computes ceremonies ended"});
  });
  return {
    run: async (job, argument) => (await thread.run(job, argument)) as DkgResult<typeof job>,
    close: () => thread.close(),
  };
}
