import {
  type PubkeyHex,
  parsePubkeyHex,
  parseRootHex,
  parseTraceId,
  type RootHex,
  rootHex,
  type TraceId,
} from "../core/bytes.js";
import {currentEpoch, type Network} from "../core/duty/network.js";
import {decidePolicy, type Permit, type PolicyConfig} from "../core/duty/policy.js";
import {parseSignRequest} from "../core/duty/request-codec.js";
import {priorityOf, type SignRequest, type SignType} from "../core/duty/sign-request.js";
import {computeSigningRoot} from "../core/duty/signing-root.js";
import {slashingSubject} from "../core/duty/slashing-subject.js";
import {codeOf, PleiadesError, type ReasonCode} from "../core/errors.js";
import {dutyEpoch} from "../core/handover/duty-epoch.js";
import {withdrawalSubject} from "../core/slashing/withdrawal.js";
import type {Clock} from "../ports/clock.js";
import type {KeeperKey} from "../ports/keeper.js";
import type {LogFields} from "../ports/logger.js";
import type {NextTurn} from "../ports/next-turn.js";
import type {PartialReply, Watermark} from "../ports/operator-link.js";
import type {SlashingStore} from "../ports/slashing-store.js";
import {Intake, urgencyOf} from "./intake.js";
import {type LoadedShare, type SigningPool, signPartial} from "./partial-signer.js";
import {SignQueue} from "./sign-queue.js";
import {SlashingGuard} from "./slashing-guard.js";
import type {TenureBook} from "./tenure-book.js";
import type {WithdrawalGuard} from "./withdrawal-guard.js";

/** A share this keeper signs with. */
export interface KeeperShare {
  readonly groupPublicKey: PubkeyHex;
  readonly committeeHash: RootHex;
  readonly share: LoadedShare;
}

/** Twice what an operator process lets wait: more comes from something else. */
const MAX_WAITING = 16_384;

export interface KeeperModules {
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly store: SlashingStore;
  /** Why nothing may be signed any more, when that was learnt outside of a decision. */
  readonly halted?: () => PleiadesError | null;
  /** Null, for keepers of duties alone, refuses deposits and changes of credentials. Default null. */
  readonly withdrawals?: Pick<WithdrawalGuard, "decide"> | null;
  /** Null, for keepers of keys that are never handed over, bounds no share. Default null. */
  readonly tenures?: Pick<TenureBook, "refusal" | "gate"> | null;
  /** Permits that came with keys, beside the policy's. */
  readonly granted?: () => readonly Permit[];
  /** Null signs in the main thread. */
  readonly pool: SigningPool | null;
  /** Told of each decision with its trace id; null when nobody reads it. */
  readonly onDecision?: ((fields: LogFields) => void) | null;
  /** Default: setImmediate. */
  readonly nextTurn?: NextTurn;
}

export interface KeeperOptions {
  readonly network: Network;
  readonly policy: PolicyConfig;
  readonly shares: readonly KeeperShare[];
  readonly signingThreads: number;
}

/** A reply, and what the operator's metrics want to know of it. */
export interface KeeperAnswer {
  readonly reply: PartialReply;
  readonly type: SignType | "unknown";
  readonly durationMs: number;
}

const refused = (code: ReasonCode, message: string): PartialReply => ({kind: "refused", code, message});

/**
 * What stands between a request and a partial signature: known key and committee, signing root from the keeper's own
 * network, policy by its own clock, then decide and record. The signature is made while the record is written, and leaves
 * when it is durable. The asker is trusted with nothing.
 */
export class SigningKeeper {
  readonly #clock: KeeperModules["clock"];
  readonly #store: SlashingStore;
  readonly #guard: SlashingGuard;
  readonly #withdrawals: Pick<WithdrawalGuard, "decide"> | null;
  readonly #halted: () => PleiadesError | null;
  readonly #pool: SigningPool | null;
  readonly #intake: Intake;
  readonly #queue: SignQueue;
  readonly #onDecision: ((fields: LogFields) => void) | null;
  readonly #policy: PolicyConfig;
  readonly #tenures: Pick<TenureBook, "refusal" | "gate"> | null;
  readonly #granted: () => readonly Permit[];
  /** More than one of a key while it is handed over. */
  #shares: ReadonlyMap<PubkeyHex, readonly KeeperShare[]>;
  #network: Network;
  #stopped: PleiadesError | null = null;
  #waiting = 0;

