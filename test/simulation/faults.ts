import type {PeerIdText} from "../../src/core/bytes.js";
import type {LifeOracle} from "./life-oracle.js";
import type {SimulatedNetwork} from "./network.js";
import type {Moment, SimulatedOperator} from "./operator.js";
import {beyondTolerance, type Plan} from "./plan.js";
import type {Random} from "./random.js";
import type {Scheduler} from "./scheduler.js";
import {type Disk, EMPTY_DISK} from "./store.js";

const MOMENTS: readonly Moment[] = ["written", "durable", "signed"];

/** Brings faults over operators and takes them away again. */
export class Faults {
  readonly #scheduler: Scheduler;
  readonly #network: SimulatedNetwork;
  readonly #random: Random;
  readonly #plan: Plan;
  readonly #lives: LifeOracle;
  /** Old copies of disks, for those that forget. */
  readonly #backups = new Map<number, Disk["content"][]>();
  /** The end of the storm: what was planned for later does not happen any more. */
  #until = 0;

  constructor(
    {
      scheduler,
      network,
      random,
      lives,
    }: {scheduler: Scheduler; network: SimulatedNetwork; random: Random; lives: LifeOracle},
    plan: Plan,
  ) {
    this.#scheduler = scheduler;
    this.#network = network;
    this.#random = random;
    this.#plan = plan;
    this.#lives = lives;
  }

  /** One fault at some moment before `until`, over by then or healed after. */
  strike(operator: SimulatedOperator, until: number): void {
    this.#until = until;
    const kind = this.#random.pick([
      "crash",
      "crash",
      "crash at",
      "crash at",
      "crash at",
      "cut",
      "flap",
      "slow",
      "lossy",
      "disk",
      "clock",
    ] as const);
    this.#soon(`${kind} ${operator.id}`, () => {
      switch (kind) {
        case "crash":
          this.#crash(operator);
          break;
        case "crash at":
          operator.crashAt = this.#random.pick(MOMENTS);
          break;
        case "cut":
          operator.weather.cut = true;
          if (this.#random.chance(0.7)) this.#later("cut is noticed", 5000, () => this.#network.disconnect(operator));
          break;
        case "flap":
          this.#network.disconnect(operator);
          this.#later("reconnects", 5000, () => this.#network.connect(operator));
          break;
        case "slow":
          operator.weather.delayMs = [500, 5000];
          break;
        case "lossy":
          operator.weather.drop = this.#random.pick([0.2, 0.5, 0.9]);
          break;
        case "disk":
          operator.disk.full = true;
          break;
        case "clock":
          operator.skewMs = beyondTolerance(this.#random);
          break;
      }
    });
  }

  /** Copies the disk now and then, and comes back from a copy, from an empty disk, or from one that has just the bundle. */
  forget(operator: SimulatedOperator, until: number): void {
    this.#until = until;
    const backups = this.#backups.get(operator.id) ?? [operator.disk.content];
    this.#backups.set(operator.id, backups);
    for (let i = this.#random.between(0, 2); i > 0; i--) {
      this.#soon(`backup ${operator.id}`, () => backups.push(operator.disk.content));
    }
    for (let i = this.#random.between(0, 2); i > 0; i--) {
      this.#soon(`restore ${operator.id}`, () => {
        operator.crash();
        this.#lives.restored(operator.id);
        operator.disk.content = this.#random.pick([
          ...(this.#plan.amnesiacs.has(operator.id) && this.#random.chance(0.2) ? [EMPTY_DISK] : []),
          operator.bundle(),
          ...backups,
        ]);
        this.#restart(operator);
      });
    }
  }

  /** A copy of the disk runs beside, and one of the signers reaches the copy in place of the operator. */
  copy(operator: SimulatedOperator, coordinator: PeerIdText, until: number): void {
    this.#until = until;
    this.#soon(`copy ${operator.id}`, () => {
      this.#lives.copied(operator.id);
      const copy = operator.copy();
      Object.assign(copy.weather, operator.weather);
      copy.start(() => this.#network.divert(coordinator, copy));
      this.#scheduler.after(until - this.#scheduler.now, `the copy of ${operator.id} ends`, () => {
        copy.crash();
        this.#network.divert(coordinator, null);
      });
    });
  }

  /** Crashes from within are restarted like all others. */
  watch(operator: SimulatedOperator): void {
    operator.onCrash = () => this.#gone(operator);
  }

  /** Everything is as the plan says for good; what is down for good stays down. */
  heal(operator: SimulatedOperator, weather = this.#plan.weather): void {
    Object.assign(operator.weather, weather);
    operator.crashAt = null;
    operator.skewMs = this.#plan.skewMs.get(operator.id) ?? 0;
    if (this.#plan.absent.has(operator.id)) return;
    // After a failed commit a keeper signs nothing until it is restarted; so after it was told of a second copy.
    if (operator.disk.full || operator.stopped) operator.crash();
    operator.disk.full = false;
    if (!operator.up) {
      this.#network.disconnect(operator);
      operator.start(() => this.#network.connect(operator));
    }
    this.#network.connect(operator);
  }

  #crash(operator: SimulatedOperator): void {
    operator.crash();
    this.#gone(operator);
  }

  #gone(operator: SimulatedOperator): void {
    // A program that ends closes its sockets; a machine that loses power does not.
    if (this.#random.chance(0.8)) this.#later("is missed", 50, () => this.#network.disconnect(operator));
    this.#restart(operator);
  }

  #restart(operator: SimulatedOperator): void {
    this.#later(`${operator.id} is back`, 8000, () => {
      if (operator.up) return;
      this.#network.disconnect(operator);
      operator.start(() => this.#later("reconnects", 1000, () => this.#network.connect(operator)));
    });
  }

  #soon(label: string, run: () => void): void {
    this.#before(label, this.#random.float() * (this.#until - this.#scheduler.now), run);
  }

  #later(label: string, maxMs: number, run: () => void): void {
    this.#before(label, this.#random.float() * maxMs, run);
  }

  #before(label: string, ms: number, run: () => void): void {
    const until = this.#until;
    this.#scheduler.after(ms, label, () => {
      if (this.#scheduler.now < until) run();
    });
  }
}
