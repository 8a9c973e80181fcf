import type {SecureContextOptions} from "node:tls";
import {fromHex, type PeerIdText, type PubkeyHex, type RootHex} from "../../../core/bytes.js";
import {codeOf, PleiadesError} from "../../../core/errors.js";
import type {BlsGroup, SignaturePoint} from "../../../core/threshold/bls.js";
import {type Quorum, scalePartial} from "../../../core/threshold/combine.js";
import type {Clock} from "../../../ports/clock.js";
import type {Logger} from "../../../ports/logger.js";
import type {Observer} from "../../../ports/observer.js";
import type {PartialReply, PartialRequest, PeerStatus} from "../../../ports/operator-link.js";
import {backoffMs} from "../backoff.js";
import {HANDSHAKE_MS, MAX_ITEM_BYTES, MAX_OUTSTANDING, PING_INTERVAL_MS, SILENCE_MS} from "../limits.js";
import {itemRefusal, parseAccount, parsePartialAnswer, refusalOf} from "./answers.js";
import {groupForBatches, type Waiting} from "./batch.js";
import {ProfileClient, type ProfileResponse} from "./client.js";

/** What the committee file says about one participant and one key. */
export interface ParticipantShare {
  readonly key: PubkeyHex;
  readonly committeeHash: RootHex;
  readonly participantId: number;
  readonly sharePublicKey: PubkeyHex;
  readonly quorum: Quorum;
}

export interface ParticipantModules {
  readonly bls: Pick<BlsGroup, "signatures">;
  readonly uncompressed: (point: SignaturePoint) => Uint8Array;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: Observer;
  readonly random: () => number;
}

export interface ParticipantOptions {
  readonly peerId: PeerIdText;
  readonly origin: string;
  readonly context: SecureContextOptions;
  /** Its shares by the committee files of this moment. */
  readonly shares: () => ReadonlyMap<RootHex, ParticipantShare>;
}

const PREFIX = "/api/v1/eth2/distributed";
const INFINITY_FLAG = 0x40;

/**
 * One participant of the distributed profile. HTTP has no connection that could be seen to be up, so the account of its
 * first key is asked for every few seconds: it is connected while that answers, and says what the committee file says.
 */
export class ProfileParticipant {
  readonly peerId: PeerIdText;
  readonly origin: string;
  readonly #modules: ParticipantModules;
  readonly #options: ParticipantOptions;
  readonly #client: ProfileClient;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<void>;
  #connected = false;
  #lastCode: string | null = null;
  #outbox: Waiting[] = [];
  #outstanding = 0;
  #lost = new Set<(error: Error) => void>();
  #wake: () => void = () => {};

  constructor(modules: ParticipantModules, options: ParticipantOptions) {
    this.peerId = options.peerId;
    this.origin = options.origin;
    this.#modules = {...modules, logger: modules.logger.child({peer: options.peerId, origin: options.origin})};
    this.#options = options;
    this.#client = new ProfileClient(options.origin, options.context);
    this.#stopped = this.#run();
  }

