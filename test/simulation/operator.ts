import {OperatorNode} from "../../src/committee/operator-node.js";
import {RankedRequests} from "../../src/committee/ranked-requests.js";
import {OperatorSightings} from "../../src/committee/sightings.js";
import {type LifeId, type PeerIdText, parseLifeId} from "../../src/core/bytes.js";
import {EMPTY_POLICY} from "../../src/core/duty/policy.js";
import {EMPTY_RECORD} from "../../src/core/slashing/decide.js";
import type {Sighting} from "../../src/core/slashing/sighting.js";
import {SigningKeeper} from "../../src/keeper/keeper.js";
import {KeeperLife, type LifeAlarm} from "../../src/keeper/keeper-life.js";
import type {Keeper} from "../../src/ports/keeper.js";
import type {Logger} from "../../src/ports/logger.js";
import type {PartialHandler} from "../../src/ports/operator-server.js";
import type {SlashingStore} from "../../src/ports/slashing-store.js";
import type {OwnShare, SimulatedCommittee} from "./committee.js";
import {NETWORK, SIGNER_DELAY_MS} from "./duties.js";
import {CALM, type Endpoint, type Running, type Weather} from "./network.js";
import type {Oracle} from "./oracle.js";
import {Process, SimulatedClock} from "./process.js";
import type {Random} from "./random.js";
import type {Scheduler} from "./scheduler.js";
import {type CommitMoment, Disk, EMPTY_DISK, SimulatedSlashingStore} from "./store.js";

/** When a crash is aimed at: between deciding and flushing, flushing and telling, signing and answering. */
export type Moment = CommitMoment | "signed";

export interface OperatorModules {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly oracle: Oracle;
  readonly logger: Logger;
  /** For tests of the simulation itself: operators without ranks, or with a broken store. */
  readonly ranked: boolean;
  readonly wrapStore?: ((store: SlashingStore) => SlashingStore) | undefined;
  readonly wrapJudge?: WrapJudge | undefined;
  /** Keepers that sign on whatever their lives say. */
  readonly unstoppable?: boolean | undefined;
}

export type Judge = Keeper["judge"];
export type WrapJudge = (judge: Judge, shares: readonly OwnShare[]) => Judge;

/** A keeper shows that it is alive this often, as of the real one. */
const ALIVE_INTERVAL_MS = 5_000;

/** One operator: the real node and keeper, on a disk and a clock that may be wrong, as often restarted as it crashes. */
export class SimulatedOperator implements Endpoint {
  readonly id: number;
  readonly peerId: PeerIdText;
  readonly weather: Weather = {...CALM};
  readonly disk = new Disk();
  skewMs = 0;
  /** Null until it takes requests. */
  running: Running | null = null;
  /** The next time this moment comes, it crashes. */
  crashAt: Moment | null = null;
  /** Told of crashes that come from within. */
  onCrash: () => void = () => {};
  readonly #modules: OperatorModules;
  readonly #committee: SimulatedCommittee;
  readonly #name: string;
  #process: Process | null = null;
  #stopped: () => boolean = () => false;
  #runs = 0;

  constructor(modules: OperatorModules, committee: SimulatedCommittee, id: number, name = `${id}`) {
    this.#modules = modules;
    this.#committee = committee;
    this.#name = name;
    this.id = id;
    this.peerId = committee.committee.operators[id - 1]!.peerId;
    this.disk.content = this.bundle();
  }

  /** The disk right after the share bundle was added. */
  bundle(): Disk["content"] {
    const {validators} = this.#committee.committee;
    return {...EMPTY_DISK, records: new Map(validators.map(({groupPublicKey}) => [groupPublicKey, EMPTY_RECORD]))};
  }

