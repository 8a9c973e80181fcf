import {loadSecretKey} from "../../src/adapters/bls/blst.js";
import {fromHex, type PeerIdText, parseRootHex} from "../../src/core/bytes.js";
import {PleiadesError, type ReasonCode} from "../../src/core/errors.js";
import {scaleShare} from "../../src/core/threshold/polynomial.js";
import type {Clock} from "../../src/ports/clock.js";
import type {OperatorLink, PartialReply, PartialRequest, PeerStatus, Watermark} from "../../src/ports/operator-link.js";
import {publicKeyOf, type TestKey, testPeerId} from "./committees.js";

/** What one operator does with a request. */
export type Behaviour =
  | {kind: "sign"; afterMs?: number}
  | {kind: "send"; partial: (honest: Uint8Array, request: PartialRequest) => Uint8Array; afterMs?: number}
  | {kind: "refuse"; code: ReasonCode; afterMs?: number}
  | {kind: "wrong hash"}
  | {kind: "hang"}
  | {kind: "gone"};

export interface Asked {
  readonly operatorId: number;
  readonly request: PartialRequest;
  readonly signal: AbortSignal;
}

/**
 * Operators 1…n with real shares that do what a test tells them, on a clock the test moves. Signs the root that the
 * coordinator names in the request: what an operator computes itself is tested elsewhere.
 */
export class ScriptedLink implements OperatorLink {
  readonly asked: Asked[] = [];
  readonly behaviours = new Map<number, Behaviour>();
  readonly marks = new Map<number, readonly Watermark[]>();
  keptPeers: readonly {peerId: PeerIdText; addresses: readonly string[]}[] = [];
  readonly #clock: Pick<Clock, "after">;
  readonly #n: number;
  readonly #signers = new Map<string, ReturnType<typeof loadSecretKey>>();

  constructor(clock: Pick<Clock, "after">, keys: readonly TestKey[], {n, t}: {n: number; t: number}) {
    this.#clock = clock;
    this.#n = n;
    for (const {secret, shares} of keys) {
      for (const share of shares) {
        const signer = loadSecretKey(scaleShare(share.secret, {n, t}));
        this.#signers.set(`${publicKeyOf(secret)}/${share.index}`, signer);
      }
    }
  }

  /** Ids in the order they were asked, from `from` on. */
  askedIds(from = 0): number[] {
    return this.asked.slice(from).map(({operatorId}) => operatorId);
  }

  requestPartial(peer: PeerIdText, request: PartialRequest, signal: AbortSignal): Promise<PartialReply> {
    const operatorId = this.#idOf(peer);
    const behaviour = this.behaviours.get(operatorId) ?? {kind: "sign"};
    if (signal.aborted) return Promise.reject(new PleiadesError({code: "COMMITTEE_NO_ANSWER", operatorId}));
    this.asked.push({operatorId, request, signal});
    if (behaviour.kind === "gone") return Promise.reject(new PleiadesError({code: "COMMITTEE_NO_ANSWER", operatorId}));
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new PleiadesError({code: "COMMITTEE_NO_ANSWER", operatorId})));
      if (behaviour.kind === "hang") return;
      const answer = (): void => resolve(this.#answer(operatorId, behaviour, request));
      const afterMs = "afterMs" in behaviour ? behaviour.afterMs : undefined;
      if (afterMs === undefined) answer();
      else this.#clock.after(afterMs, answer);
    });
  }

  async watermarks(peer: PeerIdText, signal: AbortSignal): Promise<readonly Watermark[]> {
    const operatorId = this.#idOf(peer);
    const kind = this.behaviours.get(operatorId)?.kind;
    if (kind === "gone") throw new PleiadesError({code: "COMMITTEE_NO_ANSWER", operatorId});
    if (kind === "hang") {
      await new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new PleiadesError({code: "COMMITTEE_NO_ANSWER", operatorId})));
      });
    }
    return this.marks.get(operatorId) ?? [];
  }

  peers(): readonly PeerStatus[] {
    return Array.from({length: this.#n}, (_, i) => ({
      peerId: testPeerId(i + 1),
      connected: this.behaviours.get(i + 1)?.kind !== "gone",
      software: "test/1",
      roundTripMs: 1,
      clockOffsetMs: 0,
      stopCode: null,
    }));
  }

  setPeers(peers: readonly {peerId: PeerIdText; addresses: readonly string[]}[]): void {
    this.keptPeers = peers;
  }

  async close(): Promise<void> {}

  #answer(operatorId: number, behaviour: Behaviour, request: PartialRequest): PartialReply {
    if (behaviour.kind === "refuse")
      return {kind: "refused", code: behaviour.code, message: `refused: ${behaviour.code}`};
    const root = fromHex(parseRootHex(request.request.signingRoot));
    const honest = this.#signers.get(`${request.key}/${operatorId}`)!.signUncompressed(root);
    const partial = behaviour.kind === "send" ? behaviour.partial(honest, request) : honest;
    const wrong = parseRootHex("ee".repeat(32));
    return {kind: "signed", committeeHash: behaviour.kind === "wrong hash" ? wrong : request.committeeHash, partial};
  }

  #idOf(peer: PeerIdText): number {
    return Array.from({length: this.#n}, (_, i) => i + 1).find((id) => testPeerId(id) === peer)!;
  }
}
