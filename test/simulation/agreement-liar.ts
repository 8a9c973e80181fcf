import {
  type Message,
  type Prepare,
  type Prepared,
  type RoundChangeClaim,
  signedBytes,
  type Unsigned,
  type Vote,
  valueDigest,
} from "../../src/core/consensus/messages.js";
import {leaderOf, quorumOf} from "../../src/core/consensus/quorum.js";
import type {AgreementWorld} from "./agreement-world.js";

/**
 * A participant that hears everything and says what might split the others: two proposals, two prepares, commits to
 * anything, round changes that hide or invent what was prepared, words of another instance and of somebody else.
 */
export class AgreementLiar {
  readonly #world: AgreementWorld;
  readonly #self: number;
  readonly #offset: number;
  readonly #claims = new Map<string, RoundChangeClaim>();
  readonly #prepares = new Map<string, Prepare>();
  readonly #values = new Set<string>();
  readonly #led = new Set<number>();
  #words = 0;

  constructor(world: AgreementWorld, {self, offset}: {self: number; offset: number}) {
    this.#world = world;
    this.#self = self;
    this.#offset = offset;
    const all = world.participants();
    this.#values.add(all.join()).add(all.slice(1).join());
  }

  hear(message: Message): void {
    const {random, n} = this.#world;
    // As many words as an honest one would need twenty rounds for.
    if (message.kind === "decision" || this.#words > 300) return;
    if (message.kind === "propose") this.#values.add(message.value);
    if (message.kind === "prepare") this.#prepares.set(`${message.round} ${message.author}`, message);
    if (message.kind === "round-change") {
      const {proof, ...claim} = message;
      this.#claims.set(`${message.round} ${message.author}`, claim);
      if (proof !== null) this.#values.add(proof.value);
    }
    if (random.chance(0.3)) return;
    const {round} = message;
    const next = random.chance(0.5) ? round : round + 1;
    for (const value of this.#values) {
      if (random.chance(0.5)) this.#vote({kind: "prepare", round, digest: valueDigest(this.#world.id, value)});
      if (random.chance(0.4)) this.#vote({kind: "commit", round, digest: valueDigest(this.#world.id, value)});
    }
    if (leaderOf(next, {n, offset: this.#offset}) === this.#self) this.#lead(next);
    if (random.chance(0.2)) this.#askFor(round + random.between(1, 3));
    if (random.chance(0.2)) this.#forge(message);
  }

  /** Different values to different participants. */
  #lead(round: number): void {
    if (this.#led.has(round)) return;
    const {random, n} = this.#world;
    const claims = [...this.#claims.values()].filter((claim) => claim.round === round);
    if (round > 1 && claims.length < quorumOf(n)) return;
    this.#led.add(round);
    const values = [...this.#values];
    const half = random.some(this.#world.participants(), n >> 1);
    const rest = this.#world.participants().filter((one) => !half.includes(one));
    for (const [to, value] of [
      [half, random.pick(values)],
      [rest, random.pick(values)],
    ] as const) {
      // The claims that suit it, when there are enough of them.
      const suiting = claims.filter(({prepared}) => prepared === null);
      const used = round === 1 ? [] : suiting.length >= quorumOf(n) ? suiting : claims;
      const highest = Math.max(0, ...used.map(({prepared}) => prepared?.round ?? 0));
      const digest = valueDigest(this.#world.id, value);
      const prepares = [...this.#prepares.values()].filter((one) => one.round === highest && one.digest === digest);
      this.#vote({kind: "propose", round, value, claims: used, prepares}, to);
    }
  }

  /** Hides what it prepared, or says that it prepared what nobody did. */
  #askFor(round: number): void {
    const {random, id} = this.#world;
    const value = random.pick([...this.#values]);
    const digest = valueDigest(id, value);
    const at = random.chance(0.5) ? round - 1 : random.between(1, round);
    const prepares = [...this.#prepares.values()].filter((one) => one.digest === digest && one.round === at);
    const proof: Prepared | null = random.chance(0.5) ? null : {round: Math.max(1, at), value, prepares};
    this.#vote({kind: "round-change", round, prepared: proof && {round: proof.round, digest}, proof});
  }

  /** Somebody else's name, or an old word in a new place. */
  #forge(message: Exclude<Message, {kind: "decision"}>): void {
    const {random} = this.#world;
    const author = random.pick(this.#world.participants());
    const forged = {...message, author, round: message.round + random.between(0, 1)};
    if ("digest" in forged) forged.digest = valueDigest(this.#world.id, random.pick([...this.#values]));
    this.#words++;
    this.#world.send(this.#self, forged as Message);
  }

  #vote(vote: DistributiveOmit<Vote, "author" | "signature">, to?: readonly number[]): void {
    const said = {...vote, author: this.#self} as Unsigned<Vote>;
    const signature = this.#world.sign(this.#self, signedBytes(this.#world.id, said));
    this.#words++;
    this.#world.send(this.#self, {...said, signature} as Vote, to);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
