import {OperatorNode} from "../../src/committee/operator-node.js";
import {RankedRequests} from "../../src/committee/ranked-requests.js";
import type {PeerIdText} from "../../src/core/bytes.js";
import {EMPTY_POLICY} from "../../src/core/duty/policy.js";
import {EMPTY_RECORD} from "../../src/core/slashing/decide.js";
import {NO_PAST} from "../../src/core/slashing/past.js";
import {SigningKeeper} from "../../src/keeper/keeper.js";
import type {Logger} from "../../src/ports/logger.js";
import type {PartialHandler} from "../../src/ports/operator-server.js";
import type {SlashingStore} from "../../src/ports/slashing-store.js";
import type {SimulatedCommittee} from "./committee.js";
import {NETWORK, SIGNER_DELAY_MS} from "./duties.js";
import {CALM, type Endpoint, type Weather} from "./network.js";
import type {Oracle} from "./oracle.js";
import {Process, SimulatedClock} from "./process.js";
import type {Random} from "./random.js";
import type {Scheduler} from "./scheduler.js";
import {type CommitMoment, Disk, SimulatedSlashingStore} from "./store.js";

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
}

/** One operator: the real node and keeper, on a disk and a clock that may be wrong, as often restarted as it crashes. */
export class SimulatedOperator implements Endpoint {
  readonly id: number;
  readonly peerId: PeerIdText;
  readonly weather: Weather = {...CALM};
  readonly disk = new Disk();
  skewMs = 0;
  running: {readonly process: Process; readonly handler: PartialHandler} | null = null;
  /** The next time this moment comes, it crashes. */
  crashAt: Moment | null = null;
  /** Told of crashes that come from within. */
  onCrash: () => void = () => {};
  readonly #modules: OperatorModules;
  readonly #committee: SimulatedCommittee;
  #runs = 0;

  constructor(modules: OperatorModules, committee: SimulatedCommittee, id: number) {
    this.#modules = modules;
    this.#committee = committee;
    this.id = id;
    this.peerId = committee.committee.operators[id - 1]!.peerId;
    const records = new Map(committee.committee.validators.map(({groupPublicKey}) => [groupPublicKey, EMPTY_RECORD]));
    this.disk.content = {records, past: NO_PAST, chain: null};
  }

  start(): void {
    const {scheduler, random, logger, oracle, wrapStore = (store) => store} = this.#modules;
    const {committee} = this.#committee;
    const process = new Process(scheduler, `${this.id}.${++this.#runs}`);
    scheduler.note(`${process.name} starts`);
    const clock = new SimulatedClock({scheduler, process}, () => this.skewMs);
    const store = new SimulatedSlashingStore(
      {process, disk: this.disk},
      {flushMs: () => random.between(1, 30), onCommit: (moment) => this.#reached(moment)},
    );
    const signing = new SigningKeeper(
      {clock, store: wrapStore(store), pool: null, nextTurn: (turn) => void process.after(0, "turn", turn)},
      {network: NETWORK, policy: EMPTY_POLICY, shares: this.#committee.shares[this.id - 1]!, signingThreads: 0},
    );
    const keeper = {
      sign: async (request: unknown) => (await signing.sign(request)).reply,
      watermarks: () => signing.watermarks(),
    };
    const committees = [committee];
    const ranked = this.#modules.ranked ? new RankedRequests({clock}, {signerDelayMs: SIGNER_DELAY_MS}) : null;
    const node = new OperatorNode(
      {keeper, logger, observer: () => {}, veto: null, ranked},
      {committees: () => committees, preset: NETWORK.preset},
    );
    const handler: PartialHandler = {
      handle: async (peer, request, gone) => {
        const reply = await node.handle(peer, request, gone);
        // A connection that ends reaches into programs that have ended before.
        if (!process.alive) return reply;
        oracle.answered(this.id, request, reply, this.disk.content.records);
        if (!committee.coordinators.includes(peer) && reply.kind === "signed") {
          oracle.violation(`operator ${this.id} signed for ${peer}, who is no coordinator`);
        }
        if (reply.kind === "signed") this.#reached("signed");
        return reply;
      },
      watermarks: (peer) => node.watermarks(peer),
    };
    this.running = {process, handler};
  }

  crash(): void {
    if (this.running === null) return;
    this.#modules.scheduler.note(`${this.running.process.name} crashes`);
    this.#modules.oracle.crashed();
    this.running.process.kill();
    this.running = null;
  }

  #reached(moment: Moment): void {
    if (this.crashAt !== moment) return;
    this.crashAt = null;
    this.crash();
    this.onCrash();
  }
}
