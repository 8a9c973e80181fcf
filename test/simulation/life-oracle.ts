import type {LifeId} from "../../src/core/bytes.js";
import {SECOND_COPY_TOLERANCE_MS} from "../../src/core/slashing/amnesia.js";
import type {Sighting} from "../../src/core/slashing/sighting.js";
import type {LifeAlarm} from "../../src/keeper/keeper-life.js";
import type {Disk} from "./store.js";

/** How far a life was when a partial left: a sighting of it with this sequence or a higher one covers that partial. */
export type Stamp = Pick<Sighting, "life" | "sequence">;

/** One run of a keeper, at the moment at which it is shown sightings. */
export interface ShownTo {
  readonly operatorId: number;
  readonly disk: Disk;
  /** By its own clock. */
  readonly startedAt: number;
  readonly flooredAt: number | null;
}

/**
 * Knows which sightings are true without looking at a mac, and whose disk was restored or copied. Judges what keepers make
 * of what they are shown.
 */
export class LifeOracle {
  readonly counts = {told: 0, floors: 0, stops: 0};
  readonly #violation: (text: string) => void;
  readonly #made = new Map<string, {readonly operatorId: number; readonly disk: Disk; readonly sighting: Sighting}>();
  readonly #forgetful = new Set<number>();
  readonly #copied = new Set<number>();

  constructor(violation: (text: string) => void) {
    this.#violation = violation;
  }

  /** A keeper made a sighting of itself. */
  made(operatorId: number, disk: Disk, sighting: Sighting): void {
    this.#made.set(sighting.mac, {operatorId, disk, sighting});
  }

  /** From now on this operator may have forgotten what it signed. */
  restored(operatorId: number): void {
    this.#forgetful.add(operatorId);
  }

  /** From now on this operator may run twice. */
  copied(operatorId: number): void {
    this.#forgetful.add(operatorId);
    this.#copied.add(operatorId);
  }

  mayForget(operatorId: number): boolean {
    return this.#forgetful.has(operatorId);
  }

  alarm(operatorId: number, {code, here, seen}: LifeAlarm): void {
    if (code === "KEEPER_SECOND_COPY") this.counts.stops++;
    else this.counts.floors++;
    const about = `${code} at ${here} for ${seen}`;
    if (!this.#forgetful.has(operatorId)) {
      this.#violation(`operator ${operatorId} never lost a record and believes that it did: ${about}`);
    } else if (code === "KEEPER_SECOND_COPY" && !this.#copied.has(operatorId)) {
      this.#violation(`operator ${operatorId} runs once and believes that it runs twice: ${about}`);
    }
  }

  /**
   * A keeper has judged what it was shown.
   * @param alone false when it was shown something else at the same time, which may have sent it to the floor
   */
  judged(to: ShownTo, shown: readonly Sighting[], {stopped, alone}: {stopped: boolean; alone: boolean}): void {
    let told = to.disk.content.told;
    for (const sighting of shown) {
      const origin = this.#made.get(sighting.mac);
      if (origin?.operatorId !== to.operatorId || !isSame(origin.sighting, sighting)) continue;
      this.counts.told++;
      if (!covers(told, sighting)) {
        told = new Map(told).set(sighting.life, sighting.sequence);
      }
      if (alone && !stopped && isOfAnother(to, sighting, origin.disk)) {
        this.#violation(`operator ${to.operatorId} was told that it runs twice, and does not stop`);
      }
    }
    if (told !== to.disk.content.told) to.disk.content = {...to.disk.content, told};
  }
}

const isSame = (a: Sighting, b: Sighting): boolean =>
  a.life === b.life && a.sequence === b.sequence && a.issuedAt === b.issuedAt && a.key === b.key;

/** Whether this can only come from a copy that lived on after this one had started. */
function isOfAnother(to: ShownTo, {sequence, issuedAt}: Sighting, from: Disk): boolean {
  if (from === to.disk) return false;
  // What happened before the copy was taken happened in both.
  if (sequence <= to.disk.copiedAt || issuedAt <= (to.flooredAt ?? 0)) return false;
  return issuedAt > to.startedAt + SECOND_COPY_TOLERANCE_MS;
}

export const covers = (told: ReadonlyMap<LifeId, bigint>, {life, sequence}: Stamp): boolean =>
  (told.get(life) ?? -1n) >= sequence;
