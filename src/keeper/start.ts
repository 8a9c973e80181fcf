import {randomBytes} from "node:crypto";
import {readFileSync} from "node:fs";
import {join} from "node:path";
import {blstGroup} from "../adapters/bls/blst.js";
import {LmdbSlashingStore} from "../adapters/slashing-store/lmdb.js";
import {LmdbEnvironment, type OnCommit} from "../adapters/slashing-store/lmdb-environment.js";
import {parseLifeId} from "../core/bytes.js";
import type {Committee} from "../core/committee/committee.js";
import {parseCommitteeFile} from "../core/committee/committee-file.js";
import type {Network} from "../core/duty/network.js";
import {PleiadesError} from "../core/errors.js";
import type {Clock} from "../ports/clock.js";
import type {LogFields} from "../ports/logger.js";
import {addBundle} from "./add-bundle.js";
import {openShareBundle} from "./bundle.js";
import {parseKeeperInit} from "./init.js";
import {type KeeperShare, SigningKeeper} from "./keeper.js";
import {KeeperLife, type LifeAlarm} from "./keeper-life.js";
import {loadShare, publicKeyOf, SigningPool} from "./partial-signer.js";
import {readPassword} from "./password.js";
import {ShareStore, type StoredShare} from "./share-store.js";

export interface KeeperHooks {
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly log: (level: "debug" | "info" | "warn", message: string, fields: LogFields) => void;
  readonly onAlarm: (alarm: LifeAlarm) => void;
  readonly onCommit: OnCommit;
}

export interface StartedKeeper {
  readonly keeper: SigningKeeper;
  readonly life: KeeperLife;
  readonly environment: LmdbEnvironment;
  readonly keys: number;
  close(): Promise<void>;
}

/** Where a keeper keeps records and shares, below the operator's dataDir. */
export const storePath = (dataDir: string): string => join(dataDir, "keeper");

/**
 * Opens the store, adds new share bundles, loads the shares that belong to the committee files.
 * @throws the codes of parseKeeperInit, readPassword, LmdbEnvironment.open, ShareStore.open, parseCommitteeFile, addBundle;
 *   SLASHING_WRONG_CHAIN · KEEPER_NETWORK_MISMATCH · KEEPER_BUNDLE (unreadable file)
 */
export async function startSigningKeeper(raw: unknown, hooks: KeeperHooks): Promise<StartedKeeper> {
  const init = parseKeeperInit(raw);
  const password = readPassword(init.password);
  const environment = await LmdbEnvironment.open(storePath(init.dataDir), hooks.onCommit);
  try {
    const store = new LmdbSlashingStore({environment});
    if (init.network.genesisValidatorsRoot !== null) {
      await store.pinGenesisValidatorsRoot(init.network.genesisValidatorsRoot);
    }
    const committees = init.committeeFiles.map((file) => readCommittee(file, init.network));
    // The first password that comes stays the store's, so it has to open the bundles before there is a store.
    if (!ShareStore.isThere({environment})) {
      for (const file of init.bundleFiles) await openShareBundle(readText(file), password);
    }
    const shares = await ShareStore.open({environment}, password);
    const {flooredAt} = await store.transactPast((past) => ({past: "keep", writes: new Map(), result: past}));
    for (const file of init.bundleFiles) {
      const added = await addBundle(shares, readText(file), {
        committees,
        network: init.network,
        nowMs: hooks.clock.now(),
        startEmpty: init.startEmpty,
        flooredAt,
        password,
        ownsKey: (secret, sharePublicKey) => publicKeyOf(secret) === sharePublicKey,
      });
      if (added > 0) hooks.log("info", "added a share bundle", {file, shares: added});
    }
    const stored = shares.all();
    const loaded = load(stored, committees, hooks);
    // After the bundles: a share that came without its past is judged together with all others.
    const life = await KeeperLife.begin(
      {store, clock: hooks.clock, newLife, onAlarm: hooks.onAlarm},
      {network: init.network, shares: stored},
    );
    const pool = init.signingThreads > 0 ? new SigningPool(init.signingThreads) : null;
    const keeper = new SigningKeeper(
      {
        clock: hooks.clock,
        store,
        halted: () => environment.failure ?? life.stopped,
        pool,
        onDecision: init.logDecisions ? (fields) => hooks.log("debug", "keeper decided", fields) : null,
      },
      {network: init.network, policy: init.policy, shares: loaded, signingThreads: init.signingThreads},
    );
    return {
      keeper,
      life,
      environment,
      keys: loaded.length,
      async close() {
        await pool?.close();
        await environment.close();
      },
    };
  } catch (error) {
    await environment.close();
    throw error;
  }
}

const newLife = () => parseLifeId(randomBytes(16).toString("hex"));

function readCommittee(file: string, network: Network): Committee {
  const committee = parseCommitteeFile(readText(file), blstGroup);
  const {genesisValidatorsRoot: given} = committee;
  const {genesisValidatorsRoot: pinned} = network;
  if (given !== null && pinned !== null && given !== pinned) {
    throw new PleiadesError({code: "KEEPER_NETWORK_MISMATCH", file, given, pinned});
  }
  return committee;
}

/** A stored share whose committee file is not configured (any more) stays at rest. */
function load(stored: readonly StoredShare[], committees: readonly Committee[], {log}: KeeperHooks): KeeperShare[] {
  const known = new Map(
    committees.flatMap(({validators, operators, threshold}) =>
      validators.map((validator) => [validator.committeeHash, {validator, n: operators.length, t: threshold}] as const),
    ),
  );
  const loaded: KeeperShare[] = [];
  for (const {groupPublicKey, committeeHash, index, secret} of stored) {
    const found = known.get(committeeHash);
    if (found === undefined) {
      log("warn", "a stored share belongs to no configured committee file", {key: groupPublicKey, committeeHash});
      continue;
    }
    if (publicKeyOf(secret.reveal()) !== found.validator.sharePublicKeys[index - 1]) {
      throw new PleiadesError({code: "KEEPER_SHARE_MISMATCH", key: groupPublicKey, index});
    }
    loaded.push({groupPublicKey, committeeHash, share: loadShare(secret.reveal(), found)});
  }
  return loaded;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new PleiadesError({code: "KEEPER_FILE", file, reason}, {cause: error});
  }
}
