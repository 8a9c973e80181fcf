import {readdir} from "node:fs/promises";
import {join, resolve} from "node:path";
import {systemClock} from "../../adapters/clock/system.js";
import type {PeerIdText, PubkeyHex} from "../../core/bytes.js";
import {currentEpoch} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import {floorRecord} from "../../core/slashing/decide.js";
import {readShareKeystore, type ShareKeystore} from "../../keeper/open-keystore.js";
import type {StoredShare} from "../../keeper/share-store.js";
import {errnoOf} from "../config/load.js";
import {resolveNetwork} from "../config/network.js";
import {readText} from "../files.js";
import {COMMITTEE_FILE, KEYSTORE_FILE} from "./keystore-files.js";
import {
  byHash,
  type CommitteeAtHand,
  chosenKeys,
  type Place,
  placesOf,
  readCommittee,
  withShareStore,
} from "./store.js";

export interface RestoreOptions {
  readonly config: string;
  readonly from: string;
  readonly keys: readonly string[] | undefined;
  readonly storePassword: () => Promise<string> | string;
  readonly password: () => Promise<string> | string;
  readonly progress: (done: number, all: number) => void;
}

export interface RestoreReport {
  readonly restored: readonly PubkeyHex[];
  /** Their shares are held already; nothing about them was changed. */
  readonly held: readonly PubkeyHex[];
  readonly floorEpoch: bigint;
  /** Committee files of the backup that the configuration does not name, and without which its shares rest. */
  readonly unconfigured: readonly string[];
}

interface FromFolder extends CommitteeAtHand {
  readonly file: string;
}

/**
 * Puts a backup's shares into the operator's store, with records at the floor; all or nothing.
 * @throws SHARE_NO_BACKUP · SHARE_KEYSTORE · SHARE_COMMITTEE · SHARE_OLD_GENERATION · SHARE_WRONG_OPERATOR · SHARE_MISMATCH ·
 *   KEEPER_WRONG_PASSWORD · KEEPER_SECOND_SHARE · KEEPER_CLOCK_REQUIRED, and the codes of opening the store
 */
export async function restoreShares(options: RestoreOptions): Promise<RestoreReport> {
  const {keystores, committees: brought} = await readFolder(options.from);
  const chosen = chosenKeys(options.keys);
  const wanted = keystores.filter(({groupPublicKey}) => chosen?.has(groupPublicKey) ?? true);
  if (wanted.length === 0) throw new PleiadesError({code: "SHARE_NO_BACKUP", folder: options.from});
  const {config: file, storePassword: password} = options;
  return withShareStore({config: file, password, create: true}, async ({config, shares, committees, identity}) => {
    const network = await resolveNetwork(config.network);
    const {peerId} = await identity();
    const placed = wanted.map((keystore) => {
      const place = placeOf(keystore, {configured: committees, brought, peerId});
      const given = place.at.committee.genesisValidatorsRoot;
      if (given !== null && network.genesisValidatorsRoot !== null && given !== network.genesisValidatorsRoot) {
        throw new PleiadesError({code: "KEEPER_NETWORK_MISMATCH", given, pinned: network.genesisValidatorsRoot});
      }
      return {keystore, place};
    });
    const epoch = currentEpoch(network, systemClock.now());
    if (epoch === null) throw new PleiadesError({code: "KEEPER_CLOCK_REQUIRED"});
    const floor = floorRecord({epoch, slotsPerEpoch: network.preset.slotsPerEpoch});
    const secretOf = await options.password();
    const stored: StoredShare[] = [];
    // One after the other: each takes 256 MB while it is opened.
    for (const {keystore, place} of placed) {
      const {groupPublicKey, index} = keystore;
      const secret = await keystore.open(secretOf);
      stored.push({groupPublicKey, index, committeeHash: place.validator.committeeHash, secret});
      options.progress(stored.length, placed.length);
    }
    const restored = await shares.restore(stored, floor);
    const configured = byHash(committees);
    const needed = new Set(stored.map(({committeeHash}) => committeeHash).filter((hash) => !configured.has(hash)));
    const unconfigured = brought
      .filter(({committee}) => committee.validators.some(({committeeHash}) => needed.has(committeeHash)))
      .map((one) => one.file);
    const held = stored.map((one) => one.groupPublicKey).filter((key) => !restored.includes(key));
    return {restored, held, floorEpoch: floor.attestation!.target, unconfigured};
  });
}

/** Where a keystore's share belongs: in a committee of its generation, at the index of this node. */
function placeOf(
  {groupPublicKey: key, generation, index, sharePublicKey}: ShareKeystore,
  {
    configured,
    brought,
    peerId,
  }: {configured: readonly CommitteeAtHand[]; brought: readonly CommitteeAtHand[]; peerId: PeerIdText},
): Place {
  const places = placesOf([...configured, ...brought], key);
  const newest = Math.max(...places.map(({at}) => at.committee.generation));
  // Also by a file that somebody left in the folder: it was verified, and a newer generation says what is true.
  if (newest > generation) {
    throw new PleiadesError({code: "SHARE_OLD_GENERATION", key, backup: generation, committee: newest});
  }
  const same = places.filter(({at}) => at.committee.generation === generation);
  if (same.length === 0) throw new PleiadesError({code: "SHARE_COMMITTEE", key, generation});
  const place = same.find(({validator}) => validator.sharePublicKeys[index - 1] === sharePublicKey);
  if (place === undefined) throw new PleiadesError({code: "SHARE_MISMATCH", key, index});
  const owner = place.at.committee.operators[index - 1]!.peerId;
  if (owner !== peerId) throw new PleiadesError({code: "SHARE_WRONG_OPERATOR", key, index, owner, peerId});
  return place;
}

async function readFolder(folder: string): Promise<{keystores: ShareKeystore[]; committees: FromFolder[]}> {
  const path = resolve(folder);
  const names = await readdir(path).catch((error: unknown) => {
    throw new PleiadesError({code: "CLI_FILE", file: path, reason: errnoOf(error)}, {cause: error});
  });
  const keystores: ShareKeystore[] = [];
  const committees: FromFolder[] = [];
  for (const name of names.sort()) {
    const file = join(path, name);
    if (KEYSTORE_FILE.test(name)) keystores.push(await inFile(file, readShareKeystore));
    if (COMMITTEE_FILE.test(name)) committees.push({file, ...(await inFile(file, readCommittee))});
  }
  if (keystores.length === 0) throw new PleiadesError({code: "SHARE_NO_BACKUP", folder: path});
  return {keystores, committees};
}

/** What is wrong with a file says which one it is. */
async function inFile<R>(file: string, read: (text: string) => R): Promise<R> {
  const text = await readText(file);
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof PleiadesError)) throw error;
    throw new PleiadesError({file, ...error.data, code: error.code}, {cause: error});
  }
}
