/**
 * Writes deploy/grafana/pleiades.json, the dashboard, from the table of panels below: `node scripts/dashboard.mjs`.
 * A test holds the file against this table and every query against the metrics that exist.
 */
import {writeFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";

export const DASHBOARD_FILE = join(dirname(fileURLToPath(import.meta.url)), "..", "deploy", "grafana", "pleiades.json");

const WIDTH = 24;
const by = (labels, query) => `sum by (${labels}) (${query})`;
const rate = (metric) => `rate(${metric}[$__rate_interval])`;
const quantile = (q, labels, metric) =>
  `histogram_quantile(${q}, ${by(["le", ...labels].join(", "), rate(`${metric}_bucket`))})`;

/** [query, legend] pairs make a panel's lines. */
const ROWS = [
  {
    title: "At a glance",
    panels: [
      {
        title: "Spare operators",
        description:
          "Healthy operators beyond the threshold. 0: the next failure stops signing. Below 0: nothing is signed.",
        kind: "stat",
        width: 4,
        thresholds: [
          ["red", null],
          ["orange", 0],
          ["green", 1],
        ],
        lines: [["min(pleiades_committee_spare_operators)", ""]],
      },
      {
        title: "Missed duties, 24 h",
        description: "Well-formed requests that nobody refused and that still ended without a signature.",
        kind: "stat",
        width: 4,
        thresholds: [
          ["green", null],
          ["red", 1],
        ],
        lines: [["sum(increase(pleiades_missed_duties_total[24h])) or vector(0)", ""]],
      },
      {
        title: "Refusals, 24 h",
        kind: "stat",
        width: 4,
        thresholds: [
          ["green", null],
          ["orange", 1],
        ],
        lines: [["sum(increase(pleiades_request_refusals_total[24h])) or vector(0)", ""]],
      },
      {
        title: "Signatures per second",
        kind: "stat",
        width: 4,
        lines: [['sum(rate(pleiades_request_duration_seconds_count{outcome="ok"}[5m]))', ""]],
      },
      {
        title: "p99 latency",
        kind: "stat",
        unit: "s",
        width: 4,
        thresholds: [
          ["green", null],
          ["orange", 0.5],
          ["red", 2],
        ],
        lines: [
          [
            'histogram_quantile(0.99, sum by (le) (rate(pleiades_request_duration_seconds_bucket{outcome="ok"}[5m])))',
            "",
          ],
        ],
      },
      {
        title: "Keepers that sign",
        kind: "stat",
        width: 4,
        thresholds: [
          ["red", null],
          ["green", 1],
        ],
        lines: [["sum(pleiades_keeper_signing)", ""]],
      },
    ],
  },
  {
    title: "Duties",
    panels: [
      {
        title: "Latency by duty, p99",
        unit: "s",
        width: 12,
        lines: [[quantile(0.99, ["type"], "pleiades_request_duration_seconds"), "{{type}}"]],
      },
      {
        title: "Latency by duty, median",
        unit: "s",
        width: 12,
        lines: [[quantile(0.5, ["type"], "pleiades_request_duration_seconds"), "{{type}}"]],
      },
      {
        title: "Requests by duty and outcome",
        unit: "reqps",
        width: 12,
        lines: [[by("type, outcome", rate("pleiades_request_duration_seconds_count")), "{{type}} {{outcome}}"]],
      },
      {
        title: "Missed duties by reason",
        description: "Each reason is explained in docs/reasons.md.",
        width: 6,
        lines: [[by("type, code", "increase(pleiades_missed_duties_total[$__rate_interval])"), "{{type}} {{code}}"]],
      },
      {
        title: "Refusals by reason",
        width: 6,
        lines: [[by("type, code", "increase(pleiades_request_refusals_total[$__rate_interval])"), "{{type}} {{code}}"]],
      },
      {
        title: "Requests in progress and waiting",
        width: 12,
        lines: [["pleiades_requests", "{{queue}} {{state}} {{instance}}"]],
      },
      {
        title: "Repeats answered from memory",
        unit: "reqps",
        width: 6,
        lines: [[by("type", rate("pleiades_replayed_requests_total")), "{{type}}"]],
      },
      {title: "Validators", width: 6, lines: [["pleiades_validators", "{{instance}}"]]},
    ],
  },
  {
    title: "Operators, as the signer sees them",
    panels: [
      {
        title: "Participation",
        description:
          "Share of the group signatures an operator took part in. The fastest healthy ones are asked first, so a spare one takes part in fewer.",
        unit: "percentunit",
        width: 12,
        lines: [
          [
            `${by("operator", rate("pleiades_operator_participations_total"))} / scalar(sum(rate(pleiades_request_duration_seconds_count{outcome="ok"}[$__rate_interval])))`,
            "operator {{operator}}",
          ],
        ],
      },
      {
        title: "Lag: time to answer, p99",
        unit: "s",
        width: 12,
        lines: [[quantile(0.99, ["operator"], "pleiades_operator_answer_duration_seconds"), "operator {{operator}}"]],
      },
      {
        title: "Smoothed time to answer",
        unit: "s",
        width: 8,
        lines: [["pleiades_operator_latency_seconds", "{{peer}}"]],
      },
      {
        title: "Answers that are no signature",
        unit: "reqps",
        width: 8,
        lines: [
          [
            by("operator, outcome", rate('pleiades_operator_answers_total{outcome!="signed"}')),
            "operator {{operator}} {{outcome}}",
          ],
        ],
      },
      {title: "Healthy", width: 4, lines: [["pleiades_operator_healthy", "{{peer}}"]]},
      {title: "Connected", width: 4, lines: [["pleiades_peer_connected", "{{peer}}"]]},
      {
        title: "Clock, against the signer's",
        unit: "s",
        width: 12,
        lines: [["pleiades_operator_clock_offset_seconds", "{{peer}}"]],
      },
      {
        title: "Round trip",
        unit: "s",
        width: 12,
        lines: [["pleiades_operator_round_trip_seconds", "{{peer}}"]],
      },
      {
        title: "Wrong partial signatures",
        description: "Any is a matter for a person: a wrong share, broken memory, or a lie.",
        width: 12,
        lines: [
          [by("operator", "increase(pleiades_operator_convictions_total[$__rate_interval])"), "operator {{operator}}"],
        ],
      },
      {
        title: "Refused before the keeper",
        unit: "reqps",
        width: 12,
        lines: [[by("code, instance", rate("pleiades_screened_requests_total")), "{{code}} {{instance}}"]],
      },
    ],
  },
  {
    title: "Keepers and their stores",
    panels: [
      {
        title: "Decisions",
        unit: "reqps",
        width: 12,
        lines: [
          [by("outcome, type, instance", rate("pleiades_keeper_decisions_total")), "{{instance}} {{type}} {{outcome}}"],
        ],
      },
      {
        title: "Time to decide and sign, p99",
        unit: "s",
        width: 12,
        lines: [
          [quantile(0.99, ["type", "instance"], "pleiades_keeper_decision_duration_seconds"), "{{instance}} {{type}}"],
        ],
      },
      {
        title: "Commit time, median and p99",
        unit: "s",
        width: 12,
        lines: [
          [quantile(0.5, ["instance"], "pleiades_store_commit_duration_seconds"), "{{instance}} median"],
          [quantile(0.99, ["instance"], "pleiades_store_commit_duration_seconds"), "{{instance}} p99"],
        ],
      },
      {
        title: "Records made durable together",
        width: 12,
        lines: [
          [
            `${by("instance", rate("pleiades_store_commit_records_sum"))} / ${by("instance", rate("pleiades_store_commit_records_count"))}`,
            "{{instance}}",
          ],
        ],
      },
      {
        title: "Alarms of keepers",
        description:
          "KEEPER_ROLLED_BACK: its records were old and it went to the floor. KEEPER_SECOND_COPY: another copy of it runs; both stop.",
        width: 12,
        lines: [
          [by("code, instance", "increase(pleiades_keeper_alarms_total[$__rate_interval])"), "{{instance}} {{code}}"],
        ],
      },
      {
        title: "Free space below the record store",
        description: "Below 1 GiB the operator warns; when a record cannot be written it stops signing.",
        unit: "bytes",
        width: 12,
        lines: [["pleiades_store_disk_free_bytes", "{{instance}}"]],
      },
    ],
  },
  {
    title: "Processes",
    panels: [
      {
        title: "CPU",
        unit: "percentunit",
        width: 8,
        lines: [["rate(process_cpu_seconds_total[$__rate_interval])", "{{instance}}"]],
      },
      {title: "Memory", unit: "bytes", width: 8, lines: [["process_resident_memory_bytes", "{{instance}}"]]},
      {
        title: "Event loop delay, p99",
        unit: "s",
        width: 8,
        lines: [["nodejs_eventloop_lag_p99_seconds", "{{instance}}"]],
      },
    ],
  },
];

/** The dashboard as Grafana imports it (schema of Grafana 10). */
export function dashboard() {
  const panels = [];
  let y = 0;
  let id = 1;
  for (const row of ROWS) {
    panels.push({
      id: id++,
      type: "row",
      title: row.title,
      collapsed: false,
      panels: [],
      gridPos: {x: 0, y: y++, w: WIDTH, h: 1},
    });
    let x = 0;
    const height = row.panels.every(({kind}) => kind === "stat") ? 4 : 8;
    for (const panel of row.panels) {
      if (x + panel.width > WIDTH) {
        x = 0;
        y += height;
      }
      panels.push({...toPanel(panel, id++), gridPos: {x, y, w: panel.width, h: height}});
      x += panel.width;
    }
    y += height;
  }
  return {
    uid: "pleiades",
    title: "Pleiades",
    tags: ["ethereum", "validator"],
    schemaVersion: 38,
    editable: true,
    graphTooltip: 1,
    refresh: "30s",
    time: {from: "now-6h", to: "now"},
    templating: {
      list: [{name: "datasource", type: "datasource", query: "prometheus", label: "Data source", hide: 0, refresh: 1}],
    },
    panels,
  };
}

function toPanel({title, description, kind = "timeseries", unit = "short", thresholds, lines}, id) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana replaces it
  const datasource = {type: "prometheus", uid: "${datasource}"};
  const steps = thresholds?.map(([color, value]) => ({color, value}));
  return {
    id,
    title,
    ...(description === undefined ? {} : {description}),
    type: kind,
    datasource,
    fieldConfig: {
      defaults: {
        unit,
        ...(steps === undefined ? {} : {thresholds: {mode: "absolute", steps}}),
        ...(kind === "timeseries" ? {custom: {fillOpacity: 8, showPoints: "never", spanNulls: false}} : {}),
      },
      overrides: [],
    },
    options:
      kind === "stat"
        ? {
            reduceOptions: {calcs: ["lastNotNull"], fields: "", values: false},
            colorMode: "background",
            graphMode: "none",
          }
        : {legend: {displayMode: "list", placement: "bottom"}, tooltip: {mode: "multi", sort: "desc"}},
    targets: lines.map(([expr, legendFormat], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource,
      expr,
      legendFormat,
    })),
  };
}

export const dashboardText = () => `${JSON.stringify(dashboard(), null, 2)}\n`;

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeFileSync(DASHBOARD_FILE, dashboardText());
