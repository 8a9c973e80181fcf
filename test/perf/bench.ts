/**
 * `npm run bench`: what a committee signature costs, as ratios to the cryptography it cannot avoid. Everything runs on the
 * same cores in one run: blst is timed first, then four operators (each with its keeper), the signer and a load client
 * run as separate processes over real libp2p with durable records.
 */
import {type ChildProcess, spawn} from "node:child_process";
import {mkdtemp, rm} from "node:fs/promises";
import {availableParallelism, tmpdir} from "node:os";
import {join} from "node:path";
import {createInterface} from "node:readline";
import {parseArgs} from "node:util";
import {SecretKey, verify} from "@chainsafe/blst";

const {values: options} = parseArgs({
  options: {
    operators: {type: "string", default: "4"},
    keys: {type: "string", default: "64"},
    sequential: {type: "string", default: "300"},
    parallel: {type: "string", default: "3000"},
    concurrency: {type: "string", default: "64"},
    json: {type: "boolean", default: false},
    help: {type: "boolean", default: false},
  },
});
if (options.help) {
  process.stdout.write(`npm run bench -- [options]
  --operators N     committee size: 4, 7, 10 or 13 (default 4)
  --keys N          validators that take turns (default 64)
  --sequential N    requests one at a time (default 300)
  --parallel N      requests for the throughput (default 3000)
  --concurrency N   requests in flight for the throughput (default 64)
  --json            print one JSON object instead of the table
`);
  process.exit(0);
}

interface Load {
  latencies: number[];
  errors: string[];
  seconds: number;
}

const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
};

/** Median milliseconds of one call. */
function timed(rounds: number, call: (i: number) => void): number {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    call(i);
    times.push(performance.now() - start);
  }
  return quantile(times, 0.5);
}

function blstCosts(): {signMs: number; verifyMs: number} {
  const secret = SecretKey.fromKeygen(Buffer.alloc(32, 1));
  const publicKey = secret.toPublicKey();
  const message = (i: number): Uint8Array => new Uint8Array(32).fill(i & 0xff);
  timed(50, (i) => secret.sign(message(i)));
  const signMs = timed(300, (i) => secret.sign(message(i)));
  const signature = secret.sign(message(0));
  // As the coordinator does: the signature's subgroup is checked, the public key was checked when it was loaded.
  const verifyMs = timed(200, () => verify(message(0), publicKey, signature, false, true));
  return {signMs, verifyMs};
}

function load(job: object): Promise<Load> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "load-client.js"), JSON.stringify(job)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.on("close", (code) =>
      code === 0 ? resolve(JSON.parse(text) as Load) : reject(new Error(`load client: ${code}`)),
    );
  });
}

interface Ready {
  url: string;
  groupPublicKeys: string[];
}

async function startCommittee(dataDir: string): Promise<{child: ChildProcess; ready: Ready}> {
  const main = join(import.meta.dirname, "../../src/main.js");
  const lastKey = Number(options.keys) - 1;
  const flags = ["--operators", options.operators, "--interop", `0..${lastKey}`, "--port", "0", "--data-dir", dataDir];
  const child = spawn(process.execPath, [main, "local", ...flags, "--json"], {stdio: ["ignore", "pipe", "inherit"]});
  const lines = createInterface({input: child.stdout});
  const ready = await new Promise<Ready>((resolve, reject) => {
    lines.once("line", (line) => resolve(JSON.parse(line) as Ready));
    child.once("exit", (code) => reject(new Error(`pleiades local ended with ${code}`)));
  });
  return {child, ready};
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

const n = Number(options.operators);
if (Number(options.keys) % Number(options.concurrency) !== 0) {
  process.stderr.write("--keys must be a multiple of --concurrency\n");
  process.exit(2);
}
const t = 2 * Math.floor((n - 1) / 3) + 1;
const progress = (text: string): void => void process.stderr.write(`${text}\n`);

progress("timing blst sign and verify");
const before = blstCosts();
const dataDir = await mkdtemp(join(tmpdir(), "pleiades-bench-"));
let child: ChildProcess | undefined;
try {
  progress(`starting ${n} operators with ${options.keys} keys`);
  const started = await startCommittee(dataDir);
  child = started.child;
  const {url, groupPublicKeys: keys} = started.ready;
  const job = {url, keys};
  let firstEpoch = 10;
  const run = async (concurrency: number, count: number): Promise<Load> => {
    const result = await load({...job, concurrency, count, firstEpoch});
    firstEpoch += Math.ceil(count / keys.length) + 1;
    if (result.errors.length > 0)
      throw new Error(`${result.errors.length} requests failed, the first: ${result.errors[0]}`);
    return result;
  };
  progress("warming up");
  await run(16, 1000);
  progress(`${options.sequential} attestations one at a time`);
  const one = await run(1, Number(options.sequential));
  progress(`${options.parallel} attestations, ${options.concurrency} in flight`);
  const many = await run(Number(options.concurrency), Number(options.parallel));
  const after = blstCosts();
  const signMs = Math.min(before.signMs, after.signMs);
  const verifyMs = Math.min(before.verifyMs, after.verifyMs);
  const cores = availableParallelism();
  // Every committee signature needs t signings and one verification, all on these cores.
  const floorPerSecond = (cores * 1000) / (t * signMs + verifyMs);
  const throughput = Number(options.parallel) / many.seconds;
  const result = {
    n,
    t,
    cores,
    signMs,
    verifyMs,
    oneAtATime: {
      p50Ms: quantile(one.latencies, 0.5),
      p99Ms: quantile(one.latencies, 0.99),
      p50PerSignPlusVerify: quantile(one.latencies, 0.5) / (signMs + verifyMs),
      p99PerSignPlusVerify: quantile(one.latencies, 0.99) / (signMs + verifyMs),
    },
    throughput: {
      perSecond: throughput,
      floorPerSecond,
      shareOfFloor: throughput / floorPerSecond,
      p50Ms: quantile(many.latencies, 0.5),
      p99Ms: quantile(many.latencies, 0.99),
    },
  };
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    const row = (name: string, value: string, ratio = ""): string =>
      `${name.padEnd(44)}${value.padStart(12)}  ${ratio}\n`;
    process.stdout.write(
      `\n${n} operators, ${t} partial signatures each, ${cores} cores for everything\n\n` +
        row("blst sign", `${signMs.toFixed(2)} ms`) +
        row("blst verify", `${verifyMs.toFixed(2)} ms`) +
        row(
          "one at a time, p50",
          `${result.oneAtATime.p50Ms.toFixed(2)} ms`,
          `${result.oneAtATime.p50PerSignPlusVerify.toFixed(2)} × (sign + verify)`,
        ) +
        row(
          "one at a time, p99",
          `${result.oneAtATime.p99Ms.toFixed(2)} ms`,
          `${result.oneAtATime.p99PerSignPlusVerify.toFixed(2)} × (sign + verify)`,
        ) +
        row(
          `throughput, ${options.concurrency} in flight`,
          `${throughput.toFixed(0)} /s`,
          `${(100 * result.throughput.shareOfFloor).toFixed(0)} % of the floor`,
        ) +
        row("floor: cores ÷ (t signs + one verify)", `${floorPerSecond.toFixed(0)} /s`) +
        row(
          "latency under that load, p50 and p99",
          `${result.throughput.p50Ms.toFixed(1)} ms`,
          `${result.throughput.p99Ms.toFixed(1)} ms`,
        ),
    );
  }
} finally {
  if (child !== undefined && child.exitCode === null) await stop(child);
  await rm(dataDir, {recursive: true, force: true});
}
