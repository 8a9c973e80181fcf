import type {PeerIdText, PubkeyHex, RootHex} from "../core/bytes.js";
import type {Committee} from "../core/committee/committee.js";
import type {Preset} from "../core/duty/preset.js";
import {parseSignRequest} from "../core/duty/request-codec.js";
import {codeOf, PleiadesError, type ReasonCode} from "../core/errors.js";
import {claimOf} from "../core/ranking/claim.js";
import {REASONS} from "../core/reasons/index.js";
import type {Keeper} from "../ports/keeper.js";
import type {Logger} from "../ports/logger.js";
import type {Observer} from "../ports/observer.js";
import type {PartialReply, PartialRequest, Watermark} from "../ports/operator-link.js";
import type {PartialHandler} from "../ports/operator-server.js";
import type {VetoGate} from "../ports/veto.js";
import type {RankedRequests} from "./ranked-requests.js";

export interface OperatorNodeModules {
  readonly keeper: Pick<Keeper, "sign" | "watermarks">;
  readonly logger: Logger;
  readonly observer: Observer;
  /** Null when no plugin has a veto: the request is then not parsed here. */
  readonly veto: VetoGate | null;
  /** Where the requests of committees with several signers wait their turn; null: nobody waits. Default null. */
  readonly ranked?: RankedRequests | null;
}

export interface OperatorNodeOptions {
  /** The committees this operator belongs to; the same array for as long as nothing changed, so that it is indexed once. */
  readonly committees: () => readonly Committee[];
  /** For the typed request that a veto sees. */
  readonly preset: Preset;
}

/** What this operator knows about one key of one committee file. */
interface Entry {
  readonly committeeHash: RootHex;
  /** The rank of each coordinator: its place in the committee file. */
  readonly coordinators: ReadonlyMap<PeerIdText, number>;
}

type Refusal = Extract<PartialReply, {kind: "refused"}>;

/**
 * The operator's answer to an authenticated peer: is it a coordinator of that key's committee, does it hold the same
 * committee file, does no plugin object? Then the keeper, which trusts none of this, decides and signs.
 */
export class OperatorNode implements PartialHandler {
  readonly #modules: OperatorNodeModules;
  readonly #options: OperatorNodeOptions;
  #indexed: readonly Committee[] | null = null;
  #entries: ReadonlyMap<PubkeyHex, readonly Entry[]> = new Map();

  constructor(modules: OperatorNodeModules, options: OperatorNodeOptions) {
    this.#modules = modules;
    this.#options = options;
  }

