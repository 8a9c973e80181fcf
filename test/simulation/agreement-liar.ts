import type {RootHex} from "../../src/core/bytes.js";
import type {
  Commit,
  Message,
  Prepare,
  Prepared,
  RoundChange,
  RoundChangeClaim,
  Unsigned,
  Vote,
} from "../../src/core/consensus/messages.js";
import {leaderOf, quorumOf} from "../../src/core/consensus/quorum.js";
import type {AgreementWorld} from "./agreement-world.js";

/**
 * A participant that hears everything and says what might split the others: two proposals, two prepares, commits to
 * anything, round changes that hide or invent what was prepared, certificates that are none, words of another
 * agreement and of somebody else; to all or to some. One in eight says nothing at all.
 */
export class AgreementLiar {
  readonly #world: AgreementWorld;
  readonly #self: number;
  readonly #offset: number;
  readonly #claims = new Map<string, RoundChangeClaim>();
  readonly #prepares = new Map<string, Prepare>();
  readonly #commits = new Map<string, Commit>();
  readonly #mute: boolean;
  readonly #values = new Set<string>();
  readonly #led = new Set<number>();
  /** By round. */
  readonly #words = new Map<number, number>();

  constructor(world: AgreementWorld, {self, offset}: {self: number; offset: number}) {
    this.#world = world;
    this.#self = self;
    this.#offset = offset;
    const all = world.participants();
    // Two that may be valid, and one that never is.
    this.#values.add(all.join()).add(all.slice(1).join()).add("1");
    this.#mute = world.random.chance(0.125);
  }

  hear(message: Message): void {
    const {random, n} = this.#world;
    if (this.#mute || message.kind === "decision") return;
    // Several times what an honest one says.
    if (message.round > 40 || (this.#words.get(message.round) ?? 0) > 12) return;
    if (message.kind === "propose") this.#values.add(message.value);
    if (message.kind === "round-change" && message.proof !== null) this.#values.add(message.proof.value);
    this.#keep(message);
    if (random.chance(0.3)) return;
    const {round} = message;
    const next = random.chance(0.5) ? round : round + 1;
    const value = message.kind === "propose" ? message.value : random.pick([...this.#values]);
    this.#support(round, value, random.chance(0.5) ? this.#world.participants() : random.pick(this.#world.halves));
    if (leaderOf(next, {n, offset: this.#offset}) === this.#self) this.#lead(next);
    if (random.chance(0.2)) this.#askFor(round + random.between(1, 3));
    if (random.chance(0.2)) this.#forge(message);
    if (random.chance(0.1)) this.#certify(round);
    if (random.chance(0.1)) this.#say(random.pick(this.#world.elsewhere));
  }

  #keep(vote: Vote): void {
    const at = `${vote.round} ${vote.author} ${"digest" in vote ? vote.digest : ""}`;
    if (vote.kind === "prepare") this.#prepares.set(at, vote);
    if (vote.kind === "commit") this.#commits.set(at, vote);
    if (vote.kind === "round-change") {
      this.#claims.set(at, withoutProof(vote));
    }
  }

  /** Different values to different participants, each with the reasons that suit it. */
  #lead(round: number): void {
    if (this.#led.has(round)) return;
    const claims = this.#claimsFor(round);
    if (claims.length < (round === 1 ? 0 : quorumOf(this.#world.n))) return;
    this.#led.add(round);
    const highest = Math.max(0, ...claims.map(({prepared}) => prepared?.round ?? 0));
    for (const to of this.#world.halves) {
      const value = this.#world.random.pick([...this.#values]);
      const digest = this.#digest(value);
      const prepares = [...this.#prepares.values()].filter((one) => one.round === highest && one.digest === digest);
      this.#vote({kind: "propose", round, value, claims, prepares}, to);
      this.#support(round, value, to);
    }
  }

  #claimsFor(round: number): RoundChangeClaim[] {
    if (round === 1) return [];
    const {random, n} = this.#world;
    const quorum = quorumOf(n);
    const all = [...this.#claims.values()];
    const here = all.filter((claim) => claim.round === round);
    const free = all.filter(({prepared}) => prepared === null);
    const freeHere = here.filter(({prepared}) => prepared === null);
    const own = (prepared: RoundChangeClaim["prepared"]): RoundChangeClaim =>
      withoutProof(
        this.#signed({kind: "round-change", author: this.#self, round, prepared, proof: null}) as RoundChange,
      );
    switch (random.pick(["these", "old", "repeated", "invented"])) {
      case "old":
        return newest([...free, own(null)]);
      case "repeated":
        return repeat([own(null), ...freeHere], quorum);
      case "invented": {
        const digest = this.#digest(random.pick([...this.#values]));
        const others = here.filter(({author}) => author !== this.#self);
        return [own({round: round - 1, digest}), ...others.slice(0, n - 1)];
      }
      default:
        return freeHere.length >= quorum ? freeHere : here;
    }
  }

  #support(round: number, value: string, to: readonly number[]): void {
    const digest = this.#digest(value);
    if (this.#world.random.chance(0.8)) this.#vote({kind: "prepare", round, digest}, to);
    if (this.#world.random.chance(0.8)) this.#vote({kind: "commit", round, digest}, to);
  }

  /** Hides what it prepared, or says that it prepared what nobody did. */
  #askFor(round: number): void {
    const {random} = this.#world;
    const value = random.pick([...this.#values]);
    const digest = this.#digest(value);
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
    if ("digest" in forged) forged.digest = this.#digest(random.pick([...this.#values]));
    this.#say(forged as Message);
  }

  /** What commits it has, as often as a certificate needs. */
  #certify(round: number): void {
    const value = this.#world.random.pick([...this.#values]);
    const digest = this.#digest(value);
    const commits = [...this.#commits.values()].filter((one) => one.round === round && one.digest === digest);
    if (commits.length === 0) return;
    this.#say({kind: "decision", value, round, commits: repeat(commits, quorumOf(this.#world.n))});
  }

  #digest(value: string): RootHex {
    return this.#world.code.messages.valueDigest(this.#world.id, value);
  }

  #vote(vote: DistributiveOmit<Vote, "author" | "signature">, to?: readonly number[]): void {
    const {random} = this.#world;
    const said = this.#signed({...vote, author: this.#self} as Unsigned<Vote>);
    this.#keep(said);
    const all = this.#world.participants();
    this.#say(said, to ?? (random.chance(0.3) ? random.some(all, all.length >> 1) : all));
  }

  #signed(vote: Unsigned<Vote>): Vote {
    const {id, code} = this.#world;
    return {...vote, signature: this.#world.sign(this.#self, code.messages.signedBytes(id, vote))} as Vote;
  }

  #say(message: Message, to?: readonly number[]): void {
    const {round} = message;
    this.#words.set(round, (this.#words.get(round) ?? 0) + 1);
    this.#world.send(this.#self, message, to);
  }
}

function withoutProof({kind, author, round, prepared, signature}: RoundChangeClaim): RoundChangeClaim {
  return {kind, author, round, prepared, signature};
}

/** The newest of each author. */
function newest(claims: readonly RoundChangeClaim[]): RoundChangeClaim[] {
  const last = new Map<number, RoundChangeClaim>();
  for (const claim of claims) if (claim.round >= (last.get(claim.author)?.round ?? 0)) last.set(claim.author, claim);
  return [...last.values()];
}

const repeat = <T>(some: readonly T[], count: number): T[] =>
  Array.from({length: count}, (_, i) => some[i % some.length]!);

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
