import {type PeerIdText, type PubkeyHex, type RootHex, signatureHex, type TraceId} from "../core/bytes.js";
import type {Committee, CommitteeOperator} from "../core/committee/committee.js";
import {priorityOf, type SignRequest, type WireRequest} from "../core/duty/sign-request.js";
import {codeOf, PleiadesError, type ReasonCode} from "../core/errors.js";
import {claimOf} from "../core/ranking/claim.js";
import {REASONS} from "../core/reasons/index.js";
import type {BlsGroup} from "../core/threshold/bls.js";
import {liftPartial, type Quorum} from "../core/threshold/combine.js";
import type {
  DistributedAccount,
  DistributedParticipant,
  PlainReply,
  ProfileCoordinator,
} from "../ports/distributed-participant.js";
import type {Keeper} from "../ports/keeper.js";
import type {Logger} from "../ports/logger.js";
import type {Observer} from "../ports/observer.js";
import type {PartialReply, PartialRequest} from "../ports/operator-link.js";
import type {VetoGate} from "../ports/veto.js";
import type {RankedRequests} from "./ranked-requests.js";

type Refusal = Extract<PlainReply, {kind: "refused"}>;

export interface DistributedNodeModules {
  readonly keeper: Pick<Keeper, "sign" | "keys">;
  readonly bls: Pick<BlsGroup, "signatures">;
  readonly toWire: (request: SignRequest) => WireRequest;
  readonly logger: Logger;
  readonly observer: Observer;
  readonly veto: VetoGate | null;
  /** Shared with the node that answers over libp2p; null: nobody waits. Default null. */
  readonly ranked?: RankedRequests | null;
}

export interface DistributedNodeOptions {
  readonly self: PeerIdText;
  /** The committees this operator belongs to; the same array for as long as nothing changed. */
  readonly committees: () => readonly Committee[];
  /** https origins of the participants, by peer id. */
  readonly endpoints: ReadonlyMap<PeerIdText, string>;
}

/** One share of this operator and what the profile says about it. */
interface Holding {
  readonly committeeHash: RootHex;
  readonly operator: CommitteeOperator;
  readonly quorum: Quorum;
  readonly publicKey: PubkeyHex;
  readonly operators: readonly CommitteeOperator[];
  /** Coordinators of the committee file. */
  readonly signers: number;
}

/**
 * The operator as a participant of the standard's distributed profile: may this coordinator use this key, does no plugin
 * object? Then the keeper, which trusts none of this, decides, records and signs as it does for every coordinator.
 *
 * The keeper signs with the scaled share, always. The plain partial signature that the profile asks for is Δ times that,
 * computed here from public values: there is no second way to a signature, and no second key in memory.
 */
export class DistributedNode implements DistributedParticipant {
  readonly #modules: DistributedNodeModules;
  readonly #options: DistributedNodeOptions;
  #held: ReadonlyMap<PubkeyHex, RootHex> = new Map();
  #indexed: {readonly committees: readonly Committee[]; readonly held: ReadonlyMap<PubkeyHex, RootHex>} | null = null;
  #holdings: ReadonlyMap<PubkeyHex, Holding> = new Map();

  constructor(modules: DistributedNodeModules, options: DistributedNodeOptions) {
    this.#modules = modules;
    this.#options = options;
  }

  /** Asks the keeper which shares it holds: of a key that stands in two committee files it holds one. */
  async refresh(): Promise<void> {
    const keys = await this.#modules.keeper.keys();
    this.#held = new Map(keys.map(({groupPublicKey, committeeHash}) => [groupPublicKey, committeeHash]));
    const unknown = new Set([...this.#index().values()].flatMap((holding) => this.#withoutEndpoint(holding)));
    if (unknown.size === 0) return;
    this.#modules.logger.warn("accounts of these participants are not listed: their https origins are not configured", {
      code: "DISTRIBUTED_ENDPOINTS",
      peers: [...unknown],
    });
  }

