import {readFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {Registry} from "prom-client";
import {parseOperatorId, parsePeerIdText} from "../../../src/core/bytes.js";
import type {ReasonCode} from "../../../src/core/errors.js";
import {createMetricsPlugin} from "../../../src/plugin/metrics/plugin.js";
import {MetricsRecorder} from "../../../src/plugin/metrics/recorder.js";
import type {PleiadesEvent} from "../../../src/ports/observer.js";
import type {CommitteeHealth} from "../../../src/ports/signing-service.js";
import {tableRows} from "../../support/markdown.js";
import {bench, KEY, ROOT, rejection} from "./support.js";

const operatorId = parseOperatorId(3);
const peerId = parsePeerIdText("16Uiu2HAmQkV3eJ3Yb1fZ5mLk7rNd6gkq9wTqPpW6XvSg2tBxC4hD");

function recorded(...events: PleiadesEvent[]): Promise<string> {
  const registry = new Registry();
  const recorder = new MetricsRecorder({registry});
  for (const event of events) recorder.record(event);
  return registry.metrics();
}

const finished = (outcome: "ok" | ReasonCode, more: Partial<PleiadesEvent & {kind: "request-finished"}> = {}) =>
  ({
    kind: "request-finished",
    type: "ATTESTATION",
    key: KEY,
    outcome,
    durationMs: 30,
    signers: [],
    replayed: false,
    ...more,
  }) as const;

/** The samples of one metric, without comments. */
const samples = (text: string, name: string): string[] =>
  text.split("\n").filter((line) => new RegExp(`^${name}(?:\\{| )`).test(line));

describe("metrics", () => {
  it("time requests in seconds by type and outcome, and count who took part", async () => {
    const signers = [parseOperatorId(1), operatorId];
    const text = await recorded(finished("ok", {signers}), finished("ok", {signers: [operatorId], durationMs: 300}));
    expect(samples(text, "pleiades_request_duration_seconds_sum")).to.deep.equal([
      'pleiades_request_duration_seconds_sum{type="ATTESTATION",outcome="ok"} 0.32999999999999996',
    ]);
    expect(text).to.include('pleiades_request_duration_seconds_bucket{le="0.05",type="ATTESTATION",outcome="ok"} 1');
    expect(samples(text, "pleiades_operator_participations_total")).to.deep.equal([
      'pleiades_operator_participations_total{operator="1"} 1',
      'pleiades_operator_participations_total{operator="3"} 2',
    ]);
    expect(samples(text, "pleiades_missed_duties_total")).to.deep.equal([]);
  });

  it("tell refusals, callers' mistakes and missed duties apart", async () => {
    const text = await recorded(
      finished("PLUGIN_VETO"),
      finished("CODEC_HEX"),
      finished("INTERNAL"),
      finished("INTERNAL"),
    );
    expect(samples(text, "pleiades_request_refusals_total")).to.deep.equal([
      'pleiades_request_refusals_total{type="ATTESTATION",code="PLUGIN_VETO"} 1',
    ]);
    expect(samples(text, "pleiades_missed_duties_total")).to.deep.equal([
      'pleiades_missed_duties_total{type="ATTESTATION",code="INTERNAL"} 2',
    ]);
    const counts = samples(text, "pleiades_request_duration_seconds_count");
    expect(counts.map((line) => /outcome="(\w+)"} (\d)/.exec(line)?.slice(1))).to.deep.equal([
      ["refused", "1"],
      ["invalid", "1"],
      ["failed", "2"],
    ]);
  });

  it("count replays", async () => {
    const text = await recorded(finished("ok"), finished("ok", {replayed: true}));
    expect(samples(text, "pleiades_replayed_requests_total")).to.deep.equal([
      'pleiades_replayed_requests_total{type="ATTESTATION"} 1',
    ]);
  });

  it("count and time each operator's answers, and name liars", async () => {
    const text = await recorded(
      {kind: "operator-answered", operatorId, peerId, outcome: "signed", durationMs: 4},
      {kind: "operator-answered", operatorId, peerId, outcome: "PLUGIN_VETO", durationMs: 2},
      {kind: "operator-convicted", operatorId, peerId, key: KEY},
    );
    expect(samples(text, "pleiades_operator_answers_total")).to.deep.equal([
      'pleiades_operator_answers_total{operator="3",outcome="signed"} 1',
      'pleiades_operator_answers_total{operator="3",outcome="PLUGIN_VETO"} 1',
    ]);
    expect(text).to.include('pleiades_operator_answer_duration_seconds_sum{operator="3",outcome="signed"} 0.004');
    expect(samples(text, "pleiades_operator_convictions_total")).to.deep.equal([
      'pleiades_operator_convictions_total{operator="3"} 1',
    ]);
  });

  it("show which peers are connected", async () => {
    const up = {kind: "operator-connected", peerId} as const;
    const down = {kind: "operator-disconnected", peerId} as const;
    expect(samples(await recorded(up, up), "pleiades_peer_connected")).to.deep.equal([
      `pleiades_peer_connected{peer="${peerId}"} 1`,
    ]);
    expect(samples(await recorded(up, down), "pleiades_peer_connected")).to.deep.equal([
      `pleiades_peer_connected{peer="${peerId}"} 0`,
    ]);
  });

  it("count what an operator refused before its keeper saw it", async () => {
    const text = await recorded({kind: "operator-refused", peerId, key: KEY, outcome: "PLUGIN_VETO"});
    expect(samples(text, "pleiades_screened_requests_total")).to.deep.equal([
      'pleiades_screened_requests_total{code="PLUGIN_VETO"} 1',
    ]);
  });

  it("count the keeper's decisions and time the store's commits", async () => {
    const text = await recorded(
      {kind: "keeper-decided", type: "BLOCK_V2", outcome: "signed", durationMs: 3},
      {kind: "store-committed", records: 5, durationMs: 2},
    );
    expect(samples(text, "pleiades_keeper_decisions_total")).to.deep.equal([
      'pleiades_keeper_decisions_total{type="BLOCK_V2",outcome="signed"} 1',
    ]);
    expect(text).to.include("pleiades_store_commit_duration_seconds_sum 0.002");
    expect(text).to.include("pleiades_store_commit_records_sum 5");
    expect(text).to.include('pleiades_keeper_decision_duration_seconds_count{type="BLOCK_V2"} 1');
  });
});

