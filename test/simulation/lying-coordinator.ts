import type {PartialRequest} from "../../src/ports/operator-link.js";
import {COORDINATORS, type SimulatedCommittee, STRANGER} from "./committee.js";
import {attestation, block, dutyOf, FIRST_EPOCH, SLOTS_PER_EPOCH} from "./duties.js";
import {LyingSightings} from "./lying-sightings.js";
import {type SimulatedNetwork, SimulatedOperatorLink} from "./network.js";
import {Process} from "./process.js";
import type {Random} from "./random.js";
import type {Scheduler} from "./scheduler.js";

type Wire = PartialRequest["request"];

/** Asks different operators for different messages, again and again, and for things that make no sense. */
export class LyingCoordinator {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #committee: SimulatedCommittee;
  readonly #links: readonly SimulatedOperatorLink[];

  constructor(
    {scheduler, network, random}: {scheduler: Scheduler; network: SimulatedNetwork; random: Random},
    committee: SimulatedCommittee,
    rank: number,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#committee = committee;
    const process = new Process(scheduler, "liar");
    const sightings = new LyingSightings({random}, committee);
    // Now and then somebody asks whom no committee file names.
    this.#links = [COORDINATORS[rank]!, COORDINATORS[rank]!, COORDINATORS[rank]!, STRANGER].map((self) => {
      const link = new SimulatedOperatorLink({network, process, observer: () => {}, sightings}, {self});
      link.setPeers(committee.committee.operators);
      return link;
    });
  }

  ping(): void {
    this.#random.pick(this.#links).ping();
  }

  /** Some hundred requests within `ms` about duties of an epoch. */
  attack(epoch: number, ms: number): void {
    for (let round = this.#random.between(2, 6); round > 0; round--) {
      const variants = this.#variants(epoch);
      const start = this.#random.float() * ms;
      const repeats = this.#random.between(1, 3);
      // At once, or again and again while operators crash and come back.
      const spread = this.#random.pick([500, 3000, 20_000]);
      for (const {id, peerId} of this.#committee.committee.operators) {
        for (let i = 0; i < repeats; i++) {
          const request = this.#spoil(this.#random.pick(variants));
          const link = this.#random.pick(this.#links);
          this.#scheduler.after(start + this.#random.float() * spread, `liar asks ${id}`, () => {
            const signal = new AbortController().signal;
            link.requestPartial(peerId, request, signal).catch(() => {});
          });
        }
      }
    }
  }

  /** Messages that conflict with each other in every way there is. */
  #variants(epoch: number): PartialRequest[] {
    const random = this.#random;
    const {groupPublicKey: key, committeeHash} = random.pick(this.#committee.committee.validators);
    const of = (wire: Wire, priority: 0 | 1): PartialRequest => {
      const {root} = dutyOf(key, wire);
      return {key, committeeHash, priority, request: {...wire, signingRoot: root}};
    };
    const slot = epoch * SLOTS_PER_EPOCH + random.between(0, SLOTS_PER_EPOCH - 1);
    if (random.chance(0.4)) return Array.from({length: 3}, () => of(block(random, {slot}), 0));
    const source = Math.max(0, Math.min(epoch, FIRST_EPOCH + random.between(-3, 3)));
    const later = slot + SLOTS_PER_EPOCH;
    return [
      of(attestation(random, {slot, source}), 1),
      of(attestation(random, {slot, source}), 1),
      of(attestation(random, {slot, source: Math.max(0, source - 1)}), 1),
      // Surrounds the others, or is surrounded by them.
      of(attestation(random, {slot: later, source: Math.max(0, source - 1)}), 1),
      of(attestation(random, {slot: later, source: Math.min(source + 1, epoch)}), 1),
    ];
  }

  /** Mostly left as it is. */
  #spoil(request: PartialRequest): PartialRequest {
    const random = this.#random;
    const wire = (changes: {[key: string]: unknown}): PartialRequest => ({
      ...request,
      request: {...request.request, ...changes},
    });
    const other = `0x${Buffer.from(random.bytes(32)).toString("hex")}`;
    switch (random.between(0, 24)) {
      case 0:
        return wire({signingRoot: other});
      case 1:
        return wire({signingRoot: undefined});
      case 2:
        return wire({signing_root: other});
      case 3:
        return wire({fork_info: {...Object(request.request.fork_info), genesis_validators_root: other}});
      case 4:
        return wire({type: "VOLUNTARY_EXIT", voluntary_exit: {epoch: "0", validator_index: "1"}});
      case 5:
        return wire({type: "GENERIC", signing_data: {object_root: other, domain: other}});
      case 6:
        return wire({attestation: {...Object(request.request.attestation), slot: String(2n ** 64n - 1n)}});
      case 7:
        return {...request, committeeHash: this.#committee.committee.validators[0]!.committeeHash};
      default:
        return request;
    }
  }
}
