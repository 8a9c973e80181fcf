import {readFileSync} from "node:fs";
import {blstGroup} from "../adapters/bls/blst.js";
import type {RootHex} from "../core/bytes.js";
import type {Committee, CommitteeValidator} from "../core/committee/committee.js";
import {parseCommitteeFile} from "../core/committee/committee-file.js";
import type {Network} from "../core/duty/network.js";
import {PleiadesError} from "../core/errors.js";
import type {Clock} from "../ports/clock.js";
import type {KeeperFiles, KeeperReload} from "../ports/keeper.js";
import type {LogFields} from "../ports/logger.js";
import type {SlashingStore} from "../ports/slashing-store.js";
import {addBundle} from "./add-bundle.js";
import {type Aside, inThisThread} from "./aside-jobs.js";
import type {KeeperShare} from "./keeper.js";
import {loadShare, publicKeyOf} from "./partial-signer.js";
import type {ShareStore, StoredShare} from "./share-store.js";

export interface HoldingsModules {
  readonly shares: ShareStore;
  readonly store: Pick<SlashingStore, "transactPast">;
  readonly aside: Aside;
  readonly clock: Pick<Clock, "now">;
  readonly log: (level: "debug" | "info" | "warn", message: string, fields: LogFields) => void;
}

export interface HoldingsOptions {
  readonly network: Network;
  readonly startEmpty: boolean;
  /** Read anew each time: it may be in a file. */
  readonly password: () => string;
}

/** Who is told what is held: life before keeper, so that a sighting of a key is known before anything is signed with it. */
export interface Holders {
  readonly life: {add(shares: readonly StoredShare[]): void};
  readonly keeper: {setShares(shares: readonly KeeperShare[]): void};
}

interface Known {
  readonly validator: CommitteeValidator;
  readonly n: number;
  readonly t: number;
}

/** Shares are checked and scaled in slices of about half a millisecond, with a turn between for what wants a signature. */
const SHARES_PER_TURN = 4;

