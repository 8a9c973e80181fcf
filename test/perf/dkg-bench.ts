/**
 * `npm run bench -- --dkg`: how long a key ceremony takes among operators in processes of their own, over real libp2p with
 * journals on disk and a keeper each, against the cryptography it cannot avoid, measured in the same run.
 */
import {setMaxListeners} from "node:events";
import {readFileSync, writeFileSync} from "node:fs";
import {availableParallelism, cpus, loadavg} from "node:os";
import {join} from "node:path";
import {parseArgs} from "node:util";
import {controlClient} from "../../src/app/cli/control-client.js";
import {thresholdOf} from "../../src/core/committee/quorum.js";
import type {CeremonyReport} from "../../src/plugin/dkg/report.js";
import {OperatorProcesses} from "../support/dkg-processes.js";
import {operatorMs} from "./dkg-crypto.js";
import {SigningBeside} from "./dkg-signing.js";
import {quantile} from "./figures.js";
import {committeeProcesses, memoryOf} from "./processes.js";

const {values: options} = parseArgs({
  options: {
    dkg: {type: "boolean"},
    quick: {type: "boolean", default: false},
    "write-docs": {type: "boolean", default: false},
    json: {type: "boolean", default: false},
  },
});

/** Validators, operators, how often, how many ceremonies at once; `target` in milliseconds. */
const PLAN = [
  {n: 4, validators: 1, rounds: 9, atOnce: 1, target: 1_000},
  {n: 4, validators: 1, rounds: 3, atOnce: 10, target: null},
  {n: 4, validators: 100, rounds: 3, atOnce: 1, target: 10_000},
  {n: 7, validators: 100, rounds: 2, atOnce: 1, target: null},
  {n: 13, validators: 100, rounds: 1, atOnce: 1, target: null},
  {n: 4, validators: 1_000, rounds: 1, atOnce: 1, target: null},
];
/** How long signatures are asked for without a ceremony. */
const QUIET_MS = 8_000;
const ADDRESS = `0x${"11".repeat(20)}`;

interface Measured {
  readonly n: number;
  readonly validators: number;
  readonly rounds: number;
  readonly atOnce: number;
  readonly target: number | null;
  /** From the last consent until the slowest operator has finished: files written, share signed with. */
  readonly ms: number;
  readonly slowestMs: number;
  /** All operators' cryptography on all cores. */
  readonly floorMs: number;
  readonly operatorMiB: number;
  readonly keeperMiB: number;
  /** Latencies of another key's signatures, before ceremonies and during those that count. */
  readonly quiet: Signing;
  readonly beside: Signing;
}
interface Signing {
  readonly p50Ms: number;
  readonly maxMs: number;
}
const signingOf = (latencies: readonly number[]): Signing => {
  return {p50Ms: quantile(latencies, 0.5), maxMs: Math.max(...latencies)};
};

const began = performance.now();
const progress = (text: string): void =>
  void process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
const cores = availableParallelism();
let operators: OperatorProcesses | null = null;
let signing: SigningBeside | null = null;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    signing?.close();
    operators?.close();
    process.exit(130);
  });
}

async function measure({n, validators, rounds, atOnce, target}: (typeof PLAN)[number]): Promise<Measured> {
  const what = `n = ${n}, ${atOnce} × ${validators} validators`;
  progress(`${what}: the cryptography alone`);
  const floorMs = (Math.min(operatorMs(n, validators), operatorMs(n, validators)) * n * atOnce) / cores;
  progress(`${what}: starting ${n} operators`);
  operators = await OperatorProcesses.create(n);
  try {
    signing = await SigningBeside.create(operators.dir);
    await operators.startAll();
    // The first one connects the operators and compiles their code; it is not counted.
    const {folder} = await ceremonies(operators, {validators: 1, atOnce: 1, name: `${n}-0`});
    await signing.start(join(folder, "committee.json"));
    const {latencies: quiet} = await signing.during(() => new Promise((resolve) => setTimeout(resolve, QUIET_MS)));
    const took: number[] = [];
    const beside: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const {ms, latencies} = await ceremonies(operators, {validators, atOnce, name: `${n}-${round}`});
      progress(`${what}: ${ms.toFixed(0)} ms`);
      took.push(ms);
      beside.push(...latencies);
    }
    const peaks = (role: string): number =>
      Math.max(
        ...committeeProcesses(process.pid)
          .filter((one) => one.role === role)
          .map(({pid}) => memoryOf(pid).peakMiB),
      );
    return {
      ...{n, validators, rounds, atOnce, target, ms: quantile(took, 0.5), slowestMs: Math.max(...took), floorMs},
      ...{
        operatorMiB: peaks("operator"),
        keeperMiB: peaks("keeper"),
        quiet: signingOf(quiet),
        beside: signingOf(beside),
      },
    };
  } finally {
    signing?.close();
    operators.close();
    [operators, signing] = [null, null];
  }
}