describe("sampled metrics", () => {
  const operator = (peer: string, healthy: boolean, latencyMs: number | null) => ({
    peerId: parsePeerIdText(peer),
    connected: healthy,
    software: null,
    roundTripMs: latencyMs === null ? null : 2,
    clockOffsetMs: latencyMs === null ? null : -250,
    stopCode: null,
    operatorId,
    healthy,
    convicted: false,
    latencyMs,
    consecutiveMisses: 0,
  });
  const other = "16Uiu2HAmQkV3eJ3Yb1fZ5mLk7rNd6gkq9wTqPpW6XvSg2tBxC4hE";
  const sampled = (...committees: CommitteeHealth[]): PleiadesEvent => ({
    kind: "signer-sampled",
    committees,
    running: 2,
    waiting: 7,
  });
  const committee = (healthyOperators: number, operators: CommitteeHealth["operators"]): CommitteeHealth => ({
    keys: 10,
    n: 4,
    threshold: 3,
    healthyOperators,
    operators,
  });

  it("show what a signer's committees can spare, each operator's standing, and its queue", async () => {
    const text = await recorded(
      sampled(committee(4, [operator(peerId, true, 5)]), committee(2, [operator(other, false, null)])),
    );
    expect(samples(text, "pleiades_committee_spare_operators")).to.deep.equal([
      "pleiades_committee_spare_operators -1",
    ]);
    expect(samples(text, "pleiades_validators")).to.deep.equal(["pleiades_validators 20"]);
    expect(samples(text, "pleiades_operator_healthy")).to.deep.equal([
      `pleiades_operator_healthy{peer="${peerId}"} 1`,
      `pleiades_operator_healthy{peer="${other}"} 0`,
    ]);
    expect(samples(text, "pleiades_operator_latency_seconds")).to.deep.equal([
      `pleiades_operator_latency_seconds{peer="${peerId}"} 0.005`,
    ]);
    expect(samples(text, "pleiades_operator_clock_offset_seconds")).to.deep.equal([
      `pleiades_operator_clock_offset_seconds{peer="${peerId}"} -0.25`,
    ]);
    expect(samples(text, "pleiades_operator_round_trip_seconds")).to.deep.equal([
      `pleiades_operator_round_trip_seconds{peer="${peerId}"} 0.002`,
    ]);
    expect(samples(text, "pleiades_requests")).to.deep.equal([
      'pleiades_requests{queue="signer",state="running"} 2',
      'pleiades_requests{queue="signer",state="waiting"} 7',
    ]);
  });

  it("forget operators of committees that are gone", async () => {
    const text = await recorded(
      sampled(committee(1, [operator(peerId, true, 5)])),
      sampled(committee(1, [operator(other, true, 5)])),
    );
    expect(text).not.to.include(`peer="${peerId}"`);
    expect(text).to.include(`peer="${other}"`);
  });

  it("show an operator's keeper", async () => {
    const text = await recorded({kind: "keeper-sampled", signing: false, waiting: 3, keys: 12});
    expect(samples(text, "pleiades_keeper_signing")).to.deep.equal(["pleiades_keeper_signing 0"]);
    expect(samples(text, "pleiades_requests")).to.deep.equal(['pleiades_requests{queue="keeper",state="waiting"} 3']);
    expect(samples(text, "pleiades_validators")).to.deep.equal(["pleiades_validators 12"]);
  });
});

