import {type PeerIdText, parseLifeId} from "../../src/core/bytes.js";
import type {Sighting} from "../../src/core/slashing/sighting.js";
import type {SightingExchange, Told} from "../../src/ports/sightings.js";
import type {SimulatedCommittee} from "./committee.js";
import {START_MS} from "./process.js";
import type {Random} from "./random.js";

/** What it remembers to play with. */
const MAX_HEARD = 32;

/** Tells everybody of lives that never were: invented, altered, somebody else's, or long known. */
export class LyingSightings implements SightingExchange {
  readonly #random: Random;
  readonly #committee: SimulatedCommittee;
  readonly #heard: Told[] = [];

  constructor({random}: {random: Random}, committee: SimulatedCommittee) {
    this.#random = random;
    this.#committee = committee;
  }

  news(peer: PeerIdText): ReturnType<SightingExchange["news"]> {
    const told = Array.from({length: this.#random.between(0, 3)}, () => this.#lie(peer));
    return {told, version: 0};
  }

  async heard(peer: PeerIdText, {own, told}: Parameters<SightingExchange["heard"]>[1]): Promise<void> {
    this.#heard.push(...told);
    if (own !== null) this.#heard.push({peerId: peer, sighting: own});
    this.#heard.splice(0, this.#heard.length - MAX_HEARD);
  }

  own(): Sighting | null {
    return this.#random.chance(0.3) ? null : this.#lie(null).sighting;
  }

  stopCode(): null {
    return null;
  }

  #lie(peer: PeerIdText | null): Told {
    const random = this.#random;
    const {operators} = this.#committee.committee;
    const victim = peer !== null && random.chance(0.6) ? peer : random.pick(operators).peerId;
    if (this.#heard.length === 0) return {peerId: victim, sighting: this.#invented()};
    const known = random.pick(this.#heard);
    switch (random.between(0, 3)) {
      case 0:
        return known;
      case 1:
        return {...known, peerId: victim};
      case 2:
        return {...known, sighting: {...known.sighting, ...this.#alteration(known.sighting)}};
      default:
        return {peerId: victim, sighting: this.#invented()};
    }
  }

  #alteration({sequence, issuedAt}: Sighting): Partial<Sighting> {
    switch (this.#random.between(0, 2)) {
      case 0:
        return {sequence: sequence + BigInt(this.#random.between(1, 100))};
      case 1:
        return {life: this.#life()};
      default:
        return {issuedAt: issuedAt + 3_600_000, life: this.#life()};
    }
  }

  #invented(): Sighting {
    const random = this.#random;
    return {
      key: random.pick(this.#committee.committee.validators).groupPublicKey,
      life: this.#life(),
      sequence: random.pick([1n, 1000n, 2n ** 64n - 2n]),
      issuedAt: START_MS + random.between(0, 3_600_000),
      mac: Buffer.from(random.bytes(32)).toString("hex"),
    };
  }

  #life(): Sighting["life"] {
    return parseLifeId(Buffer.from(this.#random.bytes(16)).toString("hex"));
  }
}