/** The shares of a store, and the committee files they are signed with: as read at the start, and again on demand. */
export class Holdings {
  readonly #modules: HoldingsModules;
  readonly #options: HoldingsOptions;
  /** Of the configured files. */
  #committees: readonly Committee[] = [];
  #kept: readonly Committee[] = [];
  /** By committee, which names one share of one key. */
  #loaded: ReadonlyMap<RootHex, KeeperShare> = new Map();
  #holders: Holders | null = null;
  /** One reading after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(modules: HoldingsModules, options: HoldingsOptions) {
    this.#modules = modules;
    this.#options = options;
  }

  /** The first reading: whatever is wrong with any file is thrown. @throws as {@link readCommittee} and addBundle */
  async open(files: KeeperFiles): Promise<{stored: readonly StoredShare[]; loaded: readonly KeeperShare[]}> {
    // Nobody asks for signatures yet, so this thread may do all of it.
    const {errors} = await this.#read(files, inThisThread);
    if (errors[0] !== undefined) throw errors[0];
    const stored = this.#modules.shares.all();
    return {stored, loaded: await this.#load(stored)};
  }

  /** From now on these are told of every change. */
  attach(holders: Holders): void {
    this.#holders = holders;
  }

  /** Committee files that are kept in the store itself, of ceremonies. Before {@link open}. */
  keep(texts: readonly string[]): void {
    this.#kept = texts.map((text) => parseCommitteeFile(text, blstGroup));
  }

  /** A ceremony's committee whose shares are in the store now: they are signed with when this has resolved. */
  adopt(committee: Committee): Promise<void> {
    return this.#inTurn(async () => {
      this.#kept = [...this.#kept, committee];
      await this.#hold();
    });
  }

  /** Every committee of which this keeper may hold shares. */
  committees(): readonly Committee[] {
    return [...this.#kept, ...this.#committees];
  }

  /** Shares came into the store or were taken out of it: signed with is what is there when this has resolved. */
  again(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#hold();
    });
  }

  /** @see Keeper.reload */
  reload(files: KeeperFiles): Promise<KeeperReload> {
    return this.#inTurn(async () => {
      const {added, errors} = await this.#read(files, this.#modules.aside);
      const keys = await this.#hold();
      return {keys, added, errors: errors.map((error) => `${error.code}: ${error.message}`)};
    });
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const next = this.#last.then(work, work);
    this.#last = next.catch(() => {});
    return next;
  }

  /** Takes committee files and bundles over; what cannot be used is left out and named. */
  async #read(files: KeeperFiles, aside: Aside): Promise<{added: number; errors: readonly PleiadesError[]}> {
    const errors: PleiadesError[] = [];
    const attempt = async <R>(work: () => Promise<R>): Promise<R[]> => {
      try {
        return [await work()];
      } catch (error) {
        if (!(error instanceof PleiadesError) || error.code === "SLASHING_STORE_FAILED") throw error;
        errors.push(error);
        return [];
      }
    };
    const verified = new Set(this.#committees.flatMap(({validators}) => validators.map((one) => one.committeeHash)));
    const committees: Committee[] = [];
    for (const file of files.committeeFiles) {
      committees.push(...(await attempt(() => this.#readCommittee(file, verified, aside))));
    }
    // As the operator's own book: when nothing at all can be used, what was there stays.
    if (committees.length > 0 || errors.length === 0) this.#committees = committees;
    let added = 0;
    for (const file of files.bundleFiles) {
      for (const count of await attempt(() => this.#addBundle(file))) added += count;
    }
    return {added, errors};
  }

  async #readCommittee(file: string, verified: ReadonlySet<RootHex>, aside: Aside): Promise<Committee> {
    const committee = await aside.run("committee", {text: readText(file), verified});
    const {genesisValidatorsRoot: given} = committee;
    const {genesisValidatorsRoot: pinned} = this.#options.network;
    if (given !== null && pinned !== null && given !== pinned) {
      throw new PleiadesError({code: "KEEPER_NETWORK_MISMATCH", file, given, pinned});
    }
    return committee;
  }

  async #addBundle(file: string): Promise<number> {
    const {shares, store, clock, log} = this.#modules;
    const {network, startEmpty, password} = this.#options;
    const {flooredAt} = await store.transactPast((past) => ({past: "keep", writes: new Map(), result: past}));
    const added = await addBundle(shares, readText(file), {
      committees: this.committees(),
      network,
      nowMs: clock.now(),
      startEmpty,
      flooredAt,
      password: password(),
      ownsKey: (secret, sharePublicKey) => publicKeyOf(secret) === sharePublicKey,
      pause: pausing(),
    });
    if (added > 0) log("info", "added a share bundle", {file, shares: added});
    return added;
  }

  /** Hands everything that is stored and known to whoever signs with it. */
  async #hold(): Promise<number> {
    const pause = pausing();
    const stored: StoredShare[] = [];
    for (const open of this.#modules.shares.sealed()) {
      await pause();
      stored.push(open());
    }
    const loaded = await this.#load(stored);
    this.#holders?.life.add(stored);
    this.#holders?.keeper.setShares(loaded);
    return new Set(loaded.map(({groupPublicKey}) => groupPublicKey)).size;
  }

  /** A stored share whose committee file is not configured (any more) stays at rest. */
  async #load(stored: readonly StoredShare[]): Promise<readonly KeeperShare[]> {
    const known = knownIn([...this.#kept, ...this.#committees]);
    const loaded = new Map<RootHex, KeeperShare>();
    const pause = pausing();
    for (const share of stored) {
      const {groupPublicKey: key, committeeHash} = share;
      const found = known.get(committeeHash);
      if (found === undefined) {
        this.#modules.log("warn", "a stored share belongs to no configured committee file", {key, committeeHash});
        continue;
      }
      const before = this.#loaded.get(committeeHash);
      if (before !== undefined) loaded.set(committeeHash, before);
      else {
        await pause();
        loaded.set(committeeHash, checkedShare(share, found));
      }
    }
    this.#loaded = loaded;
    return [...loaded.values()];
  }
}

const knownIn = (committees: readonly Committee[]): ReadonlyMap<RootHex, Known> =>
  new Map(
    committees.flatMap(({validators, operators, threshold}) =>
      validators.map((validator) => [validator.committeeHash, {validator, n: operators.length, t: threshold}] as const),
    ),
  );

/** @throws KEEPER_SHARE_MISMATCH */
function checkedShare({groupPublicKey, committeeHash, index, secret}: StoredShare, found: Known): KeeperShare {
  if (publicKeyOf(secret.reveal()) !== found.validator.sharePublicKeys[index - 1]) {
    throw new PleiadesError({code: "KEEPER_SHARE_MISMATCH", key: groupPublicKey, index});
  }
  return {groupPublicKey, committeeHash, share: loadShare(secret.reveal(), found)};
}

/** Every few calls a turn of the event loop. */
function pausing(): () => Promise<void> {
  let calls = 0;
  return async () => {
    if (++calls % SHARES_PER_TURN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  };
}

/** @throws KEEPER_FILE */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new PleiadesError({code: "KEEPER_FILE", file, reason}, {cause: error});
  }
}
