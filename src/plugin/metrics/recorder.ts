import {Counter, Gauge, Histogram, type Registry} from "prom-client";
import type {PleiadesEvent} from "../../ports/observer.js";
import type {CommitteeHealth} from "../../ports/signing-service.js";
import {CATALOGUE, type MetricName} from "./catalogue.js";
import {classOf} from "./outcome.js";

type Labels = Readonly<Record<string, string>>;
type NamesOf<T extends "counter" | "gauge" | "histogram"> = {
  [N in MetricName]: (typeof CATALOGUE)[N]["type"] extends T ? N : never;
}[MetricName];

type Operator = CommitteeHealth["operators"][number];
const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);

/** What is sampled of each operator; null: not known. */
const OPERATOR_GAUGES = {
  pleiades_operator_healthy: ({healthy}) => (healthy ? 1 : 0),
  pleiades_operator_latency_seconds: ({latencyMs}) => seconds(latencyMs),
  pleiades_operator_clock_offset_seconds: ({clockOffsetMs}) => seconds(clockOffsetMs),
  pleiades_operator_round_trip_seconds: ({roundTripMs}) => seconds(roundTripMs),
} as const satisfies {readonly [N in NamesOf<"gauge">]?: (operator: Operator) => number | null};

/** Builds the catalogue's metrics in a registry and turns events into their values. */
export class MetricsRecorder {
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();

  constructor({registry}: {registry: Registry}) {
    const registers = [registry];
    for (const [name, entry] of Object.entries(CATALOGUE)) {
      const common = {name, help: entry.help, labelNames: [...entry.labels], registers};
      switch (entry.type) {
        case "counter":
          this.#counters.set(name, new Counter(common));
          break;
        case "gauge":
          this.#gauges.set(name, new Gauge(common));
          break;
        case "histogram":
          this.#histograms.set(name, new Histogram({...common, buckets: [...entry.buckets]}));
          break;
      }
    }
  }

  /** An observer (ports/observer). */
  record(event: PleiadesEvent): void {
    switch (event.kind) {
      case "request-finished":
        this.#requestFinished(event);
        return;
      case "operator-answered": {
        const {outcome} = event;
        const operator = String(event.operatorId);
        this.#count("pleiades_operator_answers_total", {operator, outcome});
        const kind = outcome === "signed" ? "signed" : classOf(outcome);
        this.#seconds("pleiades_operator_answer_duration_seconds", event.durationMs, {operator, outcome: kind});
        return;
      }
      case "operator-connected":
        this.#gauge("pleiades_peer_connected").set({peer: event.peerId}, 1);
        return;
      case "operator-disconnected":
        this.#gauge("pleiades_peer_connected").set({peer: event.peerId}, 0);
        return;
      case "operator-convicted":
        this.#count("pleiades_operator_convictions_total", {operator: String(event.operatorId)});
        return;
      case "operator-refused":
      case "profile-refused":
        this.#count("pleiades_screened_requests_total", {code: event.outcome});
        return;
      case "keeper-decided":
        this.#count("pleiades_keeper_decisions_total", {type: event.type, outcome: event.outcome});
        this.#seconds("pleiades_keeper_decision_duration_seconds", event.durationMs, {type: event.type});
        return;
      case "disk-sampled":
        this.#gauge("pleiades_store_disk_free_bytes").set(event.freeBytes);
        return;
      case "keeper-alarm":
        this.#count("pleiades_keeper_alarms_total", {code: event.code});
        return;
      case "store-committed":
        this.#seconds("pleiades_store_commit_duration_seconds", event.durationMs, {});
        this.#histogram("pleiades_store_commit_records").observe(event.records);
        return;
      case "signer-sampled":
        this.#signerSampled(event);
        return;
      case "keeper-sampled":
        this.#gauge("pleiades_keeper_signing").set(event.signing ? 1 : 0);
        this.#gauge("pleiades_validators").set(event.keys);
        this.#gauge("pleiades_requests").set({queue: "keeper", state: "waiting"}, event.waiting);
        return;
      default:
        event satisfies never; // a new kind of event needs a metric, or a line here that says why not
    }
  }

  #requestFinished(event: PleiadesEvent & {kind: "request-finished"}): void {
    const {type, outcome, replayed, signers} = event;
    const kind = outcome === "ok" ? "ok" : classOf(outcome);
    this.#seconds("pleiades_request_duration_seconds", event.durationMs, {type, outcome: kind});
    if (kind === "refused") this.#count("pleiades_request_refusals_total", {type, code: outcome});
    if (kind === "failed") this.#count("pleiades_missed_duties_total", {type, code: outcome});
    if (replayed) this.#count("pleiades_replayed_requests_total", {type});
    for (const id of signers) this.#count("pleiades_operator_participations_total", {operator: String(id)});
  }

  #signerSampled({committees, running, waiting}: PleiadesEvent & {kind: "signer-sampled"}): void {
    const requests = this.#gauge("pleiades_requests");
    requests.set({queue: "signer", state: "running"}, running);
    requests.set({queue: "signer", state: "waiting"}, waiting);
    this.#gauge("pleiades_validators").set(committees.reduce((sum, {keys}) => sum + keys, 0));
    // Committees come and go with the files; their operators must not stay behind.
    for (const name of Object.keys(OPERATOR_GAUGES) as (keyof typeof OPERATOR_GAUGES)[]) {
      this.#gauge(name).reset();
      for (const operator of committees.flatMap(({operators}) => operators)) {
        const value = OPERATOR_GAUGES[name](operator);
        if (value !== null) this.#gauge(name).set({peer: operator.peerId}, value);
      }
    }
    const spare = this.#gauge("pleiades_committee_spare_operators");
    if (committees.length === 0) spare.reset();
    else spare.set(Math.min(...committees.map(({healthyOperators, threshold}) => healthyOperators - threshold)));
  }

  #count(name: NamesOf<"counter">, labels: Labels): void {
    this.#counters.get(name)!.inc(labels);
  }
  #gauge(name: NamesOf<"gauge">): Gauge {
    return this.#gauges.get(name)!;
  }
  #histogram(name: NamesOf<"histogram">): Histogram {
    return this.#histograms.get(name)!;
  }
  #seconds(name: NamesOf<"histogram">, durationMs: number, labels: Labels): void {
    this.#histogram(name).observe(labels, durationMs / 1000);
  }
}
