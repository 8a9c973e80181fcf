/** What the benchmark measures, as plain JSON: the table, the plot and `--json` are made of nothing else. */

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Core milliseconds of one signature, by who uses them (all operator processes together, all keepers together). */
export interface CpuShare {
  readonly signer: number;
  readonly operator: number;
  readonly keeper: number;
  readonly client: number;
}

export interface Load extends Latency {
  readonly inFlight: number;
  /** Of requests that were answered with a signature. */
  readonly perSecond: number;
  /** Requests that were not. */
  readonly failed: number;
  readonly cpuMs: CpuShare;
}

export interface CommitteeFigures {
  readonly n: number;
  readonly t: number;
  readonly oneAtATime: Latency & {readonly cpuMs: CpuShare};
  /** Commits of the record stores while requests came one at a time. */
  readonly commit: Latency;
  readonly load: Load;
}

export interface StartFigures {
  readonly keys: number;
  readonly splitMs: number;
  readonly firstStartMs: number;
  readonly secondStartMs: number;
  /** One operator after the second start: its two processes now, and the keeper at its highest (the key derivation). */
  readonly operatorMiB: number;
  readonly keeperMiB: number;
  readonly keeperPeakMiB: number;
}

export interface Figures {
  readonly date: string;
  readonly machine: string;
  readonly cores: number;
  /** Load average of the last minute before and after: more than the number of cores means that others ran too. */
  readonly loadAverage: readonly [before: number, after: number];
  readonly crypto: {
    readonly signMs: number;
    readonly verifyMs: number;
    /** Core milliseconds for one signature out of 64 about distinct messages. */
    readonly batchedVerifyMs: number;
  };
  readonly combine: readonly {readonly n: number; readonly ms: number}[];
  readonly committees: readonly CommitteeFigures[];
  /** Load on the committee of four. */
  readonly curve: readonly Load[];
  readonly burst: {
    readonly keys: number;
    /** Milliseconds from the first request to the last answer. */
    readonly singleMs: number;
    readonly batchMs: number;
    readonly blockAlone: Latency;
    readonly blockDuring: Latency;
  } | null;
  /** An operator is killed while the load runs, and stays away. */
  readonly crash: {readonly healthy: Load; readonly during: Load; readonly after: Load} | null;
  readonly starts: readonly StartFigures[];
}

/** Signatures per second that the cryptography alone would allow: cores ÷ (t signs + one batched verification). */
export const floorPerSecond = ({cores, crypto}: Pick<Figures, "cores" | "crypto">, t: number): number =>
  (cores * 1000) / (t * crypto.signMs + crypto.batchedVerifyMs);

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export const latencyOf = (values: readonly number[]): Latency => ({
  p50Ms: quantile(values, 0.5),
  p99Ms: quantile(values, 0.99),
});
