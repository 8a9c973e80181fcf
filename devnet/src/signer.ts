import type {Genesis} from "./beacon-api.js";
import type {Histogram} from "./prometheus.js";

/** The chain that a signer of the devnet is pinned to. */
export interface DevnetChain {
  readonly genesis: Genesis;
  /** The beacon node's own spec. */
  readonly spec: Readonly<Record<string, string>>;
  readonly beaconUrl: string;
}

export interface OperatorNow {
  readonly id: number;
  /** Of the operator's process; null while it is down. */
  readonly pid: number | null;
  readonly connected: boolean;
  readonly healthy: boolean;
  /** Partial signatures that it gave since the start. */
  readonly signed: number;
  /** Requests that it did not sign: refusals, timeouts, lost connections. */
  readonly failed: number;
  readonly latencyMs: number | null;
}

export interface SignerNow {
  /** Requests answered with a signature. */
  readonly signed: number;
  /** Requests that failed: "TYPE outcome" → count. */
  readonly failed: ReadonlyMap<string, number>;
  /** Durations of all requests, in seconds. */
  readonly durations: Histogram;
  readonly operators: readonly OperatorNow[];
}

/** What a devnet needs of the remote signer that it proves. */
export interface DevnetSigner {
  readonly url: string;
  readonly threshold: number;
  /** Rejects when a part of it ends that nobody asked to end. */
  readonly failed: Promise<never>;
  now(): Promise<SignerNow>;
  /** Kills an operator at once, as a power cut would. */
  crash(operatorId: number): Promise<void>;
  /** Starts a killed operator again on its own data. */
  restart(operatorId: number): Promise<void>;
  /** Makes the way to and from an operator longer by this much in all; 0: as it was. */
  slow(operatorId: number, delayMs: number): void;
  stop(): Promise<void>;
}

export type StartSigner = (chain: DevnetChain, dir: string) => Promise<DevnetSigner>;
