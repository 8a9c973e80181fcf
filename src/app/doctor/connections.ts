import type {SecureContextOptions} from "node:tls";
import type {Identity} from "../../adapters/libp2p/identity.js";
import {createLibp2pOperatorLink} from "../../adapters/operator-link/libp2p-operator-link.js";
import {NO_SIGHTINGS} from "../../adapters/operator-link/no-sightings.js";
import type {Committee, CommitteeOperator} from "../../core/committee/committee.js";
import type {ReasonCode} from "../../core/errors.js";
import {isReasonCode} from "../../core/reasons/index.js";
import type {Clock} from "../../ports/clock.js";
import type {LogFields, Logger} from "../../ports/logger.js";
import type {OperatorLink} from "../../ports/operator-link.js";
import {withParticipants} from "../compose/participants.js";

/** Dialling and greeting every operator takes a fraction of a second; who needs longer is as good as down. */
const CONNECT_MS = 5_000;
const POLL_MS = 25;

export interface Connections {
  readonly link: OperatorLink;
  /** Why a peer is not connected, once a dial has failed. */
  whyNot(peerId: string): ReasonCode | null;
}

/**
 * Connects to every operator as the signer itself would, beside one that is running: operators take a second connection
 * of one signer. Resolves when all are connected, when every dial was answered, or after a bound.
 */
export async function connectAll(
  {identity, clock}: {identity: Identity; clock: Clock},
  {
    committees,
    software,
    participants,
  }: {committees: readonly Committee[]; software: string; participants: SecureContextOptions | null},
): Promise<Connections> {
  const reasons = new Map<string, ReasonCode>();
  const modules = {clock, logger: reasonsOnly(reasons, {}), observer: () => {}};
  const link = withParticipants(
    await createLibp2pOperatorLink({identity, sightings: NO_SIGHTINGS, ...modules}, {software}),
    modules,
    {context: participants, committees: () => committees},
  );
  const operators = new Map<string, CommitteeOperator>();
  for (const operator of committees.flatMap((committee) => committee.operators))
    operators.set(operator.peerId, operator);
  link.setPeers([...operators.values()]);
  const end = clock.monotonic() + CONNECT_MS;
  const settled = (): boolean => link.peers().every(({peerId, connected}) => connected || reasons.has(peerId));
  while (!settled() && clock.monotonic() < end) {
    await new Promise<void>((resolve) => void clock.after(POLL_MS, resolve));
  }
  return {link, whyNot: (peerId) => reasons.get(peerId) ?? null};
}

/** The link says in its log why a peer is not connected; here that is all that is read of it. */
function reasonsOnly(reasons: Map<string, ReasonCode>, fields: LogFields): Logger {
  const ignore = (): void => {};
  return {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (_message, more) => {
      const {peer, code} = {...fields, ...more} as LogFields;
      if (typeof peer === "string" && typeof code === "string" && isReasonCode(code)) reasons.set(peer, code);
    },
    child: (more) => reasonsOnly(reasons, {...fields, ...more}),
  };
}
