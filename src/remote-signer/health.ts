import type {CommitteeHealth} from "../ports/signing-service.js";

type Status = "UP" | "DOWN";

/** Web3Signer's schema; `data` says per operator why it counts as down. */
export interface HealthReport {
  readonly status: Status;
  readonly checks: readonly {readonly id: string; readonly status: Status; readonly data: unknown}[];
  readonly outcome: Status;
}

/**
 * UP while every committee has at least t healthy operators: with fewer its validators sign nothing. A signer without
 * committees is UP; it has nothing to fail.
 * @see Web3Signer eth2 API, schemas.yaml HealthCheck
 */
export function healthReport(committees: readonly CommitteeHealth[]): HealthReport {
  const checks = committees.map((committee, i) => ({
    id: `committee-${i + 1}`,
    status: upIf(committee.healthyOperators >= committee.threshold),
    data: {
      keys: committee.keys,
      operators: committee.n,
      threshold: committee.threshold,
      healthyOperators: committee.healthyOperators,
      reasons: committee.operators.map((operator) => ({
        operatorId: operator.operatorId,
        status: upIf(operator.healthy),
        reason: reasonOf(operator),
      })),
    },
  }));
  const status = upIf(checks.every((check) => check.status === "UP"));
  return {status, checks, outcome: status};
}

const upIf = (condition: boolean): Status => (condition ? "UP" : "DOWN");

function reasonOf({
  connected,
  healthy,
  convicted,
  consecutiveMisses,
  software,
  stopCode,
  clockOffsetMs,
}: CommitteeHealth["operators"][number]): string {
  if (!connected) return software === null ? "not connected since the signer started" : "connection lost";
  if (stopCode !== null) return `connected, but signs nothing: ${stopCode}`;
  if (!healthy) return `connected, but missed its last ${consecutiveMisses} deadlines`;
  if (convicted) return "answers, but sent a wrong partial signature before; asked last";
  if (clockOffsetMs === null || Math.abs(clockOffsetMs) <= CLOCK_SKEW_MS) return "answers in time";
  const side = clockOffsetMs > 0 ? "ahead of" : "behind";
  return `answers in time; its clock is ${(Math.abs(clockOffsetMs) / 1000).toFixed(1)} s ${side} the signer's`;
}

/** From which on it is worth a word; the signer's log says more. @see committee/operator-watch */
const CLOCK_SKEW_MS = 500;