  accounts(coordinator: ProfileCoordinator): readonly DistributedAccount[] {
    return [...this.#index()]
      .filter(([key, holding]) => isAllowed(coordinator, key) && this.#withoutEndpoint(holding).length === 0)
      .map(([key, holding]) => this.#describe(key, holding));
  }

  account(coordinator: ProfileCoordinator, key: PubkeyHex): DistributedAccount {
    const found = this.#find(coordinator, key);
    if ("kind" in found) throw new PleiadesError({code: found.code, key});
    const unknown = this.#withoutEndpoint(found);
    if (unknown.length > 0) throw new PleiadesError({code: "DISTRIBUTED_ENDPOINTS", key, peers: unknown.join(", ")});
    return this.#describe(key, found);
  }

  async sign(
    coordinator: ProfileCoordinator,
    key: PubkeyHex,
    request: SignRequest,
    signingRoot: RootHex,
    {gone, trace}: {readonly gone?: AbortSignal; readonly trace?: TraceId} = {},
  ): Promise<PlainReply> {
    try {
      const holding = this.#find(coordinator, key);
      if ("kind" in holding) return this.#refused(coordinator, key, holding);
      const vetoed = this.#veto(key, request);
      if (vetoed !== null) return this.#refused(coordinator, key, vetoed);
      const partial: PartialRequest = {
        key,
        committeeHash: holding.committeeHash,
        priority: priorityOf(request.type),
        // What is told as the signing root is what was signed: the keeper refuses when it computes another one.
        request: {...this.#modules.toWire(request), signingRoot},
        ...(trace === undefined ? {} : {trace}),
      };
      const reply = this.#plain(holding, await this.#inTurn(coordinator, holding, partial, gone));
      const outcome = reply.kind === "signed" ? "signed" : reply.code;
      const {type} = request;
      this.#modules.logger.debug("answered a request", {coordinator: coordinator.name, key, type, outcome, trace});
      return reply;
    } catch (error) {
      const {logger} = this.#modules;
      logger.error("answering a request failed", {coordinator: coordinator.name, key, trace, error: String(error)});
      return this.#refused(coordinator, key, {kind: "refused", code: codeOf(error), message: "internal error"});
    }
  }

  /** As for signers over libp2p, and among them: see OperatorNode. */
  #inTurn(
    {rank, place}: ProfileCoordinator,
    {signers}: Holding,
    request: PartialRequest,
    gone: AbortSignal | undefined,
  ): Promise<PartialReply> {
    const {keeper, ranked = null} = this.#modules;
    const claim = ranked === null ? null : claimOf(request.request);
    if (ranked === null || claim === null) return keeper.sign(request);
    const own = rank ?? signers + place;
    return ranked.request({key: request.key, claim, rank: own}, () => keeper.sign(request), gone);
  }

  #plain({operator, quorum}: Holding, reply: PartialReply): PlainReply {
    if (reply.kind === "refused") return reply;
    const {signatures} = this.#modules.bls;
    const plain = liftPartial({signatures}, quorum, signatures.load(reply.partial, "curve"));
    return {kind: "signed", participantId: operator.id, signature: signatureHex(signatures.bytes(plain))};
  }

  #find(coordinator: ProfileCoordinator, key: PubkeyHex): Holding | Refusal {
    // Permission first: who may not use a key is not told whether it is here.
    if (!isAllowed(coordinator, key)) return refuse("DISTRIBUTED_KEY_NOT_ALLOWED");
    return this.#index().get(key) ?? refuse("DISTRIBUTED_UNKNOWN_KEY");
  }

  #veto(key: PubkeyHex, request: SignRequest): Refusal | null {
    const {veto} = this.#modules;
    if (veto === null) return null;
    const answer = veto({key, type: request.type, request});
    return answer.kind === "approve" ? null : {kind: "refused", code: answer.code, message: answer.message};
  }

  #refused({name}: ProfileCoordinator, key: PubkeyHex, refusal: Refusal): Refusal {
    const {logger, observer} = this.#modules;
    logger.debug("refused a request", {coordinator: name, key, code: refusal.code, reason: refusal.message});
    observer({kind: "profile-refused", coordinator: name, key, outcome: refusal.code});
    return refusal;
  }

  #describe(key: PubkeyHex, {operator, quorum, publicKey, operators}: Holding): DistributedAccount {
    return {
      participantId: operator.id,
      publicKey,
      compositePublicKey: key,
      threshold: quorum.t,
      participants: operators.map(({id, peerId}) => ({id, endpoint: this.#options.endpoints.get(peerId)!})),
    };
  }

  #withoutEndpoint({operators}: Holding): PeerIdText[] {
    return operators.map(({peerId}) => peerId).filter((peerId) => !this.#options.endpoints.has(peerId));
  }

  #index(): ReadonlyMap<PubkeyHex, Holding> {
    const committees = this.#options.committees();
    const held = this.#held;
    if (this.#indexed?.committees !== committees || this.#indexed.held !== held) {
      this.#holdings = holdingsOf(committees, held, this.#options.self);
      this.#indexed = {committees, held};
    }
    return this.#holdings;
  }
}

function holdingsOf(
  committees: readonly Committee[],
  held: ReadonlyMap<PubkeyHex, RootHex>,
  self: PeerIdText,
): ReadonlyMap<PubkeyHex, Holding> {
  const holdings = new Map<PubkeyHex, Holding>();
  for (const {operators, threshold, validators, coordinators} of committees) {
    const operator = operators.find(({peerId}) => peerId === self);
    if (operator === undefined) continue;
    for (const {groupPublicKey, sharePublicKeys, committeeHash} of validators) {
      if (held.get(groupPublicKey) !== committeeHash) continue;
      const publicKey = sharePublicKeys[operator.id - 1]!;
      const quorum = {n: operators.length, t: threshold};
      holdings.set(groupPublicKey, {
        committeeHash,
        operator,
        quorum,
        publicKey,
        operators,
        signers: coordinators.length,
      });
    }
  }
  return holdings;
}

const isAllowed = ({keys}: ProfileCoordinator, key: PubkeyHex): boolean => keys === "all" || keys.has(key);
const refuse = (code: ReasonCode): Refusal => ({kind: "refused", code, message: REASONS[code].meaning});
