/**
 * `npm run bench -- --dkg`: how long a key ceremony takes among operators in processes of their own, over real libp2p with
 * journals on disk and a keeper each, against the cryptography it cannot avoid, measured in the same run.
 */
import {readFileSync, writeFileSync} from "node:fs";
import {availableParallelism, cpus, loadavg} from "node:os";
import {join} from "node:path";
import {parseArgs} from "node:util";
import {controlClient} from "../../src/app/cli/control-client.js";
import {thresholdOf} from "../../src/core/committee/quorum.js";
import type {CeremonyReport} from "../../src/plugin/dkg/report.js";
import {OperatorProcesses} from "../support/dkg-processes.js";
import {operatorMs} from "./dkg-crypto.js";
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

/** Validators, operators, how often; `target` in milliseconds. */
const PLAN = [
  {n: 4, validators: 1, rounds: 9, target: 1_000},
  {n: 4, validators: 100, rounds: 3, target: 10_000},
  {n: 7, validators: 100, rounds: 2, target: null},
  {n: 4, validators: 1_000, rounds: 1, target: null},
];
const ADDRESS = `0x${"11".repeat(20)}`;

interface Measured {
  readonly n: number;
  readonly validators: number;
  readonly rounds: number;
  readonly target: number | null;
  /** From the last consent until the slowest operator has finished: files written, share signed with. */
  readonly ms: number;
  readonly slowestMs: number;
  /** All operators' cryptography on all cores. */
  readonly floorMs: number;
  readonly operatorMiB: number;
  readonly keeperMiB: number;
}

const began = performance.now();
const progress = (text: string): void =>
  void process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
const cores = availableParallelism();
let operators: OperatorProcesses | null = null;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    operators?.close();
    process.exit(130);
  });
}

async function measure({n, validators, rounds, target}: (typeof PLAN)[number]): Promise<Measured> {
  progress(`n = ${n}, ${validators} validators: the cryptography alone`);
  const floorMs = (Math.min(operatorMs(n, validators), operatorMs(n, validators)) * n) / cores;
  progress(`n = ${n}, ${validators} validators: starting ${n} operators`);
  operators = await OperatorProcesses.create(n);
  try {
    await operators.startAll();
    const took: number[] = [];
    // The first one connects the operators and compiles their code; it is not counted.
    for (let round = 0; round <= rounds; round++) {
      const ms = await ceremony(operators, round === 0 ? 1 : validators, `${n}-${round}`);
      progress(`n = ${n}, ${round === 0 ? 1 : validators} validators: ${ms.toFixed(0)} ms`);
      if (round > 0) took.push(ms);
    }
    const peaks = (role: string): number =>
      Math.max(
        ...committeeProcesses(process.pid)
          .filter((one) => one.role === role)
          .map(({pid}) => memoryOf(pid).peakMiB),
      );
    const memory = {operatorMiB: peaks("operator"), keeperMiB: peaks("keeper")};
    return {n, validators, rounds, target, ms: quantile(took, 0.5), slowestMs: Math.max(...took), floorMs, ...memory};
  } finally {
    operators.close();
    operators = null;
  }
}

async function ceremony(all: OperatorProcesses, validators: number, name: string): Promise<number> {
  const definition = join(all.dir, `${name}.json`);
  const who = ["--operators", all.membersFile(), "--fee-recipient", ADDRESS, "--withdrawal-address", ADDRESS];
  await all.dkgJson(1, "create", ...who, "--validators", String(validators), "--out", definition);
  const text = readFileSync(definition, "utf8");
  const controls = all.peerIds.map((_, i) =>
    controlClient("dkg", {dataDir: all.dataDir(i + 1), signal: new AbortController().signal}),
  );
  const [first, ...others] = controls;
  // All but one have consented and know it of each other.
  for (const control of others) await control.ask("POST", "/run", {definition: text});
  const consents = async (): Promise<number> => {
    const [newest] = ((await others[0]!.ask("GET", "/ceremonies")) as CeremonyReport[]).filter(({end}) => end === null);
    return newest?.participants.filter(({consented}) => consented).length ?? 0;
  };
  while ((await consents()) < others.length) await new Promise((resolve) => setTimeout(resolve, 50));
  const start = performance.now();
  const {id} = (await first!.ask("POST", "/run", {definition: text})) as {id: string};
  await Promise.all(
    controls.map(async (control) => {
      let last: CeremonyReport | null = null;
      for await (const report of control.follow("POST", "/watch", {id})) last = report as CeremonyReport;
      if (last?.end?.outcome !== "finished") throw new Error(`the ceremony failed: ${JSON.stringify(last?.end)}`);
    }),
  );
  return performance.now() - start;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

function table(measured: readonly Measured[], loads: readonly [number, number]): string {
  const rows = measured.map(({n, validators, ms, slowestMs, floorMs, target, operatorMiB, keeperMiB, rounds}) => {
    const met = target === null ? "printed" : `≤ ${seconds(target)}: ${ms <= target ? "met" : "missed"}`;
    const cells = [
      `${validators.toLocaleString("en")} × ${n}/${thresholdOf(n)}`,
      `${seconds(ms)}${rounds > 1 ? ` (slowest of ${rounds}: ${seconds(slowestMs)})` : ""}`,
      `${(ms / floorMs).toFixed(1)} × ${seconds(floorMs)}`,
      met,
      `${operatorMiB.toFixed(0)} / ${keeperMiB.toFixed(0)} MiB`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${cores} cores, Node ${process.versions.node}; load ${loads[0].toFixed(1)} before, ${loads[1].toFixed(1)} at its end.`,
    "",
    "| validators × operators / threshold | from the last consent to the last operator's end, median | × the cryptography of all operators on these cores | target | highest memory of an operator's / keeper's process |",
    "|---|---|---|---|---|",
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
