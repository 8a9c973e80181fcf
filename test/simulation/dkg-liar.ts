import type {RootHex} from "../../src/core/bytes.js";
import {fromHex, parseSignatureHex, rootHex} from "../../src/core/bytes.js";
import {chunkHash, chunkLayout, publicHash, SCALAR_BYTES} from "../../src/core/dkg/chunk.js";
import {type DealerSecrets, dealChunk, dealerPolynomial, type Pairs, shareOf} from "../../src/core/dkg/dealing.js";
import {digest} from "../../src/core/dkg/digest.js";
import {type AnyItem, headerOf, type Item, signItem, type VerdictEntry} from "../../src/core/dkg/items.js";
import {encodeItem} from "../../src/core/dkg/items-json.js";
import {type Plan, validatorsOf} from "../../src/core/dkg/plan.js";
import {seal} from "../../src/core/dkg/sealing.js";
import {ephemeralSecret, sealingSecret} from "../../src/core/dkg/seed.js";
import type {DkgEffect, DkgInput, Machine} from "../../src/core/dkg/state.js";
import {mod, scalarBytes} from "../../src/core/threshold/scalar.js";
import {DkgNode} from "./dkg-node.js";
import type {Bend, SimulatedVault} from "./dkg-vault.js";
import type {DkgWorld} from "./dkg-world.js";

/** What a byzantine operator does; else it behaves. */
export const LIES = [
  "silent",
  "late",
  "wrong share",
  "broken seal",
  "cancelling shares",
  "two dealings",
  "two announces",
  "two verdicts",
  "false complaint",
  "false malformed",
  "malformed dealing",
  "unopened dealing",
  "withholds from one",
  "deaf leader",
  "wrong proof",
  "replay",
] as const;
export type Lie = (typeof LIES)[number];

/** Lies that everybody convicts when the verdicts of all are agreed on. */
export const CONVICTING: ReadonlyMap<Lie, string> = new Map([
  ["wrong share", "wrong share"],
  ["broken seal", "wrong share"],
  ["cancelling shares", "wrong share"],
  ["deaf leader", "wrong share"],
  ["malformed dealing", "malformed dealing"],
  ["unopened dealing", "malformed dealing"],
  ["two dealings", "equivocation"],
  ["false complaint", "false accusation"],
  ["false malformed", "false accusation"],
]);

export interface LiarOptions {
  readonly lie: Lie;
  /** The operator it is aimed at. */
  readonly victim: number;
  readonly secrets: DealerSecrets;
  /** Two liars with opposite signs deal errors that cancel each other out. */
  readonly sign: 1n | -1n;
  /** Texts of another ceremony of the same operators. */
  readonly foreign: readonly string[];
}

const LATE_MS = 4000;

/** How a lying dealer's vault bends what it deals: the chunk's hash is made of the bent bytes, so it is well named. */
export function bendFor({lie, victim, secrets, sign}: LiarOptions, plan: Plan, dealer: number): Bend {
  const alter = (bytes: Uint8Array, start: number): Uint8Array => {
    const bent = Uint8Array.from(bytes);
    bent[start]! ^= 1;
    return bent;
  };
  switch (lie) {
    case "malformed dealing":
      // A proof of possession, or a point for those that have none.
      return {shown: (bytes, chunk) => alter(bytes, chunkLayout(plan, chunk, 0).validatorBytes - 2)};
    case "broken seal":
      return {dealt: (bytes, chunk) => alter(bytes, sealedPlace(plan, chunk, victim))};
    case "wrong share":
    case "deaf leader":
    case "cancelling shares":
      return {dealt: (bytes, chunk, pairs) => wrongShare(bytes, {plan, dealer, victim, secrets, sign, chunk, pairs})};
    default:
      return {};
  }
}

