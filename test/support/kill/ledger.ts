import type {PubkeyHex, RootHex} from "../../../src/core/bytes.js";
import {rootHex} from "../../../src/core/bytes.js";
import type {Network} from "../../../src/core/duty/network.js";
import {parseSignRequest} from "../../../src/core/duty/request-codec.js";
import type {WireRequest} from "../../../src/core/duty/sign-request.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import {slashingSubject} from "../../../src/core/duty/slashing-subject.js";
import type {SlashingRecord} from "../../../src/core/slashing/record.js";

/** A slashable message as the chain would judge it, with the root that was signed. */
export type Message =
  | {readonly kind: "block"; readonly slot: bigint; readonly root: RootHex}
  | {readonly kind: "attestation"; readonly source: bigint; readonly target: bigint; readonly root: RootHex};

/** The signing root of any request, and the message when it can be slashed. Computed apart from whoever signs. */
export function readMessage(wire: WireRequest, network: Network): {signingRoot: Uint8Array; message: Message | null} {
  const {request} = parseSignRequest(wire, network.preset);
  const {signingRoot} = computeSigningRoot(request, network);
  const subject = slashingSubject(request);
  return {signingRoot, message: subject === null ? null : {...subject, root: rootHex(signingRoot)}};
}

const describe = (message: Message): string =>
  message.kind === "block"
    ? `block of slot ${message.slot} with root ${message.root.slice(0, 10)}`
    : `attestation ${message.source} -> ${message.target} with root ${message.root.slice(0, 10)}`;

/**
 * Whether two messages of one validator are slashable together.
 * @see consensus-specs phase0/beacon-chain.md "is_slashable_attestation_data", "process_proposer_slashing"
 */
export function conflict(a: Message, b: Message): boolean {
  if (a.root === b.root) return false;
  if (a.kind === "block") return b.kind === "block" && a.slot === b.slot;
  if (b.kind === "block") return false;
  const surrounds = (x: typeof a, y: typeof a): boolean => x.source < y.source && y.target < x.target;
  return a.target === b.target || surrounds(a, b) || surrounds(b, a);
}

/**
 * Every signature that one signer (an operator, or the committee as a whole) ever let out, by key. It knows the
 * consensus rules and nothing of watermarks, so that it does not share a mistake with the guard it judges.
 */
export class Ledger {
  readonly name: string;
  /** Pairs that are slashable together. Must stay empty. */
  readonly conflicts: string[] = [];
  released = 0;
  readonly #messages = new Map<PubkeyHex, Map<RootHex, Message>>();

  constructor(name: string) {
    this.name = name;
  }

  add(key: PubkeyHex, message: Message): void {
    this.released++;
    let known = this.#messages.get(key);
    if (known === undefined) {
      known = new Map();
      this.#messages.set(key, known);
    }
    if (known.has(message.root)) return;
    for (const other of known.values()) {
      if (!conflict(other, message)) continue;
      this.conflicts.push(`${this.name}, ${key.slice(0, 10)}: ${describe(other)} and ${describe(message)}`);
    }
    known.set(message.root, message);
  }

  /** What was let out although these records, read after a crash, do not forbid its conflicts. Must be empty. */
  unrecorded(records: ReadonlyMap<PubkeyHex, SlashingRecord>): string[] {
    const lost: string[] = [];
    for (const [key, messages] of this.#messages) {
      const record = records.get(key);
      for (const message of messages.values()) {
        if (!covers(record, message)) {
          lost.push(`${this.name}, ${key.slice(0, 10)}: no record of ${describe(message)}, but ${shown(record)}`);
        }
      }
    }
    return lost;
  }
}

/** A record covers a message when it refuses everything that conflicts with it. */
function covers(record: SlashingRecord | undefined, message: Message): boolean {
  if (record === undefined) return false;
  if (message.kind === "block") {
    const {block} = record;
    if (block === null || block.slot < message.slot) return false;
    return block.slot > message.slot || block.signingRoot === null || block.signingRoot === message.root;
  }
  const {attestation} = record;
  if (attestation === null || attestation.target < message.target || attestation.source < message.source) return false;
  const {target, signingRoot} = attestation;
  return target > message.target || signingRoot === null || signingRoot === message.root;
}

const shown = (record: SlashingRecord | undefined): string =>
  record === undefined
    ? "no record at all"
    : `slot ${record.block?.slot}, ${record.attestation?.source} -> ${record.attestation?.target}`;
