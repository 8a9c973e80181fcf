import {NO_SIGHTINGS} from "../../src/adapters/operator-link/no-sightings.js";
import {BatchVerifier} from "../../src/committee/batch-verifier.js";
import type {BookEntry} from "../../src/committee/sighting-book.js";
import {CoordinatorSightings} from "../../src/committee/sightings.js";
import {CommitteeSigningService} from "../../src/committee/signing-service.js";
import type {PeerIdText} from "../../src/core/bytes.js";
import {toWire} from "../../src/core/duty/request-codec.js";
import {codeOf} from "../../src/core/errors.js";
import type {Logger} from "../../src/ports/logger.js";
import {COORDINATORS, type SimulatedCommittee} from "./committee.js";
import {type Duty, NETWORK, SIGNER_DELAY_MS} from "./duties.js";
import {type SimulatedNetwork, SimulatedOperatorLink} from "./network.js";
import type {Oracle} from "./oracle.js";
import {Process, SimulatedClock} from "./process.js";
import type {Scheduler} from "./scheduler.js";
import type {SimulationGroup} from "./transparent-group.js";

export interface CoordinatorModules {
  readonly scheduler: Scheduler;
  readonly network: SimulatedNetwork;
  readonly oracle: Oracle;
  readonly logger: Logger;
  /** Of the coordinator: tests of the simulation itself give it a broken one. */
  readonly bls: SimulationGroup["bls"];
  /** It tells operators nothing. */
  readonly mute: boolean;
}

/** What must come of asking. */
export type Expectation = "signed" | "perhaps" | "lost to a conflict";

/** One signer: the real signing service on a simulated link. */
export class SimulatedCoordinator {
  readonly rank: number;
  readonly peerId: PeerIdText;
  readonly #modules: CoordinatorModules;
  readonly #committee: SimulatedCommittee;
  readonly #hedgeDelayMs: number | "adaptive";
  readonly #forgetful: boolean;
  /** Its sightings.json. */
  #kept: {readonly entries: readonly BookEntry[]; readonly written: number} = {entries: [], written: 0};
  #running: {
    readonly process: Process;
    readonly service: CommitteeSigningService;
    readonly link: SimulatedOperatorLink;
    readonly sightings: CoordinatorSightings;
  } | null = null;
  #open = 0;
  #runs = 0;

  constructor(
    modules: CoordinatorModules,
    committee: SimulatedCommittee,
    {
      rank,
      hedgeDelayMs,
      forgetful,
    }: {
      rank: number;
      hedgeDelayMs: number | "adaptive";
      /** It loses its file with each crash. */
      forgetful: boolean;
    },
  ) {
    this.#modules = modules;
    this.#hedgeDelayMs = hedgeDelayMs;
    this.#forgetful = forgetful;
    this.#committee = committee;
    this.rank = rank;
    this.peerId = COORDINATORS[rank]!;
  }

  get running(): boolean {
    return this.#running !== null;
  }

  /** Requests that are not settled yet. */
  get open(): number {
    return this.#open;
  }

  start(): void {
    const {scheduler, network, oracle, logger, bls, mute} = this.#modules;
    const process = new Process(scheduler, `signer${this.rank}.${++this.#runs}`);
    const {name} = process;
    const clock = new SimulatedClock({scheduler, process});
    const committees = [this.#committee.committee];
    const sightings = new CoordinatorSightings({committees: () => committees});
    sightings.restore(this.#kept.entries);
    oracle.lives.coordinatorStarts(this.peerId);
    this.#kept = {...this.#kept, written: sightings.written};
    const link = new SimulatedOperatorLink(
      {
        network,
        process,
        sightings: {
          news: (peer, since) => (mute ? NO_SIGHTINGS : sightings).news(peer, since),
          heard: (peer, said) => {
            oracle.lives.heard(this.peerId, network.endpoints.get(peer)!.id, said.own);
            return sightings.heard(peer, said);
          },
          own: () => sightings.own(),
          stopCode: () => sightings.stopCode(),
        },
        observer: () => {},
        onArrival: (id, request, reply) => oracle.arrived(name, id, request, reply),
      },
      {self: this.peerId},
    );
    const verifier = new BatchVerifier({bls, clock, nextTurn: (turn) => void process.after(0, "verifies", turn)});
    const service = new CommitteeSigningService(
      {
        link,
        clock,
        logger,
        bls,
        observer: (event) => {
          if (event.kind === "operator-convicted") oracle.convicted(name, event.operatorId);
        },
        toWire: (request) => toWire(request, NETWORK.preset),
        // The service's own verifier; what it finds wrong the oracle wants to know.
        verify: async (message, key, signature, priority) => {
          const valid = await verifier.verify({message, key, signature}, priority);
          if (!valid) oracle.combinationFailed(name, message, key);
          return valid;
        },
      },
      {
        committees,
        hedgeDelayMs: this.#hedgeDelayMs,
        self: this.peerId,
        signerDelayMs: SIGNER_DELAY_MS,
      },
    );
    this.#running = {process, service, link, sightings};
  }

  /** Whoever waits for it waits for ever; operators that it asked may still sign. */
  crash(): void {
    if (this.#running === null) return;
    const {process, link} = this.#running;
    this.#modules.scheduler.note(`${process.name} crashes`);
    process.kill();
    this.#modules.network.leave(link);
    // The operators' systems tell them that the connections are closed.
    this.#modules.scheduler.after(20, `${process.name} is gone`, () => link.abandon());
    this.#running = null;
    this.#open = 0;
    if (this.#forgetful) this.#kept = {entries: [], written: 0};
  }

  /** Pings its operators, and writes down what is new of them. */
  ping(): void {
    if (this.#running === null) return;
    const {link, sightings} = this.#running;
    link.ping();
    if (sightings.written === this.#kept.written) return;
    this.#kept = {entries: sightings.entries(), written: sightings.written};
  }

  /** Asks as the remote signer does: with a deadline after which nobody wants the answer any more. */
  ask(duty: Duty, deadlineMs: number, expectation: Expectation): void {
    if (this.#running === null) return;
    const {scheduler, oracle} = this.#modules;
    const {process, service} = this.#running;
    scheduler.note(`${process.name} is asked for ${duty.text}`);
    const deadline = new AbortController();
    const cancel = process.after(deadlineMs, "deadline", () => deadline.abort());
    this.#open++;
    const settled = (): void => {
      if (process.alive) this.#open--;
      cancel();
    };
    service.sign(duty.key, duty.request, duty.root, deadline.signal).then(
      (signature) => {
        settled();
        oracle.signed(process.name, duty, signature);
      },
      (error: unknown) => {
        settled();
        oracle.unsigned(process.name, duty, codeOf(error), expectation);
      },
    );
  }

  highWatermark(): void {
    void this.#running?.service.highWatermark(new AbortController().signal);
  }
}
