/** Numbers that look random and follow from a seed (mulberry32), for schedules and inputs that can be replayed. */
export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Whole, from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(0, from.length - 1)]!;
  }

  /** A sequence of its own, so that one consumer more or less does not change the others. */
  fork(): Seeded {
    return new Seeded(this.int(0, 2 ** 32 - 1));
  }
}

/** The seed given in PLEIADES_SEED, or a new one. */
export function seedOf(env: NodeJS.ProcessEnv = process.env): number {
  const given = env.PLEIADES_SEED;
  if (given === undefined || given === "") return Math.floor(Math.random() * 2 ** 32);
  if (!/^\d{1,10}$/.test(given)) throw new Error(`PLEIADES_SEED is not a whole number: ${given}`);
  return Number(given) >>> 0;
}

/** A whole number in the environment variable, or the default; with `npm run test:long` the long default. */
export function countOf(name: string, {usual, long}: {usual: number; long: number}): number {
  const given = process.env[name];
  if (given === undefined || given === "") return process.env.PLEIADES_LONG === "1" ? long : usual;
  if (!/^\d{1,9}$/.test(given)) throw new Error(`${name} is not a whole number: ${given}`);
  return Number(given);
}
