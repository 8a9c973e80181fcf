import {parseNetwork} from "../../../src/core/duty/network.js";
import type {WireRequest} from "../../../src/core/duty/sign-request.js";
import {attestation, block, CHAIN} from "../keeper.js";
import type {Seeded} from "../seeded.js";

/** A chain that began in 1970: millions of epochs may be signed without ever meeting the clock's bound. */
export const LONG_NETWORK = parseNetwork({
  name: "test",
  preset: "mainnet",
  forks: [{name: "phase0", version: "0x01020304", epoch: "0"}],
  genesisValidatorsRoot: CHAIN,
  clock: {genesisTime: 0, secondsPerSlot: 12},
});
const FIRST_EPOCH = 100_000;
const REMEMBERED = 12;

interface Cursor {
  epoch: number;
  slot: number;
  readonly recent: WireRequest[];
}

/**
 * Requests of a client that honest operators must partly refuse: new duties, repeats, and on purpose double votes,
 * surrounding and surrounded votes, second blocks and old ones, close to the newest message, where a lost record would show.
 */
export class Duties {
  readonly #random: Seeded;
  readonly #cursors: readonly Cursor[];

  constructor(keys: number, random: Seeded) {
    this.#random = random;
    this.#cursors = Array.from({length: keys}, () => ({epoch: FIRST_EPOCH, slot: FIRST_EPOCH * 32, recent: []}));
  }

  next(): {key: number; wire: WireRequest} {
    const key = this.#random.int(0, this.#cursors.length - 1);
    const cursor = this.#cursors[key]!;
    const wire = this.#wire(cursor);
    cursor.recent.push(wire);
    if (cursor.recent.length > REMEMBERED) cursor.recent.shift();
    return {key, wire};
  }

  /** A duty beyond everything asked before. */
  fresh(key: number): WireRequest {
    const cursor = this.#cursors[key]!;
    cursor.epoch += 10;
    return attestation(cursor.epoch - 1, cursor.epoch);
  }

  #wire(cursor: Cursor): WireRequest {
    const random = this.#random;
    const kind = random.int(0, 99);
    if (kind < 32) {
      cursor.epoch += random.int(1, 2);
      return attestation(cursor.epoch - 1, cursor.epoch);
    }
    if (kind < 46) return attestation(cursor.epoch - 1, cursor.epoch, {byte: random.int(6, 9)});
    if (kind < 60 && cursor.recent.length > 0) return random.pick(cursor.recent);
    if (kind < 67) {
      const source = cursor.epoch - random.int(2, 5);
      cursor.epoch += random.int(1, 2);
      return attestation(source, cursor.epoch, {byte: random.int(1, 3)});
    }
    if (kind < 74) {
      const target = cursor.epoch - random.int(1, 3);
      return attestation(target - random.int(0, 2), target, {byte: random.int(1, 9)});
    }
    if (kind < 88) {
      cursor.slot += random.int(1, 2);
      return block(cursor.slot);
    }
    if (kind < 96) return block(cursor.slot, random.int(6, 9));
    return block(cursor.slot - random.int(1, 3), random.int(1, 9));
  }
}