  /**
   * A partial signature or a refusal; never rejects. Own codes: OPERATOR_UNKNOWN_KEY · OPERATOR_NOT_COORDINATOR ·
   * OPERATOR_COMMITTEE_MISMATCH · OPERATOR_OUTRANKED; with a veto its own and CODEC_*; the keeper's pass through.
   */
  async handle(peer: PeerIdText, request: PartialRequest, gone?: AbortSignal): Promise<PartialReply> {
    try {
      const refusal = this.#screen(peer, request);
      if (refusal !== null) return this.#refused(peer, request, refusal);
      const reply = await this.#inTurn(peer, request, gone);
      if (reply.kind === "refused" && NOT_THE_KEEPERS.has(reply.code)) return this.#refused(peer, request, reply);
      const {key, trace} = request;
      const outcome = reply.kind === "signed" ? "signed" : reply.code;
      this.#modules.logger.debug("answered a request", {peer, key, type: request.request.type, outcome, trace});
      return reply;
    } catch (error) {
      this.#modules.logger.error("answering a request failed", {
        peer,
        key: request.key,
        trace: request.trace,
        error: String(error),
      });
      return this.#refused(peer, request, {kind: "refused", code: codeOf(error), message: "internal error"});
    }
  }

  /** Of keys whose committee has this peer as a coordinator. @throws what the keeper's watermarks throw */
  async watermarks(peer: PeerIdText): Promise<readonly Watermark[]> {
    const all = await this.#modules.keeper.watermarks();
    const entries = this.#index();
    return all.filter(({key}) => entries.get(key)?.some(({coordinators}) => coordinators.has(peer)) === true);
  }

  /** Safety is the keeper's alone; this keeps two signers from getting a part of the operators each. */
  #inTurn(peer: PeerIdText, request: PartialRequest, gone: AbortSignal | undefined): Promise<PartialReply> {
    const {keeper, ranked = null} = this.#modules;
    const {key, committeeHash} = request;
    const entry = this.#index()
      .get(key)
      ?.find((known) => known.committeeHash === committeeHash);
    const claim =
      ranked === null || entry === undefined || entry.coordinators.size < 2 ? null : claimOf(request.request);
    if (ranked === null || claim === null) return keeper.sign(request);
    return ranked.request({key, claim, rank: entry!.coordinators.get(peer)!}, () => keeper.sign(request), gone);
  }

  #screen(peer: PeerIdText, request: PartialRequest): Refusal | null {
    const known = this.#index().get(request.key);
    if (known === undefined) return refuse("OPERATOR_UNKNOWN_KEY");
    const coordinated = known.filter(({coordinators}) => coordinators.has(peer));
    if (coordinated.length === 0) return refuse("OPERATOR_NOT_COORDINATOR");
    if (!coordinated.some(({committeeHash}) => committeeHash === request.committeeHash)) {
      return refuse("OPERATOR_COMMITTEE_MISMATCH");
    }
    return this.#veto(request);
  }

  #veto({key, request: wire}: PartialRequest): Refusal | null {
    const {veto} = this.#modules;
    if (veto === null) return null;
    try {
      const {request} = parseSignRequest(wire, this.#options.preset);
      const answer = veto({key, type: request.type, request});
      return answer.kind === "approve" ? null : {kind: "refused", code: answer.code, message: answer.message};
    } catch (error) {
      // Malformed for us is malformed for the keeper; anything else fails in handle and is refused there.
      if (!(error instanceof PleiadesError)) throw error;
      return {kind: "refused", code: error.code, message: error.message};
    }
  }

  #refused(peer: PeerIdText, {key, request, trace}: PartialRequest, refusal: Refusal): Refusal {
    const {logger, observer} = this.#modules;
    logger.debug("refused a request", {
      peer,
      key,
      type: request.type,
      code: refusal.code,
      reason: refusal.message,
      trace,
    });
    observer({kind: "operator-refused", peerId: peer, key, outcome: refusal.code});
    return refusal;
  }

  #index(): ReadonlyMap<PubkeyHex, readonly Entry[]> {
    const committees = this.#options.committees();
    if (committees !== this.#indexed) {
      this.#entries = indexOf(committees);
      this.#indexed = committees;
    }
    return this.#entries;
  }
}

/** A key stands in two committee files while its shares are being refreshed. */
function indexOf(committees: readonly Committee[]): ReadonlyMap<PubkeyHex, readonly Entry[]> {
  const entries = new Map<PubkeyHex, Entry[]>();
  for (const committee of committees) {
    const coordinators = new Map(committee.coordinators.map((peerId, rank) => [peerId, rank]));
    for (const {groupPublicKey, committeeHash} of committee.validators) {
      const entry = {committeeHash, coordinators};
      const known = entries.get(groupPublicKey);
      if (known === undefined) entries.set(groupPublicKey, [entry]);
      else known.push(entry);
    }
  }
  return entries;
}

/** Refusals of a request that was held, which is as if it had been refused before the keeper saw it. */
const NOT_THE_KEEPERS: ReadonlySet<ReasonCode> = new Set([
  "OPERATOR_OUTRANKED",
  "LINK_OVERLOADED",
  "LINK_DISCONNECTED",
]);

const refuse = (code: ReasonCode): Refusal => ({kind: "refused", code, message: REASONS[code].meaning});
