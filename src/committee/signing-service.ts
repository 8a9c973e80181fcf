import type {PeerIdText, PubkeyHex, RootHex, SignatureHex, TraceId} from "../core/bytes.js";
import type {Committee} from "../core/committee/committee.js";
import {priorityOf, type SignRequest, type WireRequest} from "../core/duty/sign-request.js";
import {codeOf, PleiadesError} from "../core/errors.js";
import {REASONS} from "../core/reasons/index.js";
import type {BlsGroup} from "../core/threshold/bls.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import type {Observer} from "../ports/observer.js";
import type {OperatorLink, Watermark} from "../ports/operator-link.js";
import type {CommitteeHealth, SigningService} from "../ports/signing-service.js";
import {CommitteeDirectory, type DirectoryEntry} from "./committee-directory.js";
import {Flight, type FlightModules, type Signed, type VerifySignature} from "./flight.js";
import {HedgeBudget} from "./hedging.js";
import {OperatorHealth} from "./operator-health.js";
import {SignatureCache} from "./signature-cache.js";
import {turnOf} from "./turn.js";

export interface CommitteeSigningModules {
  readonly link: Pick<OperatorLink, "requestPartial" | "watermarks" | "peers" | "setPeers">;
  readonly clock: Pick<Clock, "monotonic" | "after">;
  readonly logger: Logger;
  readonly observer: Observer;
  readonly bls: BlsGroup;
  /** The request as operators get it: toWire of core/duty/request-codec with this process's preset. */
  readonly toWire: (request: SignRequest) => WireRequest;
  /** Verifies combined signatures; default: one at a time on this thread. @see BatchVerifier */
  readonly verify?: VerifySignature;
}

export interface CommitteeSigningOptions {
  readonly committees: readonly Committee[];
  /**
   * Milliseconds after which the operators that were not asked at first are asked too. "adaptive" (the default) takes
   * the smoothed latency and four deviations of the slowest chosen operator, between 25 and 500 ms.
   */
  readonly hedgeDelayMs?: number | "adaptive";
  /** Milliseconds an operator has for one answer before it has missed that deadline. Default 1000. */
  readonly operatorDeadlineMs?: number;
  /** Deadlines missed in a row from which an operator counts as down. Default 3. */
  readonly downAfterMisses?: number;
  /** Milliseconds after which an operator that is never chosen is asked besides the others. Default 5000. */
  readonly probeIntervalMs?: number;
  /** This signer's own peer id, by which it knows its rank among several. Default: it is the only one. */
  readonly self?: PeerIdText | null;
  /** Milliseconds that operators wait between the ranks of several signers. Default 500. */
  readonly signerDelayMs?: number;
  /** Signatures kept for repeats. Default 32,768: about 16 MB, more than an epoch's requests of 10,000 validators. */
  readonly cachedSignatures?: number;
}

/** The coordinator: turns one request into t partial signatures and those into one verified signature. */
export class CommitteeSigningService implements SigningService {
  readonly #modules: CommitteeSigningModules;
  readonly #flightModules: FlightModules;
  readonly #options: Required<Omit<CommitteeSigningOptions, "committees">>;
  readonly #health: OperatorHealth;
  readonly #signed: SignatureCache;
  readonly #flights = new Map<string, Flight>();
  #directory: CommitteeDirectory;

