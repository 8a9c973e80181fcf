import {PRIORITY, type Priority} from "../../core/duty/sign-request.js";

/** One item that waits to be sent. */
export interface Parcel {
  readonly text: string;
  readonly priority: Priority;
}

/**
 * Items in the order in which they are to leave: by priority, then by age. Bounded in characters (items are ASCII but for
 * a refusal's message), so that a peer that does not read costs a known amount of memory.
 */
export class Outbox<P extends Parcel> {
  readonly #queues: readonly Set<P>[] = Object.values(PRIORITY).map(() => new Set<P>());
  readonly #capacity: number;
  #waiting = 0;

  constructor({capacity}: {capacity: number}) {
    this.#capacity = capacity;
  }

  /** Characters that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Items that wait. */
  get size(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.size, 0);
  }

  /** Whether a block is among them. */
  get urgent(): boolean {
    return this.#queues[PRIORITY.block]!.size > 0;
  }

  /** False when there is no room; the parcel is then not taken. */
  add(parcel: P): boolean {
    if (this.#waiting + parcel.text.length > this.#capacity) return false;
    this.#queues[parcel.priority]?.add(parcel);
    this.#waiting += parcel.text.length;
    return true;
  }

  /** Takes out a parcel that has not left yet; false when it has. */
  delete(parcel: P): boolean {
    if (this.#queues[parcel.priority]?.delete(parcel) !== true) return false;
    this.#waiting -= parcel.text.length;
    return true;
  }

  /** The next parcels, as many as fit into one frame; empty when nothing waits. A first parcel is always given. */
  take({items, bytes, overhead}: {items: number; bytes: number; overhead: number}): P[] {
    const taken: P[] = [];
    let room = bytes;
    for (const queue of this.#queues) {
      for (const parcel of queue) {
        room -= Buffer.byteLength(parcel.text) + overhead;
        if (taken.length === items || (room < 0 && taken.length > 0)) return taken;
        taken.push(parcel);
        this.delete(parcel);
      }
    }
    return taken;
  }
}