/** From the last consents until the last operator has ended the last one. */
async function ceremonies(
  all: OperatorProcesses,
  {validators, atOnce, name}: {validators: number; atOnce: number; name: string},
): Promise<{ms: number; latencies: number[]; folder: string}> {
  const terms = ["--fee-recipient", ADDRESS, "--withdrawal-address", ADDRESS, "--validators", String(validators)];
  const members = all.membersFile([signing!.peerId]);
  const texts: string[] = [];
  for (let i = 0; i < atOnce; i++) {
    const definition = join(all.dir, `${name}-${i}.json`);
    await all.dkgJson(1, "create", "--operators", members, ...terms, "--out", definition);
    texts.push(readFileSync(definition, "utf8"));
  }
  const {signal} = new AbortController();
  // One for each ceremony that is watched.
  setMaxListeners(0, signal);
  const controls = all.peerIds.map((_, i) => controlClient("dkg", {dataDir: all.dataDir(i + 1), signal}));
  const [first, ...others] = controls;
  // All but one have consented and know it of each other.
  for (const definition of texts) for (const control of others) await control.ask("POST", "/run", {definition});
  const complete = async (): Promise<boolean> => {
    const going = ((await others[0]!.ask("GET", "/ceremonies")) as CeremonyReport[]).filter(({end}) => end === null);
    const gathered = going.filter(({participants}) => {
      return participants.filter(({consented}) => consented).length >= others.length;
    });
    return gathered.length === atOnce;
  };
  while (!(await complete())) await new Promise((resolve) => setTimeout(resolve, 50));
  let folder = "";
  const work = async (): Promise<number> => {
    const start = performance.now();
    const ids = await Promise.all(texts.map((definition) => first!.ask("POST", "/run", {definition})));
    const watched = ids.flatMap((one) =>
      controls.map(async (control) => {
        let last: CeremonyReport | null = null;
        const {id} = one as {id: string};
        for await (const report of control.follow("POST", "/watch", {id})) last = report as CeremonyReport;
        if (last?.end?.outcome !== "finished") throw new Error(`the ceremony failed: ${JSON.stringify(last?.end)}`);
        ({folder} = last.end);
      }),
    );
    await Promise.all(watched);
    return performance.now() - start;
  };
  const {result: ms, latencies} = await signing!.during(work);
  return {ms, latencies, folder};
}

const words = ({p50Ms, maxMs}: Signing): string => `${p50Ms.toFixed(0)}, ${maxMs.toFixed(0)} ms`;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

function table(measured: readonly Measured[], loads: readonly [number, number]): string {
  const rows = measured.map((one) => {
    const {n, validators, ms, slowestMs, floorMs, target, operatorMiB, keeperMiB, rounds, atOnce, quiet, beside} = one;
    const met = target === null ? "printed" : `≤ ${seconds(target)}: ${ms <= target ? "met" : "missed"}`;
    const cells = [
      `${atOnce > 1 ? `${atOnce} ceremonies at once, ` : ""}${validators.toLocaleString("en")} × ${n}/${thresholdOf(n)}`,
      `${seconds(ms)}${rounds > 1 ? ` (slowest of ${rounds}: ${seconds(slowestMs)})` : ""}`,
      `${(ms / floorMs).toFixed(1)} × ${seconds(floorMs)}`,
      met,
      `${operatorMiB.toFixed(0)} / ${keeperMiB.toFixed(0)} MiB`,
      `${words(beside)} (before: ${words(quiet)})`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${cores} cores, Node ${process.versions.node}; load ${loads[0].toFixed(1)} before, ${loads[1].toFixed(1)} at its end.`,
    "",
    "| validators × operators / threshold | from the last consent to the last operator's end, median | × the cryptography of all operators on these cores | target | highest memory of an operator's / keeper's process | signing with another key meanwhile: median, longest |",
    "|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

const [BEGIN, END] = ["<!-- dkg figures -->", "<!-- end of dkg figures -->"];

const before = loadavg()[0]!;
const measured: Measured[] = [];
for (const one of options.quick ? PLAN.slice(0, 1) : PLAN) measured.push(await measure(one));
const text = table(measured, [before, loadavg()[0]!]);
process.stdout.write(`${options.json ? JSON.stringify(measured) : text}\n`);
if (options["write-docs"]) {
  const file = join(import.meta.dirname, "../../../docs/performance.md");
  const page = readFileSync(file, "utf8");
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`${file} has lost its marks`);
  writeFileSync(file, `${page.slice(0, from + BEGIN.length)}\n\n${text}\n\n${page.slice(to)}`);
}
process.exit(0);