  status(): PeerStatus {
    const software = this.#connected ? "distributed profile" : null;
    // The profile says neither what time it is nor why a participant does not sign.
    const unknown = {roundTripMs: null, clockOffsetMs: null, stopCode: null};
    return {peerId: this.peerId, connected: this.#connected, software, ...unknown};
  }

  close(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    this.#disconnect(new PleiadesError({code: "LINK_CLOSED"}));
    this.#client.close();
    return this.#stopped;
  }

  /** A reply in the form our own operators give, scaled. Errors as of the port. */
  requestPartial(request: PartialRequest, json: string, signal: AbortSignal): Promise<PartialReply> {
    if (signal.aborted) return Promise.reject(new PleiadesError({code: "LINK_ABORTED"}));
    if (!this.#connected) return Promise.reject(this.#disconnected());
    if (this.#outstanding >= MAX_OUTSTANDING) return Promise.reject(new PleiadesError({code: "LINK_OVERLOADED"}));
    if (json.length > MAX_ITEM_BYTES) {
      return Promise.reject(new PleiadesError({code: "LINK_TOO_LARGE", bytes: json.length}));
    }
    return new Promise((resolve, reject) => {
      const settle = (outcome: PartialReply | Error): void => {
        if (!waiting.open) return;
        waiting.open = false;
        this.#outstanding--;
        signal.removeEventListener("abort", onAbort);
        this.#lost.delete(settle);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      const waiting: Waiting = {request, json, settle, open: true};
      const onAbort = (): void => settle(new PleiadesError({code: "LINK_ABORTED"}));
      signal.addEventListener("abort", onAbort, {once: true});
      this.#lost.add(settle);
      this.#outstanding++;
      this.#outbox.push(waiting);
      // Not at once: what comes in the same turn may travel together.
      if (this.#outbox.length === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const waiting = this.#outbox.filter(({open}) => open);
    this.#outbox = [];
    for (const group of groupForBatches(waiting)) void this.#send(group);
  }

  async #send(group: readonly Waiting[]): Promise<void> {
    try {
      const [first] = group;
      if (first === undefined) return;
      if (group.length === 1) {
        const response = await this.#ask(`${PREFIX}/sign/${first.request.key}`, first.json, SILENCE_MS);
        first.settle(response.status === 200 ? this.#read(first, response.body) : refusalOf(response));
        return;
      }
      const identifiers = JSON.stringify(group.map(({request}) => request.key));
      const json = `{"identifiers":${identifiers},"signing_request":${first.json}}`;
      this.#settleBatch(group, await this.#ask(`${PREFIX}/sign`, json, SILENCE_MS));
    } catch (error) {
      const lost = error instanceof Error ? error : new Error(String(error));
      for (const {settle} of group) settle(codeOf(error) === "LINK_BAD_REPLY" ? badReply(error) : lost);
      if (codeOf(error) !== "LINK_BAD_REPLY") this.#disconnect(error);
    }
  }

  /** One result for each, in order; a batch that is refused as a whole refuses each. */
  #settleBatch(group: readonly Waiting[], response: ProfileResponse): void {
    if (response.status !== 200) {
      for (const {settle} of group) settle(refusalOf(response));
      return;
    }
    const results = Array.isArray(response.body) ? (response.body as unknown[]) : [];
    const matches = results.length === group.length;
    for (const [i, one] of group.entries()) one.settle(matches ? this.#readItem(one, results[i]) : badReply("length"));
  }

  #readItem(waiting: Waiting, raw: unknown): PartialReply {
    const {identifier, error} = Object(raw) as {identifier?: unknown; error?: unknown};
    if (String(identifier).toLowerCase() !== waiting.request.key) return badReply("another identifier");
    try {
      return error === undefined ? this.#read(waiting, raw) : itemRefusal(error);
    } catch (bad) {
      return badReply(bad);
    }
  }

  /** The plain partial of an answer, scaled, so that it combines with everybody else's; a bad one is a refusal. */
  #read({request}: Waiting, raw: unknown): PartialReply {
    try {
      const share = this.#options.shares().get(request.committeeHash);
      if (share === undefined) return badReply("the committee file is gone");
      const {signingRoot} = request.request;
      const expected = {
        participantId: share.participantId,
        signingRoot: typeof signingRoot === "string" ? signingRoot : null,
      };
      const plain = fromHex(parsePartialAnswer(raw, expected));
      if ((plain[0]! & INFINITY_FLAG) !== 0) return badReply("infinity");
      const {bls, uncompressed} = this.#modules;
      const partial = uncompressed(scalePartial(bls, share.quorum, bls.signatures.load(plain, "curve")));
      return {kind: "signed", committeeHash: request.committeeHash, partial};
    } catch (error) {
      return badReply(error);
    }
  }

  async #ask(path: string, json: string | null, withinMs: number): Promise<ProfileResponse> {
    const late = new AbortController();
    const cancel = this.#modules.clock.after(withinMs, () => late.abort(new PleiadesError({code: "LINK_SILENT"})));
    try {
      return await this.#client.ask(path, json, AbortSignal.any([late.signal, this.#stop.signal]));
    } catch (error) {
      throw late.signal.aborted ? late.signal.reason : error;
    } finally {
      cancel();
    }
  }

  async #run(): Promise<void> {
    const {clock, random} = this.#modules;
    for (let attempt = 0; !this.#stop.signal.aborted; ) {
      await this.#probe();
      attempt = this.#connected ? 0 : attempt + 1;
      const pause = this.#connected ? PING_INTERVAL_MS : backoffMs(attempt, random());
      await new Promise<void>((resolve) => {
        const cancel = clock.after(pause, resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
        if (this.#stop.signal.aborted) this.#wake();
      });
    }
  }

  async #probe(): Promise<void> {
    try {
      const [share] = this.#options.shares().values();
      if (share === undefined) throw new PleiadesError({code: "LINK_ACCOUNT_MISMATCH", field: "no committee file"});
      const response = await this.#ask(`${PREFIX}/accounts/${share.key}`, null, HANDSHAKE_MS);
      if (response.status !== 200) {
        const reply = refusalOf(response);
        throw new PleiadesError(
          reply.kind === "refused" ? {code: reply.code, reason: reply.message} : {code: "INTERNAL"},
        );
      }
      this.#compare(share, response.body);
      this.#connect();
    } catch (error) {
      this.#disconnect(error);
    }
  }

  /** What the participant says of itself against what the committee file says. @throws LINK_ACCOUNT_MISMATCH · LINK_BAD_REPLY */
  #compare({key, participantId, sharePublicKey, quorum}: ParticipantShare, raw: unknown): void {
    const view = parseAccount(raw);
    const own = view.participants.find(({id}) => id === view.participantId);
    const wrong = (
      [
        ["composite_public_key", view.compositePublicKey === key],
        ["participant_id", view.participantId === BigInt(participantId)],
        ["public_key", view.publicKey === sharePublicKey],
        ["signing_threshold", view.threshold === BigInt(quorum.t)],
        ["participants", view.participants.length === quorum.n],
        ["endpoint", own?.endpoint === this.origin],
      ] as const
    ).find(([, same]) => !same);
    if (wrong !== undefined) throw new PleiadesError({code: "LINK_ACCOUNT_MISMATCH", field: wrong[0], key});
  }

  #connect(): void {
    if (this.#connected || this.#stop.signal.aborted) return;
    this.#connected = true;
    this.#lastCode = null;
    this.#modules.logger.info("participant connected", {});
    this.#modules.observer({kind: "operator-connected", peerId: this.peerId});
  }

  #disconnect(error: unknown): void {
    const code = codeOf(error);
    if (this.#stop.signal.aborted && code !== "LINK_CLOSED") return;
    const level = code === this.#lastCode || code === "LINK_CLOSED" ? "debug" : "warn";
    this.#lastCode = code;
    const reason = error instanceof Error ? error.message : String(error);
    this.#modules.logger[level]("participant not connected", {code, reason});
    for (const lose of [...this.#lost]) lose(this.#disconnected());
    if (!this.#connected) return;
    this.#connected = false;
    this.#modules.observer({kind: "operator-disconnected", peerId: this.peerId});
    // Found out between two probes: look again soon.
    this.#wake();
  }

  #disconnected(): PleiadesError {
    return new PleiadesError({code: "LINK_DISCONNECTED", peerId: this.peerId, reason: this.#lastCode ?? undefined});
  }
}

function badReply(error: unknown): PartialReply {
  const message = error instanceof Error ? error.message : String(error);
  return {kind: "refused", code: "LINK_BAD_REPLY", message: message.slice(0, 512)};
}
