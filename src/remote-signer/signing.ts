import type {PubkeyHex, RootHex, SignatureHex, TraceId} from "../core/bytes.js";
import type {Network} from "../core/duty/network.js";
import {priorityOf} from "../core/duty/sign-request.js";
import {codeOf} from "../core/errors.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import type {Observer} from "../ports/observer.js";
import type {SigningService} from "../ports/signing-service.js";
import type {Admission} from "./admission.js";
import {assertBatchType, type BatchKey, readBatch} from "./batch.js";
import type {Call, Calls} from "./call.js";
import {type BlockReader, type Duty, readDuty} from "./codec.js";
import type {Deadlines} from "./deadlines.js";
import {logInternal} from "./internal-error.js";
import {toErrorReply} from "./status.js";

/** Where a client's request came from, as far as signing needs to know. */
export interface Client {
  /** `clock.monotonic()` when the request's head arrived: the time its body took counts against its deadline. */
  readonly arrivedAt: number;
  readonly trace: TraceId;
  /** Tells once when the client has gone; the returned function stops listening. */
  onGone(callback: () => void): () => void;
}

/** One entry of a batch's answer. `code` is the HTTP status of the equivalent single request. */
export type BatchResult<A = {readonly signature: SignatureHex}> =
  | ({readonly identifier: string} & A)
  | {readonly identifier: string; readonly error: {readonly code: number; readonly message: string}};

/** What makes the answer for one key: a signature, or what else the API says of it. */
export type SignOne<A> = (
  key: PubkeyHex,
  request: Duty["request"],
  signingRoot: RootHex,
  signal: AbortSignal,
  trace: TraceId,
) => Promise<A>;

/** The signing service, its signature as the API's answer. */
export const signatureOf =
  (service: Pick<SigningService, "sign">): SignOne<{readonly signature: SignatureHex}> =>
  async (...args) => ({signature: await service.sign(...args)});

interface Modules<A> {
  readonly sign: SignOne<A>;
  readonly admission: Admission;
  readonly calls: Calls;
  readonly readBlock: BlockReader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: Observer;
}

interface Options {
  readonly network: Network;
  readonly deadlines: Deadlines;
  readonly maxBatchKeys: number;
}

/** About two milliseconds' work, and enough for a frame that is worth its costs. */
const KEYS_PER_TURN = 16;

/** From a parsed JSON body to an answer `A` per key: the straight line of a signing request. */
export class Signing<A extends object = {readonly signature: SignatureHex}> {
  readonly #modules: Modules<A>;
  readonly #options: Options;

  constructor(modules: Modules<A>, options: Options) {
    this.#modules = modules;
    this.#options = options;
  }

  /** @throws what {@link readDuty} and the signing service throw · HTTP_OVERLOADED · HTTP_DEADLINE */
  async signOne(key: PubkeyHex, body: unknown, client: Client): Promise<A> {
    const duty = this.#read(body);
    return this.#within(duty, client, (call) => this.#sign(key, duty, call, client));
  }

  /**
   * One result per key, in the order of the request; a key that fails neither fails nor shifts another. What is wrong
   * with the request itself fails the whole batch.
   * @throws HTTP_BATCH_* · what {@link readDuty} throws
   */
  async signBatch(body: unknown, client: Client): Promise<BatchResult<A>[]> {
    const {keys, signingRequest} = readBatch(body, {maxKeys: this.#options.maxBatchKeys});
    const duty = this.#read(signingRequest);
    assertBatchType(duty.request.type);
    return this.#within(duty, client, async (call) => {
      const results: Promise<BatchResult<A>>[] = [];
      for (const batchKey of keys) {
        results.push(this.#signOneOf(batchKey, duty, call, client));
        // Asking for hundreds of keys takes a while; a block that comes meanwhile gets its turn after a few of them.
        if (results.length % KEYS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      return Promise.all(results);
    });
  }

  /** Never rejects. */
  async #signOneOf({identifier, key}: BatchKey, duty: Duty, call: Call, client: Client): Promise<BatchResult<A>> {
    try {
      return {identifier, ...(await this.#sign(key, duty, call, client))};
    } catch (error) {
      const {status, body} = toErrorReply(error);
      if (body.code === "INTERNAL")
        logInternal(this.#modules.logger, error, {key, type: duty.request.type, trace: client.trace});
      return {identifier, error: {code: status, message: `${body.code}: ${body.message}`}};
    }
  }

  #read(body: unknown): Duty {
    return readDuty(body, this.#options.network, this.#modules.readBlock);
  }

  /** Runs `work` under the deadline of the duty's type; also ended when the client goes. */
  async #within<T>({request}: Duty, client: Client, work: (call: Call) => Promise<T>): Promise<T> {
    const {calls, clock} = this.#modules;
    const call = calls.open(this.#options.deadlines[request.type] - (clock.monotonic() - client.arrivedAt));
    const stopListening = client.onGone(() => call.cut("HTTP_CLIENT_GONE"));
    try {
      return await work(call);
    } finally {
      stopListening();
      call.end();
    }
  }

  async #sign(key: PubkeyHex, {request, signingRoot}: Duty, call: Call, client: Client): Promise<A> {
    const {sign, admission} = this.#modules;
    let reachedService = false;
    const work = admission.run(priorityOf(request.type), call.signal, () => {
      reachedService = true;
      return sign(key, request, signingRoot, call.signal, client.trace);
    });
    try {
      const signature = await call.race(work);
      const {clock, logger} = this.#modules;
      const durationMs = clock.monotonic() - client.arrivedAt;
      logger.debug("signed", {key, type: request.type, durationMs, trace: client.trace});
      return signature;
    } catch (error) {
      this.#report(error, key, request.type, client, reachedService);
      throw error;
    }
  }

  /** The service tells observers of every request that reached it; this tells them of those that did not. */
  #report(
    error: unknown,
    key: PubkeyHex,
    type: Duty["request"]["type"],
    client: Client,
    reachedService: boolean,
  ): void {
    const {clock, logger, observer} = this.#modules;
    const durationMs = clock.monotonic() - client.arrivedAt;
    const {status, body} = toErrorReply(error);
    const {trace} = client;
    if (status >= 500) logger.warn("no signature", {...body, key, type, durationMs, trace});
    else logger.debug("no signature", {...body, key, type, durationMs, trace});
    if (reachedService) return;
    observer({
      kind: "request-finished",
      type,
      key,
      outcome: codeOf(error),
      durationMs,
      signers: [],
      replayed: false,
    });
  }
}