  constructor(
    {clock, store, withdrawals, tenures, granted, halted, pool, onDecision, nextTurn}: KeeperModules,
    {network, policy, shares, signingThreads}: KeeperOptions,
  ) {
    this.#clock = clock;
    this.#store = store;
    this.#guard = new SlashingGuard({store});
    this.#withdrawals = withdrawals ?? null;
    this.#tenures = tenures ?? null;
    this.#granted = granted ?? (() => []);
    this.#halted = halted ?? (() => null);
    this.#pool = pool;
    this.#intake = new Intake({clock, nextTurn});
    this.#queue = new SignQueue({nextTurn}, {concurrency: Math.max(1, signingThreads)});
    this.#onDecision = onDecision ?? null;
    this.#policy = policy;
    this.#shares = byKey(shares);
    // Without a network of its own (pleiades local) a keeper stays with the first chain it ever signed for.
    this.#network = {...network, genesisValidatorsRoot: network.genesisValidatorsRoot ?? store.genesisValidatorsRoot()};
  }

  /** Why nothing is signed any more; null while it is. */
  get stopped(): PleiadesError | null {
    this.#stopped ??= this.#halted();
    return this.#stopped;
  }

  /** The shares it signs with from now on; a request under way keeps the one it found. */
  setShares(shares: readonly KeeperShare[]): void {
    this.#shares = byKey(shares);
  }

