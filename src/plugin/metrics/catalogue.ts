/**
 * Every metric of Pleiades, as data: the registry is built from it and docs/metrics.md lists it.
 * Names follow Prometheus' conventions: base units (seconds), `_total` for counters.
 * @see https://prometheus.io/docs/practices/naming/
 */
interface CatalogueEntry {
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram's buckets, in the unit of its name. */
  readonly buckets?: readonly number[];
}

/** From one signature's bare cryptography (about 4 ms) to the longest deadline of a duty. */
const REQUEST_SECONDS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 12];
/** One operator: a partial signature over loopback (about 1 ms) to a missed deadline. */
const ANSWER_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** A commit on a good disk takes 0.3 ms to 12 ms; seconds mean a disk in trouble. */
const COMMIT_SECONDS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2];

export const CATALOGUE = {
  pleiades_request_duration_seconds: {
    type: "histogram",
    labels: ["type", "outcome"],
    help: "Time from a client's request to its answer in seconds, by message type and outcome (ok, refused, invalid, failed).",
    buckets: REQUEST_SECONDS,
  },
  pleiades_request_refusals_total: {
    type: "counter",
    labels: ["type", "code"],
    help: "Requests refused on purpose (policy, slashing protection, veto, committee), by reason code.",
  },
  pleiades_missed_duties_total: {
    type: "counter",
    labels: ["type", "code"],
    help: "Well-formed requests that nobody refused and that still ended without a signature, by reason code.",
  },
  pleiades_replayed_requests_total: {
    type: "counter",
    labels: ["type"],
    help: "Requests answered with a signature made before for the same message.",
  },
  pleiades_operator_participations_total: {
    type: "counter",
    labels: ["operator"],
    help: "Group signatures that an operator's partial signature was part of.",
  },
  pleiades_operator_answers_total: {
    type: "counter",
    labels: ["operator", "outcome"],
    help: "Requests asked of an operator, by outcome: signed, or the reason code of its refusal or failure.",
  },
  pleiades_operator_answer_duration_seconds: {
    type: "histogram",
    labels: ["operator", "outcome"],
    help: "Time an operator took to answer in seconds, by outcome (signed, refused, invalid, failed); what it holds on purpose of a later-ranked signer's requests is in it.",
    buckets: ANSWER_SECONDS,
  },
  pleiades_operator_convictions_total: {
    type: "counter",
    labels: ["operator"],
    help: "Partial signatures of an operator that failed against its share public key.",
  },
  pleiades_peer_connected: {
    type: "gauge",
    labels: ["peer"],
    help: "1 while the libp2p peer is connected, 0 after it was lost.",
  },
  pleiades_committee_spare_operators: {
    type: "gauge",
    labels: [],
    help: "Healthy operators beyond the threshold, in the committee that has the fewest; below 0 it cannot sign.",
  },
  pleiades_operator_healthy: {
    type: "gauge",
    labels: ["peer"],
    help: "1 while the operator is connected, answers in time and was not convicted; else 0.",
  },
  pleiades_operator_latency_seconds: {
    type: "gauge",
    labels: ["peer"],
    help: "Smoothed time this operator takes to answer in seconds.",
  },
  pleiades_operator_clock_offset_seconds: {
    type: "gauge",
    labels: ["peer"],
    help: "The operator's clock minus the signer's in seconds, at most half a round trip off.",
  },
  pleiades_operator_round_trip_seconds: {
    type: "gauge",
    labels: ["peer"],
    help: "Time to the operator and back in seconds, the shortest of the last few pings.",
  },
  pleiades_validators: {
    type: "gauge",
    labels: [],
    help: "Validator keys this node works for.",
  },
  pleiades_requests: {
    type: "gauge",
    labels: ["queue", "state"],
    help: "Requests in this moment, by queue (signer or keeper) and state (running or waiting).",
  },
  pleiades_keeper_signing: {
    type: "gauge",
    labels: [],
    help: "1 while this operator's keeper signs, 0 after a failed commit or when it is gone.",
  },
  pleiades_screened_requests_total: {
    type: "counter",
    labels: ["code"],
    help: "Requests that this operator refused before its keeper saw them, over libp2p or the distributed profile (wrong peer, unknown key, other committee file, veto), by reason code.",
  },
  pleiades_keeper_decisions_total: {
    type: "counter",
    labels: ["type", "outcome"],
    help: "Requests decided by this operator's keeper, by message type and outcome: signed, or the reason code.",
  },
  pleiades_keeper_decision_duration_seconds: {
    type: "histogram",
    labels: ["type"],
    help: "Time this operator's keeper took from request to durable decision and partial signature in seconds.",
    buckets: ANSWER_SECONDS,
  },
  pleiades_keeper_alarms_total: {
    type: "counter",
    labels: ["code"],
    help: "Times this operator's keeper learnt that its records are old (KEEPER_ROLLED_BACK) or that another copy of it runs (KEEPER_SECOND_COPY).",
  },
  pleiades_store_disk_free_bytes: {
    type: "gauge",
    labels: [],
    help: "Bytes that can still be written to the disk below this operator's record store.",
  },
  pleiades_store_commit_duration_seconds: {
    type: "histogram",
    labels: [],
    help: "Time of one durable commit of the record store in seconds.",
    buckets: COMMIT_SECONDS,
  },
  pleiades_store_commit_records: {
    type: "histogram",
    labels: [],
    help: "Records made durable by one commit.",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
  },
} as const satisfies Record<string, CatalogueEntry>;

export type MetricName = keyof typeof CATALOGUE;
