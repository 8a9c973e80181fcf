/**
 * `npm run bench`: what a committee signature costs, against the cryptography it cannot avoid. Everything runs on the same
 * cores in one run: signer, operators and keepers as separate processes over real libp2p with durable records, and the
 * load client. Progress goes to standard error, results to standard output.
 */
import {readFileSync, writeFileSync} from "node:fs";
import {availableParallelism, cpus, loadavg} from "node:os";
import {join} from "node:path";
import {parseArgs} from "node:util";
import {thresholdOf} from "../../src/core/committee/quorum.js";
import {BenchCommittee, type Measured} from "./committee.js";
import {combineMs, cryptoCosts, lower} from "./crypto.js";
import {type CommitteeFigures, type Figures, type Load, latencyOf, type StartFigures} from "./figures.js";
import {plot} from "./plot.js";
import {committeeProcesses, memoryOf} from "./processes.js";
import {table, writeDocs} from "./report.js";

const USAGE = `npm run bench -- [options]
  --quick         a committee of four only, a tenth of the requests, no starts with many validators
  --sizes LIST    committee sizes (default 4,7,10,13)
  --starts LIST   numbers of validators to start with (default 1000,10000)
  --json          print one JSON object instead of the table
  --write-docs    also write the table into docs/performance.md, and the plot docs/images/performance.svg
  --from FILE     measure nothing: take the figures that --json printed
  --dkg           key ceremonies instead (with --quick, --json, --write-docs)
`;

const {values: options} = parseArgs({
  options: {
    quick: {type: "boolean", default: false},
    sizes: {type: "string"},
    starts: {type: "string"},
    json: {type: "boolean", default: false},
    "write-docs": {type: "boolean", default: false},
    from: {type: "string"},
    help: {type: "boolean", default: false},
  },
});
if (options.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (options.quick && options["write-docs"]) {
  process.stderr.write("--quick measures too little for the docs\n");
  process.exit(2);
}
const numbers = (list: string): number[] => list.split(",").filter(Boolean).map(Number);
const sizes = numbers(options.sizes ?? (options.quick ? "4" : "4,7,10,13"));
const starts = numbers(options.starts ?? (options.quick ? "" : "1000,10000"));
const scale = options.quick ? 0.1 : 1;
/** A slot's share of 10,000 validators: 10,000 ÷ 32. */
const BURST = 313;
/** Three of a burst's requests have left by then. */
const BLOCK_AFTER_MS = 10;
/** In flight for the figure that is compared with the floor. */
const FULL = 64;

const began = performance.now();
const progress = (text: string): void =>
  void process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
const times = (count: number): number => Math.max(64, Math.round(count * scale));

let current: BenchCommittee | null = null;
async function withCommittee<R>(
  size: {operators: number; keys: number},
  use: (committee: BenchCommittee) => Promise<R>,
): Promise<R> {
  progress(`splitting ${size.keys} keys among ${size.operators} operators`);
  current = await BenchCommittee.prepare(size);
  try {
    return await use(current);
  } finally {
    await current.remove();
    current = null;
  }
}
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    progress(`stopping on ${signal}`);
    void (current?.remove() ?? Promise.resolve()).finally(() => process.exit(130));
  });
}

const loadOf = (measured: Measured, inFlight: number): Load => ({
  inFlight,
  ...latencyOf(measured.latencies),
  perSecond: measured.latencies.length / measured.seconds,
  failed: measured.errors.length,
  cpuMs: measured.cpuPerSignature,
});

async function lanes(committee: BenchCommittee, inFlight: number, count: number): Promise<Load> {
  progress(`${count} attestations, ${inFlight} in flight`);
  return loadOf(await committee.lanes({inFlight, count}), inFlight);
}

/** The figures every size has; `more` measures on the same running committee. */
async function measureCommittee(
  n: number,
  more: (committee: BenchCommittee, full: Load) => Promise<void>,
): Promise<CommitteeFigures> {
  return withCommittee({operators: n, keys: 384}, async (committee) => {
    progress(`starting ${n} operators`);
    await committee.start();
    progress("warming up");
    // A few minutes of a large client: nine processes interpret their code until then, and so they do for a
    // moment after a start only.
    await committee.lanes({inFlight: FULL, count: times(n === 4 ? 16_000 : 8000)});
    await committee.lanes({inFlight: 1, count: times(n === 4 ? 2000 : 600)});
    const count = times(n === 4 ? 1000 : 300);
    progress(`${count} attestations one at a time`);
    const one = await committee.lanes({inFlight: 1, count});
    const load = await lanes(committee, FULL, times(4000));
    await more(committee, load);
    // Operators write down their commits when they stop.
    await committee.stop();
    const oneAtATime = {...latencyOf(one.latencies), cpuMs: one.cpuPerSignature};
    return {n, t: thresholdOf(n), oneAtATime, commit: latencyOf(committee.commits(one)), load};
  });
}

