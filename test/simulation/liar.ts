import {fromHex, type PeerIdText, parseRootHex, type RootHex} from "../../src/core/bytes.js";
import {signPartial} from "../../src/keeper/partial-signer.js";
import type {PartialReply, PartialRequest, Watermark} from "../../src/ports/operator-link.js";
import type {PartialHandler} from "../../src/ports/operator-server.js";
import type {SimulatedCommittee} from "./committee.js";
import type {Process} from "./process.js";
import type {Random} from "./random.js";
import type {SimulationGroup} from "./transparent-group.js";

export const TRICKS = [
  "signs anything",
  "wrong partial",
  "partial of another root",
  "partial of another share",
  "replayed partial",
  "late",
  "silent",
  "selective",
  "malformed bytes",
  "outside the subgroup",
  "infinity",
  "false refusal",
  "another committee",
] as const;
export type Trick = (typeof TRICKS)[number];

/** What the liars of a committee know together. */
export class Gang {
  /** The newest come last. */
  readonly seen: PartialRequest[] = [];

  add(request: PartialRequest): void {
    this.seen.push(request);
    if (this.seen.length > 64) this.seen.shift();
  }
}

/** A share in the wrong hands: no record, no policy, and whatever answer does most harm. */
export class Liar implements PartialHandler {
  readonly #process: Process;
  readonly #random: Random;
  readonly #group: SimulationGroup;
  readonly #committee: SimulatedCommittee;
  readonly #gang: Gang;
  readonly #id: number;
  readonly #tricks: readonly Trick[];
  readonly #favourite: PeerIdText;

  constructor(
    modules: {process: Process; random: Random; group: SimulationGroup; committee: SimulatedCommittee; gang: Gang},
    {id, tricks, favourite}: {id: number; tricks: readonly Trick[]; favourite: PeerIdText},
  ) {
    this.#process = modules.process;
    this.#random = modules.random;
    this.#group = modules.group;
    this.#committee = modules.committee;
    this.#gang = modules.gang;
    this.#id = id;
    this.#tricks = tricks;
    this.#favourite = favourite;
  }

  async watermarks(): Promise<readonly Watermark[]> {
    const far = 2n ** 64n - 1n;
    return this.#committee.committee.validators.map(({groupPublicKey: key}) => ({key, slot: far, epoch: far}));
  }

  handle(peer: PeerIdText, request: PartialRequest): Promise<PartialReply> {
    this.#gang.add(request);
    const trick = this.#random.pick(this.#tricks);
    const never = new Promise<PartialReply>(() => {});
    switch (trick) {
      case "silent":
        return never;
      case "selective":
        return peer === this.#favourite ? Promise.resolve(this.#signed(request, this.#sign(request))) : never;
      case "late":
        return new Promise((resolve) => {
          const reply = this.#signed(request, this.#sign(request));
          this.#process.after(this.#random.between(200, 6000), "is late", () => resolve(reply));
        });
      case "false refusal": {
        const code = this.#random.pick(["SLASHING_DOUBLE_VOTE", "POLICY_TOO_EARLY", "KEEPER_UNKNOWN_KEY"] as const);
        return Promise.resolve({kind: "refused", code, message: "so it says"});
      }
      case "another committee": {
        const other = parseRootHex(Buffer.from(this.#random.bytes(32)).toString("hex"));
        return Promise.resolve({...this.#signed(request, this.#sign(request)), committeeHash: other});
      }
      default:
        return Promise.resolve(this.#signed(request, this.#partial(trick, request)));
    }
  }

  #partial(trick: Trick, request: PartialRequest): Uint8Array {
    switch (trick) {
      case "wrong partial":
        return this.#sign(request, this.#random.bytes(32));
      case "partial of another root":
        return this.#sign(request, this.#rootOfAnother(request));
      case "partial of another share": {
        const others = this.#committee.shares[this.#id - 1]!.filter(
          ({groupPublicKey}) => groupPublicKey !== request.key,
        );
        return signPartial(this.#random.pick(others).share.key, rootOf(request));
      }
      case "replayed partial": {
        const earlier = this.#random.pick(this.#gang.seen);
        return this.#sign(earlier);
      }
      case "malformed bytes":
        return this.#random.bytes(this.#random.pick([0, 1, 96, 191, 192, 193]));
      case "outside the subgroup":
        return this.#group.stray.outside();
      case "infinity":
        return this.#group.stray.infinity();
      default:
        return this.#sign(request);
    }
  }

  /** The newest root of the same key that is not this one: a double vote, when there is one to be had. */
  #rootOfAnother(request: PartialRequest): Uint8Array {
    const other = this.#gang.seen.findLast(
      (seen) => seen.key === request.key && seen.request.signingRoot !== request.request.signingRoot,
    );
    return other === undefined ? this.#random.bytes(32) : rootOf(other);
  }

  #sign({key, request}: PartialRequest, root = rootOf({request})): Uint8Array {
    const share = this.#committee.shares[this.#id - 1]!.find(({groupPublicKey}) => groupPublicKey === key);
    return share === undefined ? this.#random.bytes(192) : signPartial(share.share.key, root);
  }

  #signed({committeeHash}: PartialRequest, partial: Uint8Array): PartialReply & {committeeHash: RootHex} {
    return {kind: "signed", committeeHash, partial};
  }
}

/** The root that the coordinator named; a liar has no reason to compute another. */
function rootOf({request}: Pick<PartialRequest, "request">): Uint8Array {
  try {
    return fromHex(parseRootHex(request.signingRoot));
  } catch {
    return new Uint8Array(32);
  }
}