/** The chunk with the victim's shares off by 5 or −5, sealed as they should be. */
function wrongShare(
  bytes: Uint8Array,
  at: Pick<LiarOptions, "victim" | "secrets" | "sign"> & {plan: Plan; dealer: number; chunk: number; pairs: Pairs},
): Uint8Array {
  const {plan, dealer, chunk, pairs, secrets, victim, sign} = at;
  const pair = pairs.get(victim);
  if (pair === undefined) return bytes;
  const {publicBytes, sealedBytes} = chunkLayout(plan, chunk, pairs.size);
  const plain = Buffer.concat(
    validatorsOf(plan, chunk).map((v) =>
      scalarBytes(mod(shareOf(dealerPolynomial(plan, secrets, dealer, v), victim) + sign * 5n)),
    ),
  );
  const hash = fromHex(publicHash(plan, dealer, chunk, bytes.subarray(0, publicBytes)));
  const context = {ceremony: plan.id, dealer, recipient: victim, chunk, ...pair, publicHash: hash};
  const sealed = seal(ephemeralSecret(secrets.seed, plan, dealer, victim, pair.sealingKey), context, plain)!;
  const bent = Uint8Array.from(bytes);
  bent.set(sealed, publicBytes + [...pairs.keys()].indexOf(victim) * sealedBytes);
  return bent;
}

/** A byte among those sealed for a recipient, when all are sealed to. */
function sealedPlace(plan: Plan, chunk: number, recipient: number): number {
  const {publicBytes, sealedBytes} = chunkLayout(plan, chunk, plan.recipients);
  return publicBytes + (recipient - 1) * sealedBytes + SCALAR_BYTES - 1;
}

/** An operator that lies in one way. */
export class LiarNode extends DkgNode {
  readonly #options: LiarOptions;
  #silent = false;

  constructor(world: DkgWorld, machine: Machine, vault: SimulatedVault, options: LiarOptions) {
    super(world, machine, vault, {honest: false});
    this.#options = options;
  }

  override start(): void {
    super.start();
    if (this.#options.lie !== "replay") return;
    for (const text of this.#options.foreign) for (const peer of this.#peers()) this.world.send(this, peer, text);
  }

  override input(input: DkgInput): void {
    // It never hears its victim's verdict, so it proposes without it.
    const deaf = this.#options.lie === "deaf leader" && input.kind === "item" && input.item.kind === "verdict";
    if (deaf && input.item.author === this.#options.victim) return;
    super.input(input);
  }

  protected override perform(effect: DkgEffect): void {
    // Whoever leaves somebody out is in a hurry.
    const hurried = this.#options.lie === "deaf leader" && effect.kind === "timer";
    super.perform(hurried ? {...effect, ms: 1} : effect);
  }

  protected override publish(item: AnyItem): void {
    const {lie} = this.#options;
    switch (lie) {
      case "silent":
        this.#silent ||= this.world.random.chance(0.5) || item.kind === "deal";
        if (this.#silent) this.#forget(item);
        else super.publish(item);
        return;
      case "late":
        this.later(LATE_MS, "late", () => super.publish(item));
        return;
      default:
    }
    const other = this.#other(item);
    if (other === null) super.publish(item);
    else if (lie.startsWith("two")) this.#twice(item, other);
    else this.#instead(item, other);
  }

  /** What it says besides or instead. */
  #other(item: AnyItem): AnyItem | null {
    switch (this.#options.lie) {
      case "two announces":
        return item.kind === "announce" ? this.#otherAnnounce(item as Item<"announce">) : null;
      case "two dealings":
        return item.kind === "deal" ? this.#otherDealing(item as Item<"deal">) : null;
      case "two verdicts":
        return item.kind === "verdict" ? this.#otherVerdict(item as Item<"verdict">) : null;
      case "unopened dealing":
        return item.kind === "deal" ? this.#unopened(item as Item<"deal">) : null;
      case "false complaint":
      case "false malformed":
        return item.kind === "verdict" ? this.#accusing(item as Item<"verdict">) : null;
      case "wrong proof":
        return item.kind === "result" ? this.#wrongProof(item as Item<"result">) : null;
      default:
        return null;
    }
  }

  override offer(peer: DkgNode): ReturnType<DkgNode["offer"]> {
    const {lie, victim} = this.#options;
    if (lie === "silent" && this.#silent) return {texts: [], chunks: []};
    if (lie === "withholds from one" && peer.number === victim) return {texts: [], chunks: []};
    return super.offer(peer);
  }

  #peers(): DkgNode[] {
    return this.world.nodes.filter((node) => node !== this);
  }

  /** Nobody gets it from the journal either. */
  #forget(item: AnyItem): void {
    for (const [key, one] of this.journal.items) if (one.item.hash === item.hash) this.journal.items.delete(key);
  }

  #instead(item: AnyItem, other: AnyItem): void {
    this.#forget(item);
    this.keep(other);
    super.publish(other);
  }

  /** One half of the others hears one thing, the other half another. */
  #twice(item: AnyItem, other: AnyItem): void {
    this.keep(other);
    for (const peer of this.#peers()) {
      this.world.send(this, peer, encodeItem(peer.number % 2 === 0 ? item : other));
    }
  }

