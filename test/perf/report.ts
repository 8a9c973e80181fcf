/** The benchmark's figures as a table in Markdown: the same on the terminal and in docs/performance.md. */
import {readFileSync, writeFileSync} from "node:fs";
import {type CpuShare, type Figures, floorPerSecond} from "./figures.js";

/** Where the hedge delay starts: the adaptive one is never shorter. */
const HEDGE_MS = 25;

interface Row {
  readonly figure: string;
  readonly measured: string;
  readonly ratio?: string;
  readonly target?: string;
  readonly met?: boolean;
}

const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
const seconds = (value: number): string => `${(value / 1000).toFixed(1)} s`;
const times = (value: number): string => `${value.toFixed(2)} ×`;
const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;
const rate = (value: number): string => `${value.toFixed(0)} /s`;
const withFailed = ({perSecond, failed}: {perSecond: number; failed: number}): string =>
  failed === 0 ? rate(perSecond) : `${rate(perSecond)}, ${failed} failed`;

function cryptoRows({crypto, combine}: Figures): Row[] {
  return [
    {figure: "blst sign", measured: ms(crypto.signMs)},
    {figure: "blst verify", measured: ms(crypto.verifyMs)},
    {figure: "blst verify, in batches of 64, core time for one", measured: ms(crypto.batchedVerifyMs)},
    ...combine.map(({n, ms: took}): Row => {
      const ratio = `${percent(took / crypto.verifyMs)} of a verify`;
      const target = n === 4 ? {target: "≤ 10 %", met: took <= 0.1 * crypto.verifyMs} : {};
      return {figure: `combine, n = ${n}, dearest signers`, measured: ms(took), ratio, ...target};
    }),
  ];
}

function committeeRows(figures: Figures): Row[] {
  const unit = figures.crypto.signMs + figures.crypto.verifyMs;
  return figures.committees.flatMap(({n, t, oneAtATime, commit, load}): Row[] => {
    const floor = floorPerSecond(figures, t);
    const four = n === 4;
    const {p50Ms, p99Ms} = oneAtATime;
    const at = (text: string): string => `n = ${n}: ${text}`;
    return [
      {
        figure: at("one at a time, p50"),
        measured: ms(p50Ms),
        ratio: `${times(p50Ms / unit)} (sign + verify)`,
        ...(four ? {target: "≤ 2 ×", met: p50Ms <= 2 * unit} : {}),
      },
      {
        figure: at("one at a time, p99"),
        measured: ms(p99Ms),
        ratio: `${times(p99Ms / unit)} (sign + verify)`,
        ...(four
          ? {target: `≤ 5 × and a commit: ${ms(5 * unit + commit.p99Ms)}`, met: p99Ms <= 5 * unit + commit.p99Ms}
          : {}),
      },
      {figure: at("a commit of the store meanwhile, p50 / p99"), measured: `${ms(commit.p50Ms)} / ${ms(commit.p99Ms)}`},
      {
        figure: at(`throughput, ${load.inFlight} in flight, distinct messages`),
        measured: withFailed(load),
        ratio: `${percent(load.perSecond / floor)} of the floor, ${rate(floor)}`,
        ...(four ? {target: "≥ 60 %", met: load.perSecond >= 0.6 * floor} : {}),
      },
    ];
  });
}

function burstRows(figures: Figures): Row[] {
  const {burst} = figures;
  if (burst === null) return [];
  const floorMs = (1000 * burst.keys) / floorPerSecond(figures, 3);
  const whole = (what: string, took: number): Row => ({
    figure: `${burst.keys} attestations of one message, ${what}`,
    measured: ms(took),
    ratio: `${times(took / floorMs)} the floor, ${ms(floorMs)}`,
    target: "≤ 1.5 ×",
    met: took <= 1.5 * floorMs,
  });
  const block = ({p50Ms, p99Ms}: {p50Ms: number; p99Ms: number}): string => `${ms(p50Ms)} / ${ms(p99Ms)}`;
  return [
    whole("single requests", burst.singleMs),
    whole("one batch request", burst.batchMs),
    {figure: "a block alone, p50 / p99", measured: block(burst.blockAlone)},
    {
      figure: `a block behind ${burst.keys} attestations, p50 / p99`,
      measured: block(burst.blockDuring),
      ratio: `${percent(burst.blockDuring.p50Ms / burst.batchMs)} of theirs`,
    },
  ];
}

