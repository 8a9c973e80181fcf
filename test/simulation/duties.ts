import {type PubkeyHex, type RootHex, rootHex, toHex} from "../../src/core/bytes.js";
import {parseNetwork} from "../../src/core/duty/network.js";
import {parseSignRequest} from "../../src/core/duty/request-codec.js";
import type {SignRequest, WireRequest} from "../../src/core/duty/sign-request.js";
import {computeSigningRoot} from "../../src/core/duty/signing-root.js";
import {type SlashingSubject, slashingSubject} from "../../src/core/duty/slashing-subject.js";
import {defaultSignerDelayMs} from "../../src/core/ranking/delay.js";
import {START_MS} from "./process.js";
import type {Random} from "./random.js";

export const SLOT_MS = 12_000;
export const SLOTS_PER_EPOCH = 8;
export const EPOCH_MS = SLOT_MS * SLOTS_PER_EPOCH;
/** The epoch in which a simulation starts. */
export const FIRST_EPOCH = 100;
/** A fork in the middle of most simulations. */
const FORK_EPOCH = FIRST_EPOCH + 2;
const VERSIONS = ["0x01000000", "0x02000000"] as const;
const CHAIN = `0x${"11".repeat(32)}`;

/** What every honest node has pinned. */
export const NETWORK = parseNetwork({
  name: "simulated",
  preset: "minimal",
  forks: [
    {name: "phase0", version: VERSIONS[0], epoch: "0"},
    {name: "altair", version: VERSIONS[1], epoch: String(FORK_EPOCH)},
  ],
  genesisValidatorsRoot: CHAIN,
  clock: {genesisTime: (START_MS - FIRST_EPOCH * EPOCH_MS) / 1000, secondsPerSlot: SLOT_MS / 1000},
});

/** Between the ranks of several signers. */
export const SIGNER_DELAY_MS = defaultSignerDelayMs(NETWORK);

/** A message as a client asks for it. */
export interface Duty {
  readonly key: PubkeyHex;
  readonly wire: WireRequest;
  readonly request: SignRequest;
  readonly root: RootHex;
  /** Null for what cannot be slashed. */
  readonly subject: SlashingSubject | null;
  /** For people. */
  readonly text: string;
}

/** @throws what parsing and computing the root throw */
export function dutyOf(key: PubkeyHex, wire: WireRequest): Duty {
  const {request} = parseSignRequest(wire, NETWORK.preset);
  const root = rootHex(computeSigningRoot(request, NETWORK).signingRoot);
  const subject = slashingSubject(request);
  const about =
    subject === null ? "" : subject.kind === "block" ? ` slot ${subject.slot}` : ` ${subject.source}→${subject.target}`;
  return {key, wire, request, root, subject, text: `${request.type}${about} ${root.slice(2, 8)}`};
}

const forkInfo = (epoch: number) => ({
  fork: {
    previous_version: VERSIONS[0],
    current_version: VERSIONS[epoch < FORK_EPOCH ? 0 : 1],
    epoch: String(epoch < FORK_EPOCH ? 0 : FORK_EPOCH),
  },
  genesis_validators_root: CHAIN,
});
const epochOf = (slot: number): number => Math.floor(slot / SLOTS_PER_EPOCH);
const root = (random: Random): string => toHex(random.bytes(32));

export function attestation(random: Random, {slot, source}: {slot: number; source: number}): WireRequest {
  return {
    type: "ATTESTATION",
    fork_info: forkInfo(epochOf(slot)),
    attestation: {
      slot: String(slot),
      index: "0",
      beacon_block_root: root(random),
      source: {epoch: String(source), root: root(random)},
      target: {epoch: String(epochOf(slot)), root: root(random)},
    },
  };
}

export function block(random: Random, {slot}: {slot: number}): WireRequest {
  return {
    type: "BLOCK_V2",
    fork_info: forkInfo(epochOf(slot)),
    beacon_block: {
      version: epochOf(slot) < FORK_EPOCH ? "PHASE0" : "ALTAIR",
      block_header: {
        slot: String(slot),
        proposer_index: "1",
        parent_root: root(random),
        state_root: root(random),
        body_root: root(random),
      },
    },
  };
}

/** One of the messages that cannot be slashed. */
export function harmless(random: Random, {slot}: {slot: number}): WireRequest {
  const fork_info = forkInfo(epochOf(slot));
  return random.pick<() => WireRequest>([
    () => ({type: "RANDAO_REVEAL", fork_info, randao_reveal: {epoch: String(epochOf(slot))}}),
    () => ({type: "AGGREGATION_SLOT", fork_info, aggregation_slot: {slot: String(slot)}}),
    () => ({
      type: "SYNC_COMMITTEE_MESSAGE",
      fork_info,
      sync_committee_message: {slot: String(slot), beacon_block_root: root(random)},
    }),
  ])();
}