  #signed<K extends AnyItem["kind"]>(item: Item<K>, body: Item<K>["body"]): AnyItem {
    const {author, kind, sequence} = item;
    return signItem(this.machine.ceremony, {author, kind, sequence, body}, this.machine.sign) as Item as AnyItem;
  }

  #otherAnnounce(item: Item<"announce">): AnyItem {
    const [first, second, ...rest] = item.body.sealingKeys;
    return this.#signed(item, {...item.body, sealingKeys: [second!, first!, ...rest]});
  }

  /** The same commitments, but what is sealed for the victim is something else. */
  #otherDealing(item: Item<"deal">): AnyItem {
    const {ceremony} = this.machine;
    const {pairs} = headerOf(ceremony, item);
    const dealer = ceremony.participants[this.number - 1]!.dealer!;
    const {secrets} = this.#options;
    const chunkHashes = item.body.chunkHashes.map((_, chunk): RootHex => {
      const {bytes} = dealChunk(this.machine.group, ceremony.plan, secrets, {dealer, chunk, pairs});
      bytes[bytes.length - 1]! ^= 1;
      const hash = chunkHash(bytes);
      this.journal.chunks.set(hash, bytes);
      return hash;
    });
    return this.#signed(item, {...item.body, chunkHashes});
  }

  #unopened(item: Item<"deal">): AnyItem {
    const publicHashes = item.body.publicHashes.map(() => rootHex(digest("something else")));
    return this.#signed(item, {...item.body, publicHashes});
  }

  #otherVerdict(item: Item<"verdict">): AnyItem {
    return this.#signed(item, {...item.body, entries: item.body.entries.slice(1)});
  }

  #accusing(item: Item<"verdict">): AnyItem {
    const {lie, victim, secrets} = this.#options;
    const {plan, participants} = this.machine.ceremony;
    const {recipient} = participants[this.number - 1]!;
    const entries = item.body.entries.map((entry): VerdictEntry => {
      if (entry.dealer !== victim) return entry;
      if (lie === "false malformed") return {...entry, outcome: {kind: "malformed", chunk: 0}};
      const secret = rootHex(sealingSecret(secrets.seed, plan, recipient!, victim));
      return {...entry, outcome: {kind: "complaint", chunk: 0, secret}};
    });
    return this.#signed(item, {...item.body, entries});
  }

  #wrongProof(item: Item<"result">): AnyItem {
    const {group, ceremony} = this.machine;
    const proof = parseSignatureHex(`0x${Buffer.from(group.sign(5n, ceremony.plan.id)).toString("hex")}`);
    return this.#signed(item, {...item.body, proof});
  }
}