function crashRows({crash}: Figures): Row[] {
  if (crash === null) return [];
  const {healthy, during, after} = crash;
  const rows = [
    ["an operator is killed under load", during],
    ["one operator away", after],
  ] as const;
  return rows.flatMap(([what, load]): Row[] => [
    {
      figure: `${what}: throughput`,
      measured: withFailed(load),
      ratio: `${percent(load.perSecond / healthy.perSecond)} of healthy`,
      target: "≥ 80 %",
      met: load.perSecond >= 0.8 * healthy.perSecond,
    },
    {
      figure: `${what}: p99`,
      measured: ms(load.p99Ms),
      ratio: `healthy: ${ms(healthy.p99Ms)}`,
      target: `≤ healthy + ${HEDGE_MS} ms`,
      met: load.p99Ms <= healthy.p99Ms + HEDGE_MS,
    },
  ]);
}

function startRows({starts}: Figures): Row[] {
  return starts.flatMap(
    ({keys, splitMs, firstStartMs, secondStartMs, operatorMiB, keeperMiB, keeperPeakMiB}): Row[] => {
      const bound = keys === 1000;
      const count = keys.toLocaleString("en");
      return [
        {figure: `${count} validators: split`, measured: seconds(splitMs)},
        {figure: `${count} validators: first start, four operators and signer`, measured: seconds(firstStartMs)},
        {
          figure: `${count} validators: second start, the same`,
          measured: seconds(secondStartMs),
          ...(bound ? {target: "≤ 10 s", met: secondStartMs <= 10_000} : {}),
        },
        {
          figure: `${count} validators: memory of one operator, both processes`,
          measured: `${(operatorMiB + keeperMiB).toFixed(0)} MiB`,
          ratio: `${(operatorMiB + keeperPeakMiB).toFixed(0)} MiB while the store's key is derived`,
          ...(bound ? {target: "≤ 300 MB", met: (operatorMiB + keeperMiB) * 1.048576 <= 300} : {}),
        },
      ];
    },
  );
}

function cpuRows({committees, curve}: Figures): string {
  const four = committees.find(({n}) => n === 4);
  if (four === undefined) return "";
  const row = (name: string, {signer, operator, keeper, client}: CpuShare): string =>
    `| ${[name, signer, operator, keeper, client, signer + operator + keeper + client]
      .map((cell) => (typeof cell === "number" ? cell.toFixed(2) : cell))
      .join(" | ")} |`;
  return [
    "Core milliseconds of one signature, n = 4 (all operator processes together, all keepers together):",
    "",
    "| in flight | signer | operators | keepers | load client | sum |",
    "|---|---|---|---|---|---|",
    row("1", four.oneAtATime.cpuMs),
    ...curve.filter(({inFlight}) => inFlight > 1).map(({inFlight, cpuMs}) => row(String(inFlight), cpuMs)),
  ].join("\n");
}

/** Markdown. */
export function table(figures: Figures): string {
  const rows = [cryptoRows, committeeRows, burstRows, crashRows, startRows].flatMap((make) => make(figures));
  const {date, machine, cores, loadAverage} = figures;
  const [before, after] = loadAverage;
  return [
    `${date}, ${cores} cores (${machine.trim()}) for everything: load client, signer, operators, keepers, stores on one disk.`,
    `Load average of the machine before the run ${before.toFixed(1)}, at its end ${after.toFixed(1)}.`,
    "",
    "| figure | measured | ratio | target | met |",
    "|---|---|---|---|---|",
    ...rows.map(({figure, measured, ratio = "", target = "", met}) => {
      const verdict = met === undefined ? "" : met ? "yes" : "**no**";
      return `| ${figure} | ${measured} | ${ratio} | ${target} | ${verdict} |`;
    }),
    "",
    cpuRows(figures),
  ].join("\n");
}

const BEGIN = "<!-- written by `npm run bench -- --write-docs`: begin -->";
const END = "<!-- end -->";

const PLOT = "![Latency and throughput against load and size](images/performance.svg)";

/** Puts table and plot between the two marks. */
export function writeDocs(file: string, figures: Figures): void {
  const text = readFileSync(file, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`${file} has lost its marks`);
  writeFileSync(file, `${text.slice(0, begin + BEGIN.length)}\n\n${table(figures)}\n\n${PLOT}\n\n${text.slice(end)}`);
}
