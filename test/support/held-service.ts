import type {PubkeyHex, RootHex, SignatureHex} from "../../src/core/bytes.js";
import type {SignRequest, SignType} from "../../src/core/duty/sign-request.js";
import {PleiadesError} from "../../src/core/errors.js";
import type {SigningService} from "../../src/ports/signing-service.js";

/**
 * A service whose signatures wait until released: for tests of deadlines, bounds and order. It keeps the port's
 * contract: an aborted caller gets COMMITTEE_TIMEOUT (unless told to ignore signals, as a broken service would).
 */
export class HeldService implements SigningService {
  /** Types in the order in which they reached the service. */
  readonly reached: SignType[] = [];
  readonly aborted: SignType[] = [];
  readonly #inner: SigningService;
  readonly #ignoreSignals: boolean;
  #open: () => void = () => {};
  readonly #gate = new Promise<void>((resolve) => {
    this.#open = resolve;
  });

  constructor(inner: SigningService, {ignoreSignals = false}: {ignoreSignals?: boolean} = {}) {
    this.#inner = inner;
    this.#ignoreSignals = ignoreSignals;
  }

  async sign(key: PubkeyHex, request: SignRequest, root: RootHex, signal: AbortSignal): Promise<SignatureHex> {
    this.reached.push(request.type);
    await new Promise<void>((resolve, reject) => {
      void this.#gate.then(resolve);
      signal.addEventListener("abort", () => {
        this.aborted.push(request.type);
        if (!this.#ignoreSignals) reject(tooSlow());
      });
    });
    return this.#inner.sign(key, request, root, new AbortController().signal);
  }

  /** Lets everything through from now on. */
  release(): void {
    this.#open();
  }

  publicKeys() {
    return this.#inner.publicKeys();
  }
  highWatermark(signal: AbortSignal) {
    return this.#inner.highWatermark(signal);
  }
  health() {
    return this.#inner.health();
  }
}

const tooSlow = () =>
  new PleiadesError({
    code: "COMMITTEE_TIMEOUT",
    operators: [{operatorId: 1, code: "COMMITTEE_TIMEOUT", message: "no answer in time"}],
  });
