/** The benchmark's figures as one SVG of four panels: latency and throughput, against load and against n. */
import {type Figures, floorPerSecond} from "./figures.js";

interface Series {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}
interface Panel {
  readonly title: string;
  readonly xLabel: string;
  readonly unit: string;
  readonly log: boolean;
  readonly series: readonly Series[];
}

const WIDTH = 400;
const HEIGHT = 250;
const MARGIN = {left: 52, right: 14, top: 34, bottom: 40};
const BLUE = "#2463a8";
const ORANGE = "#c2571a";
const GREY = "#777777";

export function plot(figures: Figures): string {
  const {curve, committees} = figures;
  const against = <T>(items: readonly T[], x: (item: T) => number, y: (item: T) => number): [number, number][] =>
    items.map((item) => [x(item), y(item)]);
  const panels: Panel[] = [
    {
      title: "Latency against load, n = 4",
      xLabel: "requests in flight",
      unit: "ms",
      log: true,
      series: [
        {
          name: "p50",
          color: BLUE,
          points: against(
            curve,
            (l) => l.inFlight,
            (l) => l.p50Ms,
          ),
        },
        {
          name: "p99",
          color: ORANGE,
          points: against(
            curve,
            (l) => l.inFlight,
            (l) => l.p99Ms,
          ),
        },
      ],
    },
    {
      title: "Throughput against load, n = 4",
      xLabel: "requests in flight",
      unit: "signatures / s",
      log: false,
      series: [
        {
          name: "measured",
          color: BLUE,
          points: against(
            curve,
            (l) => l.inFlight,
            (l) => l.perSecond,
          ),
        },
        {
          name: "floor",
          color: GREY,
          points: against(
            curve,
            (l) => l.inFlight,
            () => floorPerSecond(figures, 3),
          ),
        },
      ],
    },
    {
      title: "Latency against n, one at a time",
      xLabel: "operators",
      unit: "ms",
      log: true,
      series: [
        {
          name: "p50",
          color: BLUE,
          points: against(
            committees,
            (c) => c.n,
            (c) => c.oneAtATime.p50Ms,
          ),
        },
        {
          name: "p99",
          color: ORANGE,
          points: against(
            committees,
            (c) => c.n,
            (c) => c.oneAtATime.p99Ms,
          ),
        },
      ],
    },
    {
      title: "Throughput against n",
      xLabel: "operators",
      unit: "signatures / s",
      log: false,
      series: [
        {
          name: "measured",
          color: BLUE,
          points: against(
            committees,
            (c) => c.n,
            (c) => c.load.perSecond,
          ),
        },
        {
          name: "floor",
          color: GREY,
          points: against(
            committees,
            (c) => c.n,
            (c) => floorPerSecond(figures, c.t),
          ),
        },
      ],
    },
  ];
  const drawn = panels.map((panel, i) => {
    const [x, y] = [(i % 2) * WIDTH, Math.floor(i / 2) * HEIGHT];
    return `<g transform="translate(${x} ${y})">${draw(panel)}</g>`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * WIDTH} ${2 * HEIGHT + 20}" font-family="sans-serif" font-size="11">\n` +
    `<title>Latency and throughput of a committee against load and size</title>\n` +
    `<rect width="100%" height="100%" fill="#ffffff"/>\n${drawn.join("\n")}\n` +
    `<text x="${WIDTH}" y="${2 * HEIGHT + 10}" text-anchor="middle" fill="${GREY}">${figures.date}, ${figures.cores} cores for everything; floor: cores ÷ (t signs + one batched verification)</text>\n</svg>\n`
  );
}

function draw({title, xLabel, unit, log, series}: Panel): string {
  const points = series.flatMap((one) => one.points);
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const ys = points.map(([, y]) => y);
  const ticks = log ? decades(Math.min(...ys), Math.max(...ys)) : linear(Math.max(...ys));
  const [low, high] = [ticks[0]!, ticks.at(-1)!];
  const [right, bottom] = [WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom];
  // One step for each value that was measured: loads double, sizes rise by three.
  const x = (value: number): number =>
    MARGIN.left + 14 + (xs.indexOf(value) * (right - MARGIN.left - 28)) / Math.max(1, xs.length - 1);
  const part = (value: number): number =>
    log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  const y = (value: number): number => bottom - part(value) * (bottom - MARGIN.top);
  const at = (value: number): string => value.toFixed(1);
  return [
    `<text x="${MARGIN.left}" y="16" font-weight="bold">${title}</text>`,
    `<text x="${MARGIN.left - 6}" y="${MARGIN.top - 6}" text-anchor="end" fill="${GREY}">${unit === "ms" ? unit : "1/s"}</text>`,
    ...ticks.map(
      (tick) =>
        `<line x1="${MARGIN.left}" x2="${right}" y1="${at(y(tick))}" y2="${at(y(tick))}" stroke="#dddddd"/>` +
        `<text x="${MARGIN.left - 6}" y="${at(y(tick) + 4)}" text-anchor="end">${tick}</text>`,
    ),
    ...xs.map((value) => `<text x="${at(x(value))}" y="${bottom + 15}" text-anchor="middle">${value}</text>`),
    `<text x="${(MARGIN.left + right) / 2}" y="${bottom + 30}" text-anchor="middle" fill="${GREY}">${xLabel}</text>`,
    ...series.map(({name, color, points: own}, i) => {
      const line = own.map(([px, py]) => `${at(x(px))},${at(y(py))}`).join(" ");
      const dots = own.map(([px, py]) => `<circle cx="${at(x(px))}" cy="${at(y(py))}" r="2.5" fill="${color}"/>`);
      const legend = `<text x="${right - (series.length - 1 - i) * 70}" y="16" text-anchor="end" fill="${color}">${name}</text>`;
      return `<polyline points="${line}" fill="none" stroke="${color}" stroke-width="1.5"/>${dots.join("")}${legend}`;
    }),
  ].join("");
}

/** 1, 2 and 5 times powers of ten, from below the lowest to above the highest. */
function decades(low: number, high: number): number[] {
  const all = Array.from({length: 8}, (_, i) => 10 ** (i - 2)).flatMap((ten) => [ten, 2 * ten, 5 * ten]);
  const first = all.findLastIndex((tick) => tick <= low);
  const last = all.findIndex((tick) => tick >= high);
  return all.slice(Math.max(0, first), last + 1).map((tick) => Number(tick.toPrecision(2)));
}

function linear(high: number): number[] {
  const step = decades(high / 8, high)[1] ?? 1;
  return Array.from({length: Math.ceil(high / step) + 1}, (_, i) => i * step);
}
