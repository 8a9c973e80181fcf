import {installFastHasher} from "../../src/core/duty/hasher.js";
import {schedule} from "./epochs.js";
import {planOf} from "./plan.js";
import type {SimulationGroup} from "./transparent-group.js";
import {type Sabotage, World} from "./world.js";

// As signer and keeper do.
installFastHasher();

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  /** The same for the same seed, whenever and wherever. */
  readonly trace: string;
  readonly events: number;
  readonly duties: number;
  readonly counts: World["oracle"]["counts"] & World["oracle"]["lives"]["counts"];
}

export interface SimulationOptions {
  readonly group: SimulationGroup;
  /** Prints each event. */
  readonly log?: (line: string) => void;
  /** For tests that the simulation finds what it looks for. */
  readonly sabotage?: Sabotage;
  readonly n?: number;
}

/** Runs one seed to its end. */
export async function simulate(seed: number, {group, log, sabotage = {}, n}: SimulationOptions): Promise<Outcome> {
  const drawn = planOf(seed, n === undefined ? {} : {n});
  const everybody = new Set(Array.from({length: drawn.quorum.n}, (_, i) => i + 1));
  const plan = sabotage.allForget === true ? {...drawn, amnesiacs: everybody} : drawn;
  const world = new World(plan, {group, sabotage, log: log ?? null});
  log?.(JSON.stringify(plan, (_, value) => (value instanceof Map || value instanceof Set ? [...value] : value)));
  await schedule(world);
  const {oracle, scheduler} = world;
  oracle.finish();
  return {
    seed,
    violations: oracle.violations,
    trace: scheduler.trace,
    events: scheduler.events,
    duties: world.duties,
    counts: {...oracle.counts, ...oracle.lives.counts},
  };
}
