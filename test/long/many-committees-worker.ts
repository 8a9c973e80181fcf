import {parentPort, workerData} from "node:worker_threads";
import {simulate} from "../simulation/simulate.js";
import {TRANSPARENT} from "../simulation/transparent-group.js";

/**
 * The next seed, and whether to stop: shared by all workers, so that the seeds of a run are consecutive and each is done
 * once.
 */
const {next} = workerData as {next: Int32Array};

while (Atomics.load(next, 1) === 0) {
  parentPort?.postMessage(await simulate(Atomics.add(next, 0, 1), {group: TRANSPARENT}));
}
