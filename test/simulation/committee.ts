import type {PeerIdText} from "../../src/core/bytes.js";
import {parseOperatorId} from "../../src/core/bytes.js";
import type {Committee} from "../../src/core/committee/committee.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../src/core/committee/committee-file.js";
import {scalarBytes} from "../../src/core/threshold/scalar.js";
import type {KeeperShare} from "../../src/keeper/keeper.js";
import type {KeeperLifeOptions} from "../../src/keeper/keeper-life.js";
import type {LoadedShare} from "../../src/keeper/partial-signer.js";
import {Secret} from "../../src/keeper/secret.js";
import {testKey, testPeerId} from "../support/committees.js";
import type {SimulationGroup} from "./transparent-group.js";

/** Two: votes of one key must not stand in the way of another's. */
const KEYS = 2;
/** In order of rank; a committee file names the first one, two or three. */
export const COORDINATORS: readonly PeerIdText[] = [testPeerId(100), testPeerId(101), testPeerId(102)];
/** In no committee file. */
export const STRANGER = testPeerId(103);

export type OwnShare = KeeperLifeOptions["shares"][number];

export interface SimulatedCommittee {
  readonly committee: Committee;
  readonly quorum: {readonly n: number; readonly t: number};
  /** By operator id − 1. */
  readonly shares: readonly (readonly KeeperShare[])[];
  /** The same unscaled. */
  readonly secrets: readonly (readonly OwnShare[])[];
}

const made = new Map<string, SimulatedCommittee>();

/**
 * A committee of n with its shares, out of a real committee file. Made once for each size: a simulation is about what is
 * signed, not about the keys.
 */
export function simulatedCommittee(
  group: SimulationGroup,
  quorum: {n: number; t: number},
  coordinators: number,
): SimulatedCommittee {
  const id = `${group.name} ${quorum.n}/${quorum.t} ${coordinators}`;
  const known = made.get(id) ?? make(group, quorum, COORDINATORS.slice(0, coordinators));
  made.set(id, known);
  return known;
}

function make(
  {bls, publicKey, load}: SimulationGroup,
  quorum: {n: number; t: number},
  coordinators: readonly PeerIdText[],
): SimulatedCommittee {
  const keys = Array.from({length: KEYS}, (_, i) => testKey(quorum.n * 10 + i, quorum));
  const text = formatCommitteeFile(
    {
      generation: 0,
      genesisValidatorsRoot: null,
      threshold: quorum.t,
      operators: Array.from({length: quorum.n}, (_, i) => ({
        id: parseOperatorId(i + 1),
        peerId: testPeerId(i + 1),
        addresses: [],
      })),
      coordinators,
      validators: keys.map(({secret, shares}) => ({
        groupPublicKey: publicKey(scalarBytes(secret)),
        sharePublicKeys: shares.map((share) => publicKey(share.secret)),
      })),
    },
    bls,
    {unsafeThreshold: true},
  );
  const committee = parseCommitteeFile(text, bls);
  const loaded = (k: number, i: number): LoadedShare => load(keys[k]!.shares[i]!.secret, quorum);
  const shares = committee.operators.map((_, i) =>
    committee.validators.map(({groupPublicKey, committeeHash}, k) => ({
      groupPublicKey,
      committeeHash,
      share: loaded(k, i),
    })),
  );
  const secrets = committee.operators.map((_, i) =>
    committee.validators.map(({groupPublicKey}, k) => ({
      groupPublicKey,
      secret: new Secret(keys[k]!.shares[i]!.secret),
    })),
  );
  return {committee, quorum, shares, secrets};
}
