import type {LifeId, PeerIdText} from "../../src/core/bytes.js";
import {SECOND_COPY_TOLERANCE_MS} from "../../src/core/slashing/amnesia.js";
import type {Sighting} from "../../src/core/slashing/sighting.js";
import type {LifeAlarm} from "../../src/keeper/keeper-life.js";
import type {Disk} from "./store.js";

/** How far a life was when a partial left: a sighting of it with this sequence or a higher one covers that partial. */
export type Stamp = Pick<Sighting, "life" | "sequence">;

/** One run of an operator, when it is asked something. */
export interface AskedBy {
  readonly operatorId: number;
  readonly peer: PeerIdText;
  /** Its lives in this run: of these it need not be told. */
  readonly ownLives: ReadonlySet<LifeId>;
  readonly told: ReadonlyMap<LifeId, bigint>;
}

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
  readonly counts = {told: 0, floors: 0, stops: 0, pairsStopped: 0};
  readonly #violation: (text: string) => void;
  readonly #made = new Map<string, {readonly operatorId: number; readonly disk: Disk; readonly sighting: Sighting}>();
  readonly #forgetful = new Set<number>();
  /** By operator: the disks of those of its copies that stopped. */
  readonly #copied = new Map<number, Set<Disk>>();

  /** What each coordinator heard from each operator itself. */
  readonly #known = new Map<PeerIdText, Map<number, Map<LifeId, Sighting>>>();

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
    this.#copied.set(operatorId, new Set());
  }

  mayForget(operatorId: number): boolean {
    return this.#forgetful.has(operatorId);
  }

  alarm(operatorId: number, disk: Disk, {code, here, seen}: LifeAlarm): void {
    if (code === "KEEPER_SECOND_COPY") this.#stops(operatorId, disk);
    else this.counts.floors++;
    const about = `${code} at ${here} for ${seen}`;
    if (!this.#forgetful.has(operatorId)) {
      this.#violation(`operator ${operatorId} never lost a record and believes that it did: ${about}`);
    } else if (code === "KEEPER_SECOND_COPY" && !this.#copied.has(operatorId)) {
      this.#violation(`operator ${operatorId} runs once and believes that it runs twice: ${about}`);
    }
  }

  /** A coordinator heard from whoever answers as this operator. */
  heard(coordinator: PeerIdText, operatorId: number, said: Sighting | null): void {
    if (said === null || this.#made.get(said.mac)?.operatorId !== operatorId) return;
    const known = this.#known.get(coordinator) ?? new Map<number, Map<LifeId, Sighting>>();
    this.#known.set(coordinator, known);
    const lives = known.get(operatorId) ?? new Map<LifeId, Sighting>();
    known.set(operatorId, lives);
    // In one life answers overtake each other.
    if ((lives.get(said.life)?.sequence ?? -1n) <= said.sequence) lives.set(said.life, said);
  }

  /** A coordinator's memory ends with it, or it is started with what it had written. */
  coordinatorStarts(coordinator: PeerIdText): void {
    this.#known.delete(coordinator);
  }

  /** Whoever knows of a run of an operator tells another run of it before it asks that one for anything. */
  asked({operatorId, peer, ownLives, told}: AskedBy): void {
    let newest: Sighting | null = null;
    for (const sighting of this.#known.get(peer)?.get(operatorId)?.values() ?? []) {
      if (!ownLives.has(sighting.life) && sighting.issuedAt >= (newest?.issuedAt ?? 0)) newest = sighting;
    }
    if (newest === null || covers(told, newest)) return;
    this.#violation(`operator ${operatorId} was asked before it was told what that signer knows of it`);
  }

  #stops(operatorId: number, disk: Disk): void {
    this.counts.stops++;
    const stopped = this.#copied.get(operatorId)?.add(disk);
    if (stopped?.size === 2) this.counts.pairsStopped++;
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