  /** Another machine with the same share and all that is on the disk now. It is not started. */
  copy(): SimulatedOperator {
    const copy = new SimulatedOperator(this.#modules, this.#committee, this.id, `${this.id}'`);
    copy.disk.content = this.disk.content;
    copy.disk.copiedAt = this.disk.content.past.sequence;
    return copy;
  }

  /** Whether it runs, ready or not. */
  get up(): boolean {
    return this.#process !== null;
  }

  /** It has failed for good, or another copy of it lives: only a restart helps. */
  get stopped(): boolean {
    return this.up && this.#stopped();
  }

  start(onReady: () => void = () => {}): void {
    const {scheduler, random, oracle, wrapStore = (store) => store} = this.#modules;
    const process = new Process(scheduler, `${this.#name}.${++this.#runs}`);
    this.#process = process;
    scheduler.note(`${process.name} starts`);
    const clock = new SimulatedClock({scheduler, process}, () => this.skewMs);
    const store = wrapStore(
      new SimulatedSlashingStore(
        {process, disk: this.disk},
        {flushMs: () => random.between(1, 30), onCommit: (moment) => this.#reached(moment)},
      ),
    );
    const lives = new Set<LifeId>();
    const newLife = (): LifeId => {
      const life = parseLifeId(Buffer.from(random.bytes(16)).toString("hex"));
      lives.add(life);
      return life;
    };
    const onAlarm = (alarm: LifeAlarm): void => {
      scheduler.note(`${process.name} ${alarm.code} ${alarm.here} ${alarm.seen} ${alarm.floorEpoch}`);
      oracle.lives.alarm(this.id, this.disk, alarm);
    };
    const startedAt = clock.now();
    KeeperLife.begin(
      {store, clock, newLife, onAlarm},
      {network: NETWORK, shares: this.#committee.secrets[this.id - 1]!},
    ).then(
      (life) => {
        this.running = this.#serve({process, clock, store, life, lives, startedAt});
        onReady();
      },
      () => {
        // The disk is full: it does not come up.
        if (!process.alive) return;
        this.crash();
        this.onCrash();
      },
    );
  }

  #serve({
    process,
    clock,
    store,
    life,
    lives,
    startedAt,
  }: {
    process: Process;
    clock: SimulatedClock;
    store: SlashingStore;
    life: KeeperLife;
    lives: ReadonlySet<LifeId>;
    startedAt: number;
  }): Running {
    const {logger, oracle, unstoppable, wrapJudge = (judge) => judge} = this.#modules;
    const {committee} = this.#committee;
    const signing = new SigningKeeper(
      {
        clock,
        store,
        halted: () => (unstoppable === true ? null : life.stopped),
        pool: null,
        nextTurn: (turn) => void process.after(0, "turn", turn),
      },
      {network: NETWORK, policy: EMPTY_POLICY, shares: this.#committee.shares[this.id - 1]!, signingThreads: 0},
    );
    this.#stopped = () => signing.stopped !== null;
    const keeper = {
      sign: async (request: unknown) => (await signing.sign(request)).reply,
      watermarks: () => signing.watermarks(),
    };
    let newest: Sighting | null = null;
    // The keeper sends one with each message of answers, and when it has sent none for a while.
    const sighting = (): Sighting => {
      if (newest === null || clock.now() - newest.issuedAt >= ALIVE_INTERVAL_MS) {
        newest = life.sighting()!;
        oracle.lives.made(this.id, this.disk, newest);
      }
      return newest;
    };
    let [judging, judgings] = [0, 0];
    const judgeIt = wrapJudge((shown) => life.judge(shown), this.#committee.secrets[this.id - 1]!);
    const judge = async (shown: readonly Sighting[]): Promise<void> => {
      const to = {operatorId: this.id, disk: this.disk, startedAt, flooredAt: life.flooredAt};
      const [first, turn] = [judging++ === 0, ++judgings];
      try {
        await judgeIt(shown);
      } finally {
        judging--;
      }
      const alone = first && turn === judgings;
      if (process.alive) oracle.lives.judged(to, shown, {stopped: this.#stopped(), alone});
    };
    const committees = [committee];
    const sightings = new OperatorSightings(
      {
        keeper: {sighting, judge, stopCode: () => signing.stopped?.code ?? null},
        logger,
      },
      {self: this.peerId, committees: () => committees},
    );
    const ranked = this.#modules.ranked ? new RankedRequests({clock}, {signerDelayMs: SIGNER_DELAY_MS}) : null;
    const node = new OperatorNode(
      {keeper, logger, observer: () => {}, veto: null, ranked},
      {committees: () => committees, preset: NETWORK.preset},
    );
    const handler: PartialHandler = {
      handle: async (peer, request, gone) => {
        const {told} = this.disk.content;
        // What arrives on a connection that has ended was sent before the coordinator met whoever it met since, and nobody
        // hears the answer.
        if (gone?.aborted !== true) oracle.lives.asked({operatorId: this.id, peer, ownLives: lives, told});
        const reply = await node.handle(peer, request, gone);
        // A connection that ends reaches into programs that have ended before.
        if (!process.alive) return reply;
        // One goes with each message of answers, made after they were released.
        if (reply.kind === "signed") {
          newest = null;
          if (life.stopped !== null) oracle.violation(`operator ${this.id} has stopped and signs`);
        }
        oracle.answered(this.id, request, reply, {durable: this.disk.content.records, told, stamp: sighting()});
        if (!committee.coordinators.includes(peer) && reply.kind === "signed") {
          oracle.violation(`operator ${this.id} signed for ${peer}, who is no coordinator`);
        }
        if (reply.kind === "signed") this.#reached("signed");
        return reply;
      },
      watermarks: (peer) => node.watermarks(peer),
    };
    return {process, handler, sightings};
  }

  crash(): void {
    if (this.#process === null) return;
    this.#modules.scheduler.note(`${this.#process.name} crashes`);
    this.#modules.oracle.crashed();
    this.#process.kill();
    this.#process = null;
    this.running = null;
  }

  #reached(moment: Moment): void {
    if (this.crashAt !== moment) return;
    this.crashAt = null;
    this.crash();
    this.onCrash();
  }
}