  /** Tells the link which peers to keep. @throws COMMITTEE_DUPLICATE_KEY */
  constructor(modules: CommitteeSigningModules, {committees, ...options}: CommitteeSigningOptions) {
    this.#modules = modules;
    this.#options = {
      hedgeDelayMs: "adaptive",
      operatorDeadlineMs: 1000,
      downAfterMisses: 3,
      probeIntervalMs: 5000,
      self: null,
      signerDelayMs: 500,
      cachedSignatures: 32_768,
      ...options,
    };
    this.#health = new OperatorHealth(modules, this.#options);
    this.#signed = new SignatureCache(this.#options.cachedSignatures);
    this.#flightModules = {
      ...modules,
      health: this.#health,
      hedges: new HedgeBudget(),
      verify: modules.verify ?? ((message, key, signature) => modules.bls.verify(message, key, signature)),
    };
    this.#directory = new CommitteeDirectory(committees, modules.bls);
    modules.link.setPeers(this.#directory.operators);
  }

  /**
   * Replaces all committees; requests under way finish with the one they began with, and what is known of the operators
   * is kept. @throws COMMITTEE_DUPLICATE_KEY, and then nothing has changed
   */
  setCommittees(committees: readonly Committee[]): void {
    this.#directory = new CommitteeDirectory(committees, this.#modules.bls);
    this.#modules.link.setPeers(this.#directory.operators);
  }

  async sign(
    key: PubkeyHex,
    request: SignRequest,
    signingRoot: RootHex,
    signal: AbortSignal,
    trace?: TraceId,
  ): Promise<SignatureHex> {
    const {clock, observer} = this.#modules;
    const started = clock.monotonic();
    const finished = {kind: "request-finished", type: request.type, key} as const;
    try {
      const {signature, signers, replayed} = await this.#answer(key, request, signingRoot, signal, trace);
      observer({...finished, outcome: "ok", durationMs: clock.monotonic() - started, signers, replayed});
      return signature;
    } catch (error) {
      const outcome = codeOf(error);
      observer({...finished, outcome, durationMs: clock.monotonic() - started, signers: [], replayed: false});
      throw error;
    }
  }

  async #answer(
    key: PubkeyHex,
    request: SignRequest,
    signingRoot: RootHex,
    signal: AbortSignal,
    trace: TraceId | undefined,
  ): Promise<Signed & {replayed: boolean}> {
    const [newest, ...older] = this.#directory.find(key);
    const known = this.#signed.get(key, signingRoot);
    if (known !== undefined) return {signature: known, signers: [], replayed: true};
    if (signal.aborted) throw notAsked(newest, signingRoot);
    const asked = {request, signingRoot, trace};
    if (older.length === 0) return this.#ask(newest, asked, signal);
    // While a key is handed over its keepers know which generation signs this; the others of them refuse.
    const answers = [newest, ...older].map((entry) => this.#ask(entry, asked, signal));
    try {
      return await Promise.any(answers);
    } catch {
      return answers[0]!;
    }
  }

  async #ask(
    entry: DirectoryEntry,
    {request, signingRoot, trace}: {request: SignRequest; signingRoot: RootHex; trace: TraceId | undefined},
    signal: AbortSignal,
  ): Promise<Signed & {replayed: boolean}> {
    // The committee's hash names the key too; a request that comes after a reload does not join one from before.
    const id = entry.validator.committeeHash + signingRoot;
    const flight = this.#flights.get(id);
    if (flight === undefined) {
      const started = this.#start(id, entry, {request, signingRoot, trace});
      return {...(await started.join(signal)), replayed: false};
    }
    const {signature} = await flight.join(signal);
    return {signature, signers: [], replayed: true};
  }

  #start(
    id: string,
    entry: DirectoryEntry,
    {request, signingRoot, trace}: {request: SignRequest; signingRoot: RootHex; trace: TraceId | undefined},
  ): Flight {
    const {committeeHash, groupPublicKey: key} = entry.validator;
    const forget = (): void => {
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
    };
    const flight = new Flight(this.#flightModules, this.#options, {
      entry,
      request: {
        key,
        committeeHash,
        priority: priorityOf(request.type),
        // With our root, an operator that computes another one can refuse; without it, its partial would look like a lie.
        request: {...this.#modules.toWire(request), signingRoot},
        ...(trace === undefined ? {} : {trace}),
      },
      signingRoot,
      turn: turnOf(entry.committee, request.type, this.#options),
      onAbandoned: forget,
    });
    this.#flights.set(id, flight);
    flight.done.then(({signature}) => this.#signed.set(key, signingRoot, signature)).then(forget, forget);
    return flight;
  }

  publicKeys(): readonly PubkeyHex[] {
    return this.#directory.publicKeys;
  }

  async highWatermark(signal: AbortSignal): Promise<{slot: bigint | null; epoch: bigint | null}> {
    const {link, clock} = this.#modules;
    const directory = this.#directory;
    const deadline = new AbortController();
    const cancel = clock.after(this.#options.operatorDeadlineMs, () => deadline.abort());
    const limit = AbortSignal.any([signal, deadline.signal]);
    const asked = directory.operators.map(({peerId}) => link.watermarks(peerId, limit));
    const answers = await Promise.allSettled(asked);
    cancel();
    const own = answers
      .flatMap((answer): readonly Watermark[] => (answer.status === "fulfilled" ? answer.value : []))
      .filter(({key}) => directory.has(key));
    return {slot: highest(own.map(({slot}) => slot)), epoch: highest(own.map(({epoch}) => epoch))};
  }

  health(): readonly CommitteeHealth[] {
    const peers = new Map(this.#modules.link.peers().map((peer) => [peer.peerId, peer]));
    const connected = this.#health.connectedPeers();
    return this.#directory.committees.map((committee) => {
      const operators = committee.operators.map(({id, peerId}) => {
        const {convicted, latencyMs, consecutiveMisses} = this.#health.standing(peerId);
        return {
          ...(peers.get(peerId) ?? {...NEVER_MET, peerId}),
          operatorId: id,
          // A convict that answers is still of use, but nobody should call it healthy.
          healthy: this.#health.isHealthy(peerId, connected),
          convicted,
          latencyMs,
          consecutiveMisses,
        };
      });
      return {
        keys: committee.validators.length,
        n: operators.length,
        threshold: committee.threshold,
        healthyOperators: operators.filter(({healthy}) => healthy).length,
        operators,
      };
    });
  }
}

const NEVER_MET = {connected: false, software: null, roundTripMs: null, clockOffsetMs: null, stopCode: null} as const;

const highest = (values: readonly (bigint | null)[]): bigint | null =>
  values.reduce((max, value) => (value !== null && (max === null || value > max) ? value : max), null);

/** For a request whose deadline had passed before anybody was asked. */
function notAsked({committee, validator}: DirectoryEntry, signingRoot: RootHex): PleiadesError {
  const code = "COMMITTEE_NOT_ASKED";
  const operators = committee.operators.map(({id}) => ({operatorId: id, code, message: REASONS[code].meaning}));
  return new PleiadesError({code: "COMMITTEE_TIMEOUT", key: validator.groupPublicKey, signingRoot, operators});
}
