import {type PubkeyHex, parseRootHex, type RootHex} from "../../core/bytes.js";
import type {ValidatorKeys} from "../../core/dkg/keys.js";
import type {KeptChunk} from "./jobs.js";

/** What a vault keeps of a ceremony under way. Written and read by this program alone, sealed and with a checksum. */
export interface CeremonyState {
  readonly seed: string;
  readonly number: number;
  readonly chunks: number;
  readonly refresh: boolean;
  readonly reshare: boolean;
  /** Unix milliseconds. */
  readonly begunAt: number;
  /** Those dealt on, for ever; null before the first chunk was dealt. */
  readonly announces: readonly string[] | null;
  /** The one dealing of each dealer that is opened, by dealer. */
  readonly dealings: {readonly [dealer: string]: RootHex};
  /** Dealings agreed on; null before. */
  readonly qualified: readonly {readonly dealer: number; readonly dealing: RootHex}[] | null;
  /** Whose proof was asked for first; null before. */
  readonly transcript: RootHex | null;
}

/** A chunk's keys and our shares, summed. */
export interface SummedChunk {
  readonly keys: readonly ValidatorKeys[];
  readonly shares: Uint8Array;
}

/** Names of values. Ceremony ids have one length, so no name is the beginning of another ceremony's. */
export const NAMES = {
  state: (id: RootHex): string => `state/${id}`,
  states: "state/",
  definition: (id: RootHex): string => `definition/${id}`,
  kept: (id: RootHex, dealer: number, chunk: number): string => `kept/${id}/${dealer}/${chunk}`,
  allKept: (id: RootHex): string => `kept/${id}/`,
  summed: (id: RootHex, chunk: number): string => `summed/${id}/${chunk}`,
  allSummed: (id: RootHex): string => `summed/${id}/`,
  nonce: (nonce: RootHex): string => `nonce/${nonce}`,
  ended: (id: RootHex): string => `ended/${id}`,
  allEnded: "ended/",
  committee: (id: RootHex): string => `committee/${id}`,
  committees: "committee/",
  /** @see HandoverDesk */
  handover: (id: RootHex): string => `handover/${id}`,
  retired: (id: RootHex): string => `retired/${id}`,
  permits: (id: RootHex): string => `permits/${id}`,
  allPermits: "permits/",
  journalKey: "journal-key",
  escrow: (key: PubkeyHex): string => `escrow/${key}`,
} as const;

export const encodeJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
export const decodeJson = <T>(bytes: Buffer): T => JSON.parse(bytes.toString("utf8")) as T;

/** Length of the public part (4 bytes), public part, shares. */
export function encodeKept({shown, shares}: KeptChunk): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(shown.length);
  return Buffer.concat([length, shown, shares]);
}

export function decodeKept(dealer: number, bytes: Buffer): KeptChunk {
  const end = 4 + bytes.readUInt32BE();
  return {dealer, shown: new Uint8Array(bytes.subarray(4, end)), shares: new Uint8Array(bytes.subarray(end))};
}

export const encodeSummed = ({keys, shares}: SummedChunk): Buffer =>
  encodeJson({keys, shares: Buffer.from(shares).toString("hex")});

export function decodeSummed(bytes: Buffer): SummedChunk {
  const {keys, shares} = decodeJson<{keys: ValidatorKeys[]; shares: string}>(bytes);
  return {keys, shares: new Uint8Array(Buffer.from(shares, "hex"))};
}

export const idIn = (name: string): RootHex => parseRootHex(name.slice(name.indexOf("/") + 1), "ceremony");
