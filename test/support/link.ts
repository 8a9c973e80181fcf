import {createHash} from "node:crypto";
import {
  type PeerIdText,
  type PubkeyHex,
  parseLifeId,
  parsePubkeyHex,
  parseRootHex,
  type RootHex,
  rootHex,
} from "../../src/core/bytes.js";
import {PRIORITY} from "../../src/core/duty/sign-request.js";
import {PleiadesError, type ReasonCode} from "../../src/core/errors.js";
import type {Sighting} from "../../src/core/slashing/sighting.js";
import type {PartialReply, PartialRequest, Watermark} from "../../src/ports/operator-link.js";
import type {PartialHandler} from "../../src/ports/operator-server.js";

export const keyOf = (n: number): PubkeyHex => parsePubkeyHex(`0x${n.toString(16).padStart(96, "a")}`);
export const hashOf = (n: number): RootHex => parseRootHex(`0x${n.toString(16).padStart(64, "0")}`);

/** A randao reveal of epoch `n`: well-formed, small and different for each n. */
export function requestOf(n: number, changes: Partial<PartialRequest> = {}): PartialRequest {
  return {
    key: keyOf(1),
    committeeHash: hashOf(7),
    priority: PRIORITY.rest,
    request: {
      type: "RANDAO_REVEAL",
      fork_info: {
        fork: {previous_version: "0x00000001", current_version: "0x01000001", epoch: "0"},
        genesis_validators_root: hashOf(3),
      },
      randao_reveal: {epoch: String(n)},
    },
    ...changes,
  };
}

/** 192 bytes that depend on all of the request: stands in for a partial without the cost of a signature. */
export function partialFor(request: PartialRequest): Uint8Array {
  const digest = createHash("sha256").update(JSON.stringify(request)).digest();
  return new Uint8Array(Buffer.concat(Array.from({length: 6}, () => digest)));
}

export const signedFor = (request: PartialRequest): PartialReply => ({
  kind: "signed",
  committeeHash: request.committeeHash,
  partial: partialFor(request),
});

/** An operator whose answers a test decides; it answers everything with partialFor unless told otherwise. */
export class FakeOperator implements PartialHandler {
  readonly asked: {peer: PeerIdText; request: PartialRequest}[] = [];
  answer: (request: PartialRequest) => PartialReply | Promise<PartialReply> = signedFor;
  /** The signal of the last request. */
  gone: AbortSignal | undefined;
  marks: readonly Watermark[] = [];

  async handle(peer: PeerIdText, request: PartialRequest, gone?: AbortSignal): Promise<PartialReply> {
    this.gone = gone;
    this.asked.push({peer, request});
    return this.answer(request);
  }

  async watermarks(_peer: PeerIdText): Promise<readonly Watermark[]> {
    return this.marks;
  }
}

/** Well-formed and different for each n; the mac is anything. */
export const sightingOf = (n: number, changes: Partial<Sighting> = {}): Sighting => ({
  key: keyOf(1),
  life: parseLifeId(n.toString(16).padStart(32, "0")),
  sequence: BigInt(n),
  issuedAt: 1_700_000_000_000 + n,
  mac: "ab".repeat(32),
  ...changes,
});

/** The code a promise rejects with; "resolved" when it does not. */
export async function codeFrom(promise: Promise<unknown>): Promise<ReasonCode | "resolved"> {
  try {
    await promise;
    return "resolved";
  } catch (error) {
    if (error instanceof PleiadesError) return error.code;
    throw error;
  }
}

export const never = (): AbortSignal => new AbortController().signal;
export const someRoot = (text: string): RootHex => rootHex(createHash("sha256").update(text).digest());
