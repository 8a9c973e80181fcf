import {asEpoch, type RootHex, rootHex} from "../../src/core/bytes.js";
import type {Ceremony} from "../../src/core/dkg/ceremony.js";
import {openChunk} from "../../src/core/dkg/checking.js";
import {publicHash} from "../../src/core/dkg/chunk.js";
import {
  type DealerSecrets,
  dealChunk,
  dealingCommitment,
  type Pairs,
  publicPart,
  sealingPairs,
} from "../../src/core/dkg/dealing.js";
import {hexBytes} from "../../src/core/dkg/digest.js";
import type {DkgGroup} from "../../src/core/dkg/group.js";
import {type AnnounceBody, headerOf, type Item} from "../../src/core/dkg/items.js";
import {sumShares} from "../../src/core/dkg/keys.js";
import {CHUNK_VALIDATORS, chunkCount} from "../../src/core/dkg/plan.js";
import {proveRetirement} from "../../src/core/dkg/retirement.js";
import {sealingKeys} from "../../src/core/dkg/seed.js";
import {proveShares} from "../../src/core/dkg/share-proof.js";
import type {DkgInput, VaultCall} from "../../src/core/dkg/state.js";

/** How a dealer may bend what its vault deals; an honest one does not. */
export interface Bend {
  /** The bytes of a public part before anything is committed to. */
  shown?(bytes: Uint8Array, chunk: number): Uint8Array;
  /** A chunk's bytes after it was dealt. */
  dealt?(bytes: Uint8Array, chunk: number, pairs: Pairs): Uint8Array;
}

/** What a vault is in the simulation: the seed and the pinned announces survive a crash, opened shares do not. */
export class SimulatedVault {
  readonly #group: DkgGroup;
  readonly #ceremony: Ceremony;
  readonly #number: number;
  #secrets: DealerSecrets;
  readonly #old: (validator: number) => bigint;
  readonly #bend: Bend;
  readonly #shown = new Map<number, Uint8Array>();
  #pinned: readonly Item<"announce">[] | null = null;
  /** The one dealing of each dealer that is opened: durable, too. */
  readonly #dealings = new Map<number, RootHex>();
  #opened = new Map<string, readonly bigint[]>();
  /** With which it checks shares: for sabotage. */
  checks: DkgGroup;
  /** The shares it ended with, by validator. */
  shares: readonly bigint[] | null = null;

  constructor(
    group: DkgGroup,
    ceremony: Ceremony,
    number: number,
    {secrets, old = () => 0n, bend = {}}: {secrets: DealerSecrets; old?: (validator: number) => bigint; bend?: Bend},
  ) {
    this.#group = group;
    this.checks = group;
    this.#ceremony = ceremony;
    this.#number = number;
    this.#secrets = secrets;
    this.#old = old;
    this.#bend = bend;
  }

  crash(): void {
    this.#opened = new Map();
  }

  /** For sabotage: as if the seed had not been durable. */
  forgetSeed(seed: Uint8Array): void {
    this.#secrets = {...this.#secrets, seed};
    this.#shown.clear();
    this.#pinned = null;
  }

  answer(call: VaultCall): DkgInput {
    switch (call.call) {
      case "announce":
        return {kind: "announced", body: this.#announce()};
      case "deal":
        return this.#deal(call);
      case "open": {
        const {dealing, chunk, bytes} = call;
        const {dealer, recipient} = this.#numbers(dealing.author);
        const first = this.#dealings.get(dealer!) ?? dealing.hash;
        this.#dealings.set(dealer!, first);
        if (first !== dealing.hash) return {kind: "not opened", dealing: dealing.hash, chunk};
        const at = {dealer: dealer!, header: headerOf(this.#ceremony, dealing), chunk, bytes};
        const opened = openChunk(this.checks, this.#ceremony.plan, this.#secrets.seed, recipient!, at);
        if (opened.ok) this.#opened.set(`${dealing.hash}/${chunk}`, opened.shares);
        const secret = opened.ok ? null : rootHex(opened.sealingSecret);
        return {kind: "opened", dealing: dealing.hash, chunk, secret};
      }
      case "prove": {
        const {plan} = this.#ceremony;
        const {qualified} = call.outcomes;
        const dealers = qualified.map(({dealer}) => dealer);
        this.shares = Array.from({length: plan.validators}, (_, v) => {
          const dealt = new Map(
            qualified.flatMap(({dealer, dealing}): [number, bigint][] => {
              const opened = this.#opened.get(`${dealing}/${Math.floor(v / CHUNK_VALIDATORS)}`);
              return opened === undefined ? [] : [[dealer, opened[v % CHUNK_VALIDATORS]!]];
            }),
          );
          return sumShares(plan, dealers, dealt, this.#old(v));
        });
        return {kind: "proved", proof: proveShares(this.#group, call.transcript, this.shares), deposits: []};
      }
      case "retire": {
        const {definition, id, plan} = this.#ceremony;
        const epoch = asEpoch(definition.previous!.handoverEpoch);
        const shares = Array.from({length: plan.validators}, (_, v) => this.#secrets.share!(v));
        const body = proveRetirement(this.#group, id, {transcript: call.transcript, epoch}, shares);
        return {kind: "retired", body};
      }
      case "take over":
        return {kind: "took over"};
    }
  }

  #numbers(author: number): {dealer: number | null; recipient: number | null} {
    const {participants} = this.#ceremony;
    return {dealer: participants[author - 1]!.dealer, recipient: participants[this.#number - 1]!.recipient};
  }

  #publicPart(dealer: number, chunk: number): Uint8Array {
    const known = this.#shown.get(chunk);
    if (known !== undefined) return known;
    const honest = publicPart(this.#group, this.#ceremony.plan, this.#secrets, {dealer, chunk});
    const shown = this.#bend.shown?.(honest, chunk) ?? honest;
    this.#shown.set(chunk, shown);
    return shown;
  }

  #announce(): AnnounceBody {
    const {plan, participants} = this.#ceremony;
    const {dealer, recipient} = participants[this.#number - 1]!;
    const chunks = Array.from({length: chunkCount(plan)}, (_, i) => i);
    const hashes = (of: number) => chunks.map((c) => publicHash(plan, of, c, this.#publicPart(of, c)));
    return {
      sealingKeys:
        recipient === null ? [] : sealingKeys(this.#secrets.seed, plan, recipient).map((key) => rootHex(key)),
      commitment: dealer === null ? null : dealingCommitment(plan, dealer, hashes(dealer)),
    };
  }

  #deal({announces, chunk}: Extract<VaultCall, {call: "deal"}>): DkgInput {
    const {plan, participants} = this.#ceremony;
    this.#pinned ??= announces;
    const dealer = participants[this.#number - 1]!.dealer!;
    const receivers = this.#pinned.filter(({author}) => participants[author - 1]!.recipient !== null);
    const keys = new Map(
      receivers.map(({author, body}) => [
        participants[author - 1]!.recipient!,
        hexBytes(body.sealingKeys[dealer - 1]!),
      ]),
    );
    const pairs = sealingPairs(plan, this.#secrets.seed, dealer, keys);
    const known = this.#publicPart(dealer, chunk);
    const dealt = dealChunk(this.#group, plan, this.#secrets, {dealer, chunk, pairs, known});
    return {
      kind: "dealt",
      chunk,
      bytes: this.#bend.dealt?.(dealt.bytes, chunk, pairs) ?? dealt.bytes,
      publicHash: dealt.publicHash,
      announces: this.#pinned,
      ephemerals: [...pairs.values()].map(({ephemeral}) => rootHex(ephemeral)),
    };
  }
}
