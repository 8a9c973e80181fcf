import {readFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {parse} from "yaml";
import {CATALOGUE} from "../../../src/plugin/metrics/catalogue.js";
import {ROOT} from "../plugin/support.js";

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

interface Panel {
  readonly title: string;
  readonly targets?: readonly {readonly expr: string}[];
}

const dashboardQueries = (): string[] =>
  (JSON.parse(read("deploy/grafana/pleiades.json")) as {panels: Panel[]}).panels.flatMap(({targets = []}) =>
    targets.map(({expr}) => expr),
  );

const alertQueries = (): string[] =>
  (parse(read("deploy/prometheus/pleiades.rules.yaml")) as {groups: {rules: {expr: string}[]}[]}).groups.flatMap(
    ({rules}) => rules.map(({expr}) => expr),
  );

/** The catalogue's names as Prometheus stores them: a histogram is three series. */
const series = new Map<string, readonly string[]>();
for (const [name, {type, labels}] of Object.entries(CATALOGUE)) {
  if (type === "histogram") {
    series.set(`${name}_bucket`, [...labels, "le"]);
    series.set(`${name}_sum`, labels);
    series.set(`${name}_count`, labels);
  } else {
    series.set(name, labels);
  }
}

/** What is wrong with a query: metrics that are not in the catalogue, and labels that none of its metrics has. */
function faults(query: string): string[] {
  const names = query.match(/\bpleiades_\w+/g) ?? [];
  const unknown = names.filter((name) => !series.has(name));
  // Prometheus itself adds the target's instance and job.
  const known = new Set(["instance", "job", ...names.flatMap((name) => series.get(name) ?? [])]);
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/,\s*/));
  const matched = [...query.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label]) => label!);
  const strange = [...grouped, ...matched].filter((label) => !known.has(label));
  return [...unknown.map((name) => `metric ${name}`), ...strange.map((label) => `label ${label}`)];
}

describe("the shipped dashboard and alerts", () => {
  it("are as their script writes them", async () => {
    const {dashboardText} = (await import(join(ROOT, "scripts/dashboard.mjs"))) as {dashboardText: () => string};
    expect(read("deploy/grafana/pleiades.json")).to.equal(dashboardText());
  });

  it("ask only for metrics and labels that exist", () => {
    const own = [...dashboardQueries(), ...alertQueries()].filter((query) => query.includes("pleiades_"));
    expect(own).to.have.length.above(20);
    expect(own.flatMap((query) => faults(query).map((fault) => `${fault} in ${query}`))).to.deep.equal([]);
  });

  it("would be found out if they asked for another", () => {
    expect(faults("sum by (le, kind) (rate(pleiades_request_duration_seconds_bucket[5m]))")).to.deep.equal([
      "label kind",
    ]);
    expect(faults('pleiades_request_duration_seconds{outcome="ok"}')).to.include(
      "metric pleiades_request_duration_seconds",
    );
    expect(faults("pleiades_no_such_total")).to.deep.equal(["metric pleiades_no_such_total"]);
  });

  it("show every metric there is", () => {
    const queries = dashboardQueries().join("\n");
    expect(Object.keys(CATALOGUE).filter((name) => !queries.includes(name))).to.deep.equal([]);
  });

  it("give each panel a place of its own", () => {
    const {panels} = JSON.parse(read("deploy/grafana/pleiades.json")) as {
      panels: {title: string; gridPos: {x: number; y: number; w: number; h: number}}[];
    };
    const taken = new Map<string, string>();
    for (const {title, gridPos} of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x},${y}`), `${title} at ${x},${y}`).to.equal(undefined);
          expect(x).to.be.below(24);
          taken.set(`${x},${y}`, title);
        }
      }
    }
  });
});
