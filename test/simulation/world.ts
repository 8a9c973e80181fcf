import type {BlsGroup} from "../../src/core/threshold/bls.js";
import type {LogFields, Logger} from "../../src/ports/logger.js";
import type {SlashingStore} from "../../src/ports/slashing-store.js";
import {COORDINATORS, type SimulatedCommittee, simulatedCommittee} from "./committee.js";
import {SimulatedCoordinator} from "./coordinator.js";
import {Faults} from "./faults.js";
import {Gang, Liar} from "./liar.js";
import {LyingCoordinator} from "./lying-coordinator.js";
import {LyingSightings} from "./lying-sightings.js";
import {type Endpoint, SimulatedNetwork} from "./network.js";
import {SimulatedOperator, type WrapJudge} from "./operator.js";
import {Oracle} from "./oracle.js";
import type {Plan} from "./plan.js";
import {Process} from "./process.js";
import {Random} from "./random.js";
import {Scheduler} from "./scheduler.js";
import {oneByOne, type SimulationGroup} from "./transparent-group.js";

/** Ways to break the product, so that the oracle has something to find. */
export interface Sabotage {
  readonly threshold?: number;
  readonly wrapStore?: (store: SlashingStore) => SlashingStore;
  readonly wrapJudge?: WrapJudge;
  readonly unstoppable?: boolean;
  readonly muteCoordinators?: boolean;
  /** What a coordinator computes with. */
  readonly coordinatorBls?: (bls: BlsGroup, committee: SimulatedCommittee) => Pick<BlsGroup, "verify">;
  /** More than f. */
  readonly allForget?: boolean;
  /** Operators serve whoever asks first. */
  readonly unranked?: boolean;
  /** Milliseconds until the rest is asked. */
  readonly hedgeDelayMs?: number;
}

/** Everybody there is in one simulation. */
export class World {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly oracle: Oracle;
  readonly network: SimulatedNetwork;
  readonly committee: SimulatedCommittee;
  /** Without the liars. */
  readonly operators: readonly SimulatedOperator[];
  readonly coordinators: readonly SimulatedCoordinator[];
  readonly lyingCoordinator: LyingCoordinator | null;
  readonly faults: Faults;
  /** For what is asked and when. */
  readonly random: Random;
  /** How often a service was asked. */
  duties = 0;

  constructor(
    plan: Plan,
    {group, sabotage, log}: {group: SimulationGroup; sabotage: Sabotage; log: ((line: string) => void) | null},
  ) {
    const {seed} = plan;
    this.plan = plan;
    this.random = new Random(seed, 2);
    this.scheduler = new Scheduler({log});
    this.committee = simulatedCommittee(group, {...plan.quorum, t: sabotage.threshold ?? plan.quorum.t}, plan.ranks);
    const liars = new Set(plan.liars.keys());
    const {scheduler, committee} = this;
    this.oracle = new Oracle({scheduler, bls: group.bls, committee}, {liars});
    const logger = new Alarm(this.oracle);
    const {oracle} = this;
    const modules = {
      scheduler,
      random: new Random(seed, 3),
      oracle,
      logger,
      wrapStore: sabotage.wrapStore,
      wrapJudge: sabotage.wrapJudge,
      unstoppable: sabotage.unstoppable,
      ranked: sabotage.unranked !== true,
    };
    const honest = committee.committee.operators.filter(({id}) => !liars.has(id));
    this.operators = honest.map(({id}) => new SimulatedOperator(modules, committee, id));
    const random = new Random(seed, 4);
    const rumours = new Random(seed, 8);
    const gang = new Gang();
    const liarEndpoints = [...plan.liars].map(([id, tricks]): Endpoint => {
      const process = new Process(scheduler, `${id}.liar`);
      const favourite = COORDINATORS[random.pick(plan.coordinators)]!;
      const handler = new Liar({process, random, group, committee, gang}, {id, tricks, favourite});
      const {peerId} = committee.committee.operators[id - 1]!;
      const sightings = new LyingSightings({random: rumours}, committee);
      return {id, peerId, weather: {...plan.weather}, running: {process, handler, sightings}};
    });
    this.network = new SimulatedNetwork({scheduler, random: new Random(seed, 5)}, [
      ...this.operators,
      ...liarEndpoints,
    ]);
    const {network} = this;
    this.faults = new Faults({scheduler, network, random: new Random(seed, 6), lives: oracle.lives}, plan);
    for (const operator of this.operators) {
      this.faults.watch(operator);
      this.faults.heal(operator);
    }
    const bls = oneByOne({...group.bls, ...sabotage.coordinatorBls?.(group.bls, committee)});
    this.coordinators = plan.coordinators.map(
      (rank) =>
        new SimulatedCoordinator(
          {scheduler, network, oracle, logger, bls, mute: sabotage.muteCoordinators === true},
          committee,
          {
            rank,
            hedgeDelayMs: sabotage.hedgeDelayMs ?? "adaptive",
            forgetful: plan.forgetful.has(rank),
          },
        ),
    );
    for (const coordinator of this.coordinators) coordinator.start();
    this.lyingCoordinator =
      plan.lyingRank === null
        ? null
        : new LyingCoordinator({scheduler, network, random: new Random(seed, 7)}, committee, plan.lyingRank);
  }
}

/** An error in a log is a bug, but for the naming of a liar, which the oracle hears of from the event. */
class Alarm implements Logger {
  readonly #oracle: Oracle;

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  debug(): void {}
  info(): void {}
  warn(): void {}
  error(message: string, fields: LogFields = {}): void {
    if (fields.code !== "THRESHOLD_INVALID_PARTIAL")
      this.#oracle.violation(`logged: ${message} ${String(fields.error)}`);
  }
  child(): Logger {
    return this;
  }
}
