import {thresholdOf} from "../../src/core/committee/quorum.js";
import {EPOCH_MS, SLOT_MS} from "./duties.js";
import {TRICKS, type Trick} from "./liar.js";
import {CALM, type Weather} from "./network.js";
import {Random} from "./random.js";

/**
 * `live`: never more than f operators are faulty at once, so every duty has to be signed. `hostile`: as many as like are
 * down, cut off, slow or wrong about the time, and a coordinator may lie; only at most f operators lie or forget, so
 * safety has to hold, and duties have to be signed once the storm is over.
 */
export type Kind = "live" | "hostile";

/** What a simulation is about: all of it follows from the seed. */
export interface Plan {
  readonly seed: number;
  readonly kind: Kind;
  readonly quorum: {readonly n: number; readonly t: number};
  readonly f: number;
  readonly liars: ReadonlyMap<number, readonly Trick[]>;
  readonly amnesiacs: ReadonlySet<number>;
  /** One of the faulty ones runs twice for a while; null: none. */
  readonly copied: number | null;
  /** More than f together with the others: restored from old copies of their disks too, and told of it or not. */
  readonly restored: ReadonlySet<number>;
  /** Down from the start to the end. */
  readonly absent: ReadonlySet<number>;
  /** Milliseconds by operator id: within what policy tolerates, except for those counted as faulty. */
  readonly skewMs: ReadonlyMap<number, number>;
  /** How many more operators may have a passing fault at the same time. */
  readonly passing: number;
  /** How many the committee file names. */
  readonly ranks: number;
  /** The ranks of the one or two that clients use, in order; the others are not there, or lie. */
  readonly coordinators: readonly number[];
  readonly lyingRank: number | null;
  /** Ranks of coordinators that forget with each crash what they knew of operators. */
  readonly forgetful: ReadonlySet<number>;
  /**
   * Between pings: about what it is on the real link where two copies have to hear of each other within an epoch. Hellos
   * and answers tell all the rest already, and pings cost time.
   */
  readonly pingMs: number;
  /** Whether two coordinators ask for the same messages. */
  readonly heads: "same" | "different";
  readonly weather: Weather;
  readonly epochs: number;
}

export function planOf(seed: number, {n: forced}: {n?: number} = {}): Plan {
  const random = new Random(seed, 1);
  const n = forced ?? random.pick([4, 4, 4, 4, 4, 4, 4, 7, 7, 7, 7, 10, 13]);
  const f = (n - 1) / 3;
  const kind: Kind = random.chance(0.6) ? "live" : "hostile";
  const ids = random.some(
    Array.from({length: n}, (_, i) => i + 1),
    n,
  );
  const dishonest = random.between(0, f);
  const liars = new Map<number, readonly Trick[]>();
  const amnesiacs = new Set<number>();
  let copied: number | null = null;
  for (const id of ids.splice(0, dishonest)) {
    if (random.chance(0.3)) amnesiacs.add(id);
    else if (copied === null && n <= 7 && random.chance(0.15)) copied = id;
    else liars.set(id, random.chance(0.5) ? [random.pick(TRICKS)] : random.some(TRICKS, random.between(2, 5)));
  }
  const honest = new Set(ids);
  const faulty = kind === "live" ? ids.splice(0, random.between(0, f - dishonest)) : [];
  const absent = new Set(faulty.filter(() => random.chance(0.5)));
  const restored = new Set(kind === "hostile" && random.chance(0.3) ? random.some(ids, random.between(1, n)) : []);
  const skewMs = new Map<number, number>();
  for (const id of honest)
    if (!restored.has(id) && random.chance(0.3)) skewMs.set(id, random.between(-(SLOT_MS - 1000), SLOT_MS));
  for (const id of faulty) if (!absent.has(id)) skewMs.set(id, beyondTolerance(random));
  const inUse = random.chance(0.6) ? 2 : 1;
  const lies = kind === "hostile" && random.chance(0.75);
  const ranks = random.between(inUse + (lies ? 1 : 0), 3);
  const [lyingRank = null, ...honestRanks] = random.some([0, 1, 2].slice(0, ranks), ranks);
  const slowest = random.pick([5, 20, 100, 400]);
  return {
    seed,
    kind,
    quorum: {n, t: thresholdOf(n)},
    f,
    liars,
    amnesiacs,
    copied,
    restored,
    absent,
    skewMs,
    passing: kind === "live" ? f - dishonest - faulty.length : n,
    ranks,
    coordinators: (lies ? honestRanks : [lyingRank!, ...honestRanks]).slice(0, inUse).sort((a, b) => a - b),
    lyingRank: lies ? lyingRank : null,
    forgetful: new Set([0, 1, 2].filter(() => random.chance(0.3))),
    pingMs: isForgetful({copied, amnesiacs, restored}) ? (copied === null ? EPOCH_MS / 4 : 8_000) : EPOCH_MS,
    heads: random.chance(0.6) ? "different" : "same",
    weather: {
      ...CALM,
      delayMs: [1, slowest],
      duplicate: random.pick([0, 0, 0.1]),
      drop: kind === "hostile" ? random.pick([0, 0, 0.05, 0.3]) : 0,
    },
    epochs: random.pick([2, 2, 3, 3, 4]),
  };
}

/** Whether anybody will have something to learn of its own past. */
export const isForgetful = ({copied, amnesiacs, restored}: Pick<Plan, "copied" | "amnesiacs" | "restored">): boolean =>
  copied !== null || amnesiacs.size > 0 || restored.size > 0;

/** So far behind that duties look early, or so far ahead that what lies in the future does not. */
export const beyondTolerance = (random: Random): number =>
  random.chance(0.5) ? -random.between(3 * SLOT_MS, 3 * EPOCH_MS) : random.between(SLOT_MS, 3 * EPOCH_MS);
