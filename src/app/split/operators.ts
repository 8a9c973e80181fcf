import {parse as parseYaml} from "yaml";
import {type OperatorId, type PeerIdText, parseOperatorId, parsePeerIdText} from "../../core/bytes.js";
import type {CommitteeOperator} from "../../core/committee/committee.js";
import {PleiadesError} from "../../core/errors.js";
import {isTcpMultiaddr} from "../config/values.js";
import {readText} from "../files.js";

export interface Members {
  readonly operators: readonly CommitteeOperator[];
  readonly coordinators: readonly PeerIdText[];
}

/** One `--operator ID=PEERID@MULTIADDR[,MULTIADDR…]`. @throws SPLIT_OPERATORS */
export function parseOperatorFlag(raw: string): CommitteeOperator {
  const match = /^(\d+)=([^@]+)@(.+)$/.exec(raw);
  if (match === null) throw refuse(raw, "expected ID=PEERID@MULTIADDR");
  return operator({id: Number(match[1]), peerId: match[2], addresses: match[3]?.split(",")}, raw);
}

function operator(raw: {id?: unknown; peerId?: unknown; addresses?: unknown}, shown: string): CommitteeOperator {
  let id: OperatorId;
  let peerId: PeerIdText;
  try {
    id = parseOperatorId(raw.id);
  } catch (error) {
    throw refuse(shown, "the id is not a whole number from 1 to 13", error);
  }
  try {
    peerId = parsePeerIdText(raw.peerId);
  } catch (error) {
    throw refuse(shown, "the peer id is not one `pleiades init` prints", error);
  }
  const {addresses} = raw;
  if (!Array.isArray(addresses) || addresses.length === 0) throw refuse(shown, "no address");
  for (const address of addresses) {
    if (typeof address !== "string" || !isTcpMultiaddr(address)) {
      throw refuse(shown, "an address is not a TCP multiaddr without /p2p, like /ip4/203.0.113.7/tcp/9100");
    }
  }
  return {id, peerId, addresses};
}

const refuse = (operator: string, reason: string, cause?: unknown): PleiadesError =>
  new PleiadesError({code: "SPLIT_OPERATORS", operator, reason}, {cause});

/**
 * An operators file, YAML or JSON: `operators` (a list of {id, peerId, addresses}) and, if wanted, `coordinators` (a
 * list of peer ids). A bare list is taken for `operators`. @throws CLI_FILE · SPLIT_OPERATORS
 */
export async function readMembersFile(file: string): Promise<Members> {
  const text = await readText(file);
  let raw: unknown;
  try {
    raw = parseYaml(text, {logLevel: "error"});
  } catch (error) {
    throw new PleiadesError({code: "SPLIT_OPERATORS", file, reason: "not YAML or JSON"}, {cause: error});
  }
  const {operators, coordinators} = (Array.isArray(raw) ? {operators: raw} : (raw ?? {})) as {
    operators?: unknown;
    coordinators?: unknown;
  };
  if (!Array.isArray(operators))
    throw new PleiadesError({code: "SPLIT_OPERATORS", file, reason: "no list of operators"});
  if (coordinators !== undefined && !Array.isArray(coordinators)) {
    throw new PleiadesError({code: "SPLIT_OPERATORS", file, reason: "coordinators is not a list"});
  }
  return {
    operators: operators.map((item, i) => operator((item ?? {}) as object, `number ${i + 1} of ${file}`)),
    coordinators: parseCoordinators(coordinators ?? []),
  };
}

/** @throws SPLIT_COORDINATOR */
export function parseCoordinators(raw: readonly unknown[]): PeerIdText[] {
  const ids = raw.map((item): PeerIdText => {
    try {
      return parsePeerIdText(item);
    } catch (error) {
      throw new PleiadesError({code: "SPLIT_COORDINATOR", coordinator: item, reason: "not a peer id"}, {cause: error});
    }
  });
  return [...new Set(ids)];
}

/**
 * The whole list, ordered by id: ids 1…n without gaps, every peer once. A coordinator that is also an operator is
 * allowed, for one machine may run both with one key. @throws SPLIT_OPERATORS · SPLIT_COORDINATOR
 */
export function checkMembers({operators, coordinators}: Members): Members {
  const ordered = [...operators].sort((a, b) => a.id - b.id);
  ordered.forEach((operator, i) => {
    if (operator.id !== i + 1) {
      const reason = operator.id === ordered[i - 1]?.id ? "this id comes twice" : `there is no operator ${i + 1}`;
      throw refuse(String(operator.id), reason);
    }
    const twin = ordered.slice(0, i).find((other) => other.peerId === operator.peerId);
    if (twin !== undefined) throw refuse(String(operator.id), `the same peer id as operator ${twin.id}`);
  });
  if (ordered.length === 0) throw new PleiadesError({code: "SPLIT_OPERATORS", reason: "none is named"});
  if (coordinators.length === 0) throw new PleiadesError({code: "SPLIT_COORDINATOR"});
  return {operators: ordered, coordinators};
}