describe("the metrics plugin", () => {
  it("serves what its observer saw, and the process's own figures once started", async () => {
    const host = await bench().load([{name: "metrics"}], {builtins: [createMetricsPlugin()]});
    const [route] = host.routes;
    expect(route).to.include({plugin: "metrics", method: "GET", path: ""});
    const get = () => route!.handler({query: {}, headers: {}, body: null});
    host.observer(finished("ok"));
    const before = await get();
    expect(before.status).to.equal(200);
    expect(before.contentType).to.match(/^text\/plain; version=0\.0\.4/);
    expect(before.body).to.include('pleiades_request_duration_seconds_count{type="ATTESTATION",outcome="ok"} 1');
    expect(before.body).not.to.include("process_cpu_seconds_total");
    await host.start();
    expect((await get()).body).to.include("process_cpu_seconds_total");
    await host.stop();
  });

  it("leaves the process's own figures out when told so, and knows no other setting", async () => {
    const load = (config: unknown) => bench().load([{name: "metrics", config}], {builtins: [createMetricsPlugin()]});
    const host = await load({processMetrics: false});
    await host.start();
    const {body} = await host.routes[0]!.handler({query: {}, headers: {}, body: null});
    expect(body).not.to.include("process_cpu_seconds_total");
    await host.stop();
    await rejection("PLUGIN_CONFIG_UNKNOWN_KEY", () => load({processMetric: false}));
  });

  it("is documented metric by metric in docs/metrics.md", () => {
    const registry = new Registry();
    new MetricsRecorder({registry});
    const real = registry.getMetricsAsArray().map((metric) => {
      const {name, type, help, labelNames} = metric as unknown as {
        name: string;
        type: string;
        help: string;
        labelNames: string[];
      };
      return [`\`${name}\``, type, labelNames.map((label) => `\`${label}\``).join(", "), help];
    });
    const documented = tableRows(readFileSync(join(ROOT, "docs/metrics.md"), "utf8"), /^`pleiades_/);
    expect(documented).to.deep.equal(real);
  });

  it("names metrics as Prometheus asks: own prefix, base units, _total for counters only", () => {
    const registry = new Registry();
    new MetricsRecorder({registry});
    for (const metric of registry.getMetricsAsArray()) {
      const {name, type} = metric as unknown as {name: string; type: string};
      expect(name).to.match(/^pleiades_[a-z_]+$/);
      expect(name.endsWith("_total")).to.equal(type === "counter");
      if (name.includes("duration")) expect(name.endsWith("_seconds")).to.equal(true);
    }
  });
});
