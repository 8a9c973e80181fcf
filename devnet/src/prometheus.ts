export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads Prometheus' text format (samples only; types and timestamps are left aside). */
export function parsePrometheus(text: string): readonly Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (match === null) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[name!] = value!.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c));
    }
    samples.push({name: match[1]!, labels, value: Number(match[3])});
  }
  return samples;
}

/** Cumulative bucket counts of one histogram, summed over the labels that are not `le`: upper bound → count. */
export type Histogram = ReadonlyMap<number, number>;

export function histogram(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Histogram {
  const buckets = new Map<number, number>();
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket`) continue;
    if (Object.entries(labels).some(([key, value]) => sample.labels[key] !== value)) continue;
    const bound = sample.labels.le === "+Inf" ? Infinity : Number(sample.labels.le);
    buckets.set(bound, (buckets.get(bound) ?? 0) + sample.value);
  }
  return buckets;
}

/** Sum of all samples of a counter whose labels include these. */
export function total(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  return samples
    .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((sum, one) => sum + one.value, 0);
}

/** What came between two readings of one histogram. */
export function since(now: Histogram, before: Histogram): Histogram {
  return new Map([...now].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)]));
}

/**
 * The value below which the share `q` (0…1) of observations lies, linear within its bucket as Prometheus'
 * histogram_quantile does it; null when nothing was observed. Above the last bound: the last bound.
 */
export function quantile(buckets: Histogram, q: number): number | null {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const all = sorted.at(-1)?.[1] ?? 0;
  if (all === 0) return null;
  const rank = q * all;
  let low = 0;
  let below = 0;
  for (const [bound, count] of sorted) {
    if (count >= rank) {
      if (bound === Infinity) return low;
      return count === below ? bound : low + ((bound - low) * (rank - below)) / (count - below);
    }
    low = bound;
    below = count;
  }
  return low;
}
