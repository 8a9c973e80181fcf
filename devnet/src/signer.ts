import type {Genesis} from "./beacon-api.js";
import type {Lie} from "./lies.js";
import type {Histogram} from "./prometheus.js";

/** The chain that a signer of the devnet is pinned to. */
export interface DevnetChain {
  readonly genesis: Genesis;
  /** Of the beacon node's API. */
  readonly beaconUrl: string;
}

export interface OperatorNow {
  readonly id: number;
  /** `connecting`: the operator runs and the signer has no connection to it. */
  readonly state: "up" | "connecting" | "starting" | "down";
  /** Of the operator's process; null while it is down. */
  readonly pid: number | null;
  /** Delay put on its connection, in milliseconds. */
  readonly delayMs: number;
  /** Group signatures that it took part in since the start. */
  readonly participations: number;
  /** Partial signatures that the signer found to be lies since the start. */
  readonly convictions: number;
  /** It answers with lies now. */
  readonly lying: boolean;
  /** Requests it was asked and did not sign since the start: reason code → count. */
  readonly failures: ReadonlyMap<string, number>;
  /** Time to answer, in seconds. */
  readonly answers: Histogram;
}

export interface SignerNow {
  /** Requests answered with a signature. */
  readonly signed: number;
  /** Requests that got none: "TYPE CODE" → count. */
  readonly failed: ReadonlyMap<string, number>;
  /** Durations of requests that got one, in seconds. */
  readonly durations: Histogram;
  readonly operators: readonly OperatorNow[];
}

/** What a devnet needs of the remote signer that it proves. */
export interface DevnetSigner {
  readonly url: string;
  /** One for each signer, by rank; the first is `url`. */
  readonly urls: readonly string[];
  /** Operators whose partial signatures make a signature. */
  readonly threshold: number;
  /** Rejects when a part ends that nobody asked to end and that the rest cannot do without. */
  readonly failed: Promise<never>;
  now(): Promise<SignerNow>;
  /** Kills an operator at once, as a power cut would. */
  crash(operatorId: number): Promise<void>;
  /** Starts a killed operator again on its own data. */
  restart(operatorId: number): Promise<void>;
  /** Makes the way to an operator and back longer by this much in all; 0: as it was. */
  slow(operatorId: number, delayMs: number): void;
  /** Makes an operator lie; null: it tells the truth again. Only for those named as liars at the start. */
  lie(operatorId: number, how: Lie | "all" | null): void;
  /** Kills a signer at once. Signers count from 1. */
  crashSigner(signerId: number): Promise<void>;
  /** Starts a killed signer again at the URL it had. */
  restartSigner(signerId: number): Promise<void>;
  stop(): Promise<void>;
}

/** `dir` is a folder that does not exist yet. */
export type StartSigner = (chain: DevnetChain, dir: string) => Promise<DevnetSigner>;