  shares(): readonly KeeperShare[] {
    return [...this.#shares.values()].flat();
  }

  /** How many keys it signs with. */
  get size(): number {
    return this.#shares.size;
  }

  /** Requests that came in and are not answered yet. */
  get queued(): number {
    return this.#waiting;
  }

  /** Never rejects: everything that goes wrong is a refusal with a code. */
  async sign(item: unknown): Promise<KeeperAnswer> {
    const startedAt = this.#clock.monotonic();
    if (this.#waiting >= MAX_WAITING) {
      return {reply: refused("KEEPER_OVERLOADED", `${MAX_WAITING} requests wait`), type: "unknown", durationMs: 0};
    }
    this.#waiting++;
    let type: KeeperAnswer["type"] = "unknown";
    let reply: PartialReply;
    try {
      reply = await this.#decideAndSign(item, (known) => {
        type = known;
      });
    } catch (error) {
      reply = this.#refusal(error);
    } finally {
      this.#waiting--;
    }
    const durationMs = this.#clock.monotonic() - startedAt;
    if (this.#onDecision !== null) {
      const outcome = reply.kind === "signed" ? "signed" : reply.code;
      this.#onDecision({trace: traceOf(item), type, outcome, durationMs});
    }
    return {reply, type, durationMs};
  }

  async #decideAndSign(item: unknown, onType: (type: SignType) => void): Promise<PartialReply> {
    const {key: rawKey, committeeHash: rawHash, request: rawRequest} = Object(item) as {[key: string]: unknown};
    await this.#intake.turn(urgencyOf(rawRequest));
    if (this.stopped !== null) throw this.stopped;
    const key = parsePubkeyHex(rawKey);
    const held = this.#shares.get(key);
    if (held === undefined) return refused("KEEPER_UNKNOWN_KEY", `no share of ${key}`);
    const committeeHash = parseRootHex(rawHash, "committee hash");
    const share = held.find((one) => one.committeeHash === committeeHash);
    if (share === undefined) {
      const known = held.map((one) => one.committeeHash).join(" or ");
      return refused("KEEPER_COMMITTEE_MISMATCH", `this share belongs to ${known}`);
    }
    const {request, claimedRoot} = parseSignRequest(rawRequest, this.#network.preset);
    onType(request.type);
    const {signingRoot, objectRoot} = computeSigningRoot(request, this.#network);
    const computed = rootHex(signingRoot);
    if (claimedRoot !== null && claimedRoot !== computed) {
      throw new PleiadesError({code: "CODEC_ROOT_MISMATCH", claimed: claimedRoot, computed});
    }
    const nowMs = this.#clock.now();
    const moment = {epoch: dutyEpoch(request, this.#network.preset), now: currentEpoch(this.#network, nowMs)};
    const name = {key, committeeHash};
    const over = this.#tenures?.refusal(name, moment) ?? null;
    if (over !== null) return refused(over, moment.epoch === null ? request.type : `epoch ${moment.epoch}`);
    const [policy, permits] = [this.#policy, this.#granted()];
    const decision = decidePolicy({key, request, objectRoot, network: this.#network, nowMs, policy, permits});
    const withdrawal = withdrawalSubject(request);
    // What a key's ceremony recorded may take a permit's place, and forbids what a permit allows.
    const open = withdrawal !== null && decision.kind === "deny" && decision.code === "POLICY_NOT_PERMITTED";
    if (decision.kind === "deny" && !open) return refused(decision.code, decision.detail);
    if (this.#network.genesisValidatorsRoot === null) await this.#pinChain(request);
    const sign = (): Promise<Uint8Array> =>
      this.#queue.add(priorityOf(request.type), () => this.#signRoot(share.share, signingRoot));
    const subject = slashingSubject(request);
    let partial: Uint8Array;
    if (withdrawal !== null) {
      const permitted = decision.kind === "approve";
      const answer = await this.#withdrawals?.decide(key, withdrawal, permitted, sign);
      if (answer === undefined) return refused("POLICY_NOT_PERMITTED", "nothing here records withdrawal credentials");
      if (answer.code !== null) {
        const detail = decision.kind === "deny" && answer.code === decision.code ? decision.detail : withdrawal.kind;
        return refused(answer.code, detail);
      }
      partial = answer.signed;
    } else if (subject === null) partial = await sign();
    else {
      // Asked again where it is recorded: its time may end, or begin, while this waits.
      const gate = this.#tenures?.gate(name, moment) ?? null;
      const answer = await this.#guard.decide(key, subject, computed, sign, gate);
      if (answer.answer === "deny") return refused(answer.code, describe(subject));
      partial = answer.signed;
    }
    // A commit that failed meanwhile says nothing about this record, but it says that this disk cannot be trusted.
    if (this.stopped !== null) throw this.stopped;
    return {kind: "signed", committeeHash: share.committeeHash, partial};
  }

  #signRoot(share: LoadedShare, signingRoot: Uint8Array): Uint8Array | Promise<Uint8Array> {
    // A signature without company is faster here than over to a thread and back.
    const elsewhere = this.#queue.size === 0 ? null : this.#pool?.sign(share, signingRoot);
    return elsewhere ?? signPartial(share.key, signingRoot);
  }

  /** The first request that passes the policy decides the chain, durably, before anything is signed. */
  async #pinChain({forkInfo}: SignRequest): Promise<void> {
    if (forkInfo === null) return;
    await this.#store.pinGenesisValidatorsRoot(forkInfo.genesisValidatorsRoot);
    this.#network = {...this.#network, genesisValidatorsRoot: forkInfo.genesisValidatorsRoot};
  }

  #refusal(error: unknown): PartialReply {
    const code = codeOf(error);
    // A store that failed ends signing for good; a bad request ends only itself.
    if (STOPPING.has(code) && error instanceof PleiadesError) this.#stopped ??= error;
    return refused(code, error instanceof PleiadesError ? error.message : "internal error");
  }

  async keys(): Promise<KeeperKey[]> {
    const records = await this.#store.readAll();
    const now = currentEpoch(this.#network, this.#clock.now());
    return [...this.#shares].map(([groupPublicKey, held]) => {
      const names = held.map(({committeeHash}) => ({key: groupPublicKey, committeeHash}));
      const signing = names.find((name) => (this.#tenures?.refusal(name, {epoch: now, now}) ?? null) === null);
      const {committeeHash} = signing ?? names[0]!;
      return {groupPublicKey, committeeHash, disabled: records.get(groupPublicKey)?.disabled ?? true};
    });
  }

  async watermarks(): Promise<Watermark[]> {
    const records = await this.#store.readAll();
    return [...this.#shares.keys()].map((key) => {
      const record = records.get(key);
      return {key, slot: record?.block?.slot ?? null, epoch: record?.attestation?.target ?? null};
    });
  }
}

function byKey(shares: readonly KeeperShare[]): ReadonlyMap<PubkeyHex, readonly KeeperShare[]> {
  const found = new Map<PubkeyHex, readonly KeeperShare[]>();
  for (const share of shares) found.set(share.groupPublicKey, [...(found.get(share.groupPublicKey) ?? []), share]);
  return found;
}

const traceOf = (item: unknown): TraceId | undefined =>
  parseTraceId((Object(item) as {readonly trace?: unknown}).trace) ?? undefined;

const STOPPING: ReadonlySet<ReasonCode> = new Set(["SLASHING_STORE_FAILED", "SLASHING_STORE_CORRUPT"]);

const describe = (subject: NonNullable<ReturnType<typeof slashingSubject>>): string =>
  subject.kind === "block" ? `slot ${subject.slot}` : `source ${subject.source}, target ${subject.target}`;