async function measureBurst(committee: BenchCommittee): Promise<NonNullable<Figures["burst"]>> {
  const rounds = Math.max(2, Math.round(20 * scale));
  const burst = async (form: "single" | "batch"): Promise<number> => {
    progress(`${rounds} × ${BURST} attestations of one message, ${form} requests`);
    return latencyOf((await committee.burst({keys: BURST, rounds, form})).rounds).p50Ms;
  };
  const singleMs = await burst("single");
  const batchMs = await burst("batch");
  progress("blocks, alone and behind 313 attestations");
  const alone = await committee.burst({keys: 1, rounds: times(100), form: "single", blockAfterMs: BLOCK_AFTER_MS});
  const during = await committee.burst({keys: BURST, rounds, form: "batch", blockAfterMs: BLOCK_AFTER_MS});
  return {
    keys: BURST,
    singleMs,
    batchMs,
    blockAlone: latencyOf(alone.blocks),
    blockDuring: latencyOf(during.blocks),
  };
}

async function measureCrash(committee: BenchCommittee): Promise<NonNullable<Figures["crash"]>> {
  const count = times(4000);
  const healthy = await lanes(committee, FULL, count);
  const victim = committee.running.operators()[0]!.id;
  progress("the same while an operator is killed");
  const run = committee.lanes({inFlight: FULL, count});
  // Once the load is on its way, whatever its pace.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await committee.running.killOperator(victim, "SIGKILL");
  const during = loadOf(await run, FULL);
  const after = await lanes(committee, FULL, count);
  await committee.running.startOperator(victim);
  return {healthy, during, after};
}

async function measureStart(keys: number): Promise<StartFigures> {
  return withCommittee({operators: 4, keys}, async (committee) => {
    progress(`first start with ${keys} validators`);
    const firstStartMs = await committee.start();
    await committee.stop();
    progress("second start");
    const secondStartMs = await committee.start();
    const [operator, keeper] = (["operator", "keeper"] as const).map((role) =>
      memoryOf(committeeProcesses(process.pid).find((one) => one.role === role)!.pid),
    );
    return {
      keys,
      splitMs: committee.splitMs,
      firstStartMs,
      secondStartMs,
      operatorMiB: operator!.nowMiB,
      keeperMiB: keeper!.nowMiB,
      keeperPeakMiB: keeper!.peakMiB,
    };
  });
}

async function measure(): Promise<Figures> {
  const loadBefore = loadavg()[0]!;
  progress("timing blst");
  const before = cryptoCosts();
  const combine = [4, 7, 10, 13].map((n) => ({n, ms: combineMs({n, t: thresholdOf(n)})}));
  const committees: CommitteeFigures[] = [];
  const curve: Load[] = [];
  let burst: Figures["burst"] = null;
  let crash: Figures["crash"] = null;
  for (const n of sizes) {
    committees.push(
      await measureCommittee(n, async (committee, full) => {
        if (n !== 4) return;
        for (const inFlight of [1, 2, 4, 8, 16, 32]) {
          curve.push(await lanes(committee, inFlight, times(inFlight < 8 ? 1000 : 2000)));
        }
        curve.push(full, await lanes(committee, 128, times(4000)));
        burst = await measureBurst(committee);
        crash = await measureCrash(committee);
      }),
    );
  }
  const startFigures: StartFigures[] = [];
  for (const keys of starts) startFigures.push(await measureStart(keys));
  progress("timing blst again");
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    loadAverage: [loadBefore, loadavg()[0]!],
    crypto: lower(before, cryptoCosts()),
    combine,
    committees,
    curve,
    burst,
    crash,
    starts: startFigures,
  };
}

const figures =
  options.from === undefined ? await measure() : (JSON.parse(readFileSync(options.from, "utf8")) as Figures);
progress("done");
process.stdout.write(options.json ? `${JSON.stringify(figures)}\n` : `\n${table(figures)}\n`);
if (options["write-docs"]) {
  const docs = join(import.meta.dirname, "../../../docs");
  writeFileSync(join(docs, "images/performance.svg"), plot(figures));
  writeDocs(join(docs, "performance.md"), figures);
  progress("wrote docs/performance.md and docs/images/performance.svg");
}
