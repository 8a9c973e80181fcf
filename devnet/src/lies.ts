import {randomBytes} from "node:crypto";

/** Kinds of lies: another point, a genuine partial signature of another message, bytes that are no point. */
export const LIES = ["wrong", "other", "garbage"] as const;
export type Lie = (typeof LIES)[number];

/** The base field of BLS12-381. */
const P = 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn;
const FIELD_BYTES = 48;
/** An uncompressed point of G2 is x and y of two field elements each. */
const COORDINATES = 4;

/**
 * The negative of a point: of the right shape, on the curve, in the group, and wrong for every message. Only the
 * verification under the share public key tells it from the truth.
 */
export function negated(partial: Uint8Array): Uint8Array {
  const lie = Buffer.from(partial);
  for (let i = COORDINATES / 2; i < COORDINATES; i++) {
    const at = i * FIELD_BYTES;
    const y = BigInt(`0x${lie.subarray(at, at + FIELD_BYTES).toString("hex")}`);
    const negative = (P - (y % P)) % P;
    lie.write(negative.toString(16).padStart(2 * FIELD_BYTES, "0"), at, "hex");
  }
  return lie;
}

/** Turns honest partial signatures into lies, one kind always or all of them in turn. */
export class Liar {
  readonly #kinds: readonly Lie[];
  readonly #earlier = new Map<string, Uint8Array>();
  #told = 0;

  constructor(kind: Lie | "all") {
    this.#kinds = kind === "all" ? LIES : [kind];
  }

  /** `key` is whose partial it is: one of another key would not even be the liar's own. */
  distort(key: string, partial: Uint8Array): Uint8Array {
    const kind = this.#kinds[this.#told++ % this.#kinds.length]!;
    const other = this.#earlier.get(key);
    this.#earlier.set(key, partial);
    if (kind === "garbage") return randomBytes(partial.length);
    // A repeat of the same message is no lie.
    if (kind === "other" && other !== undefined && !Buffer.from(other).equals(partial)) return other;
    return negated(partial);
  }
}
