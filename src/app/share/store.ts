import {blstGroup} from "../../adapters/bls/blst.js";
import {type Identity, readIdentity} from "../../adapters/libp2p/identity.js";
import {LmdbEnvironment} from "../../adapters/slashing-store/lmdb-environment.js";
import {type PubkeyHex, parsePubkeyHex, type RootHex} from "../../core/bytes.js";
import type {Committee, CommitteeValidator} from "../../core/committee/committee.js";
import {parseCommitteeFile} from "../../core/committee/committee-file.js";
import {PRESETS} from "../../core/duty/preset.js";
import {PleiadesError} from "../../core/errors.js";
import {StoredCeremonies} from "../../keeper/dkg/table.js";
import {activatedFiles} from "../../keeper/dkg/vault.js";
import {readPassword} from "../../keeper/password.js";
import {ShareStore} from "../../keeper/share-store.js";
import {storePath} from "../../keeper/start.js";
import {TenureBook} from "../../keeper/tenure-book.js";
import {WithdrawalGuard} from "../../keeper/withdrawal-guard.js";
import {committeeTextOf} from "../ceremony-file.js";
import {type LoadedConfig, loadConfig} from "../config/load.js";
import {presetOf} from "../config/network.js";
import {secretFile} from "../credentials.js";
import {exists, readText} from "../files.js";

/** A committee file with its text. */
export interface CommitteeAtHand {
  readonly text: string;
  readonly committee: Committee;
}

export interface OpenShareStore {
  readonly config: LoadedConfig["config"];
  readonly shares: ShareStore;
  /** Of the configuration, and those that ceremonies left in the store. */
  readonly committees: readonly CommitteeAtHand[];
  readonly identity: () => Promise<Identity>;
}

/**
 * Opens the store of the operator with this configuration, which may be running: each writes inside the store's lock.
 * @param password asked for when the configuration names no file
 * @throws SHARE_NOTHING_HELD when there is no store and none is to be made; KEEPER_PASSWORD · KEEPER_WRONG_PASSWORD · SLASHING_STORE_OPEN
 */
export async function withShareStore<R>(
  {config: file, password, create}: {config: string; password: () => Promise<string> | string; create: boolean},
  task: (store: OpenShareStore) => Promise<R>,
): Promise<R> {
  const loaded = await loadConfig(file);
  const {config} = loaded;
  if (config.operator === undefined) {
    throw new PleiadesError({code: "CONFIG_ROLE_MISSING", file: loaded.file, section: "operator"});
  }
  const path = storePath(config.dataDir);
  if (!create && !(await exists(path))) throw new PleiadesError({code: "SHARE_NOTHING_HELD", path});
  const opened = await password();
  const environment = await LmdbEnvironment.open(path, () => {});
  try {
    if (!create && !ShareStore.isThere({environment})) throw new PleiadesError({code: "SHARE_NOTHING_HELD", path});
    const shares = await ShareStore.open({environment}, opened);
    const withdrawals = new WithdrawalGuard({environment, forgotten: () => false});
    const {slotsPerEpoch} = PRESETS[presetOf(config.network)];
    const tenures = new TenureBook({environment}, {slotsPerEpoch});
    const table = new StoredCeremonies({environment, shares, withdrawals, tenures});
    const texts: string[] = [...activatedFiles(table)];
    for (const committee of config.committees) texts.push(await committeeTextOf(await readText(committee)));
    const committees = texts.map(readCommittee);
    return await task({config, shares, committees, identity: () => readIdentity(config.node.keyFile)});
  } finally {
    await environment.close();
  }
}

/** What opens the store: the given file's or prompt's answer, else the file that the configuration names. */
export async function configuredPassword(config: string, ask: () => Promise<string> | string): Promise<string> {
  const file = (await loadConfig(config)).config.operator?.passwordFile ?? null;
  return file === null ? ask() : readPassword(secretFile(file));
}

export const readCommittee = (text: string): CommitteeAtHand => ({
  text,
  committee: parseCommitteeFile(text, blstGroup),
});

export interface Place {
  readonly at: CommitteeAtHand;
  readonly validator: CommitteeValidator;
}

/** Where these committees have the key. */
export const placesOf = (committees: readonly CommitteeAtHand[], key: PubkeyHex): readonly Place[] =>
  committees.flatMap((at) =>
    at.committee.validators.filter(({groupPublicKey}) => groupPublicKey === key).map((validator) => ({at, validator})),
  );

/** Every validator of these committees by the hash that its shares carry. */
export const byHash = (committees: readonly CommitteeAtHand[]): ReadonlyMap<RootHex, Place> =>
  new Map(
    committees.flatMap((at) =>
      at.committee.validators.map((validator) => [validator.committeeHash, {at, validator}] as const),
    ),
  );

/** Null: all. */
export function chosenKeys(raw: readonly string[] | undefined): ReadonlySet<PubkeyHex> | null {
  return raw === undefined ? null : new Set(raw.map((key) => parsePubkeyHex(key, "--key")));
}
