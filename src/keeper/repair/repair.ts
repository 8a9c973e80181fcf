import {randomBytes} from "node:crypto";
import {
  type PeerIdText,
  type PubkeyHex,
  parseRootHex,
  parseShareIndex,
  type RootHex,
  rootHex,
} from "../../core/bytes.js";
import type {Committee, CommitteeOperator} from "../../core/committee/committee.js";
import type {VerifyNodeSignature} from "../../core/dkg/node-signature.js";
import {sealingPublicKey} from "../../core/dkg/sealing.js";
import {currentEpoch, type Network} from "../../core/duty/network.js";
import {PleiadesError, type ReasonCode} from "../../core/errors.js";
import {
  announceMessage,
  type Column,
  columnHash,
  type Dealing,
  type DealingHead,
  dealingMessage,
  listOf,
  parseAnnounce,
  parseColumn,
  parseDealing,
  parseHead,
  requestMessage,
} from "../../core/repair/items.js";
import {
  formatRequest,
  parseRequest,
  type Repair,
  type RepairRequest,
  repairOf,
  sessionOf,
} from "../../core/repair/request.js";
import {floorRecord} from "../../core/slashing/decide.js";
import type {SlashingRecord} from "../../core/slashing/record.js";
import type {Clock} from "../../ports/clock.js";
import type {LostShares, RepairConsent, RepairEnd, RepairSummed, ShareRepair} from "../../ports/share-repair.js";
import type {Aside} from "../aside-jobs.js";
import {Secret} from "../secret.js";
import type {StoredShare} from "../share-store.js";

/** Where shares are; in production the keeper's store. */
export interface RepairTable {
  /** More than one while the key is handed over. */
  of(key: PubkeyHex): readonly StoredShare[];
  /** @see ShareStore.restore */
  restore(
    shares: readonly StoredShare[],
    floor: SlashingRecord,
    older: ReadonlySet<RootHex>,
  ): Promise<readonly PubkeyHex[]>;
}

export interface RepairModules {
  readonly table: RepairTable;
  readonly committees: () => readonly Committee[];
  /** Told when shares came back; they are signed with once it resolves. */
  readonly restored: () => Promise<void>;
  readonly aside: Aside;
  readonly clock: Pick<Clock, "now">;
  /** In the name of the plugin `share`. */
  readonly verify: VerifyNodeSignature;
}

/** A person reads a message, looks the other one up and talks to them; beyond a day nobody remembers. */
export const MAX_CONSENT_MINUTES = 24 * 60;
/** Each may hold fifty shares' worth of numbers; a repair of 1,000 keys has one at a time. */
const MAX_SESSIONS = 16;

interface Helping {
  readonly repair: Repair;
  readonly place: number;
  readonly seed: Secret;
  dealt: ReturnType<ShareRepair["deal"]> | null;
}
interface Asking {
  readonly repair: Repair;
  readonly secret: Secret;
  readonly dealings: Map<number, Dealing>;
}

const refuse = (code: ReasonCode, data: object = {}): PleiadesError => new PleiadesError({...data, code});

/** Both sides of repairs, over a table of shares. Everything long is computed aside; sessions are in memory alone. */
export class KeeperRepair implements ShareRepair {
  readonly #modules: RepairModules;
  readonly #network: Network;
  readonly #consents = new Map<PeerIdText, number>();
  readonly #helping = new Map<RootHex, Helping>();
  readonly #asking = new Map<RootHex, Asking>();

  constructor(modules: RepairModules, {network}: {network: Network}) {
    this.#modules = modules;
    this.#network = network;
  }

  async lost(self: PeerIdText): Promise<readonly LostShares[]> {
    return this.#newest().flatMap(({committee, validators}) => {
      const {operators, threshold, generation} = committee;
      const own = operators.find(({peerId}) => peerId === self);
      const shares = validators
        .filter(({groupPublicKey, committeeHash}) => this.#held({groupPublicKey, committeeHash}) === null)
        .map(({groupPublicKey, committeeHash}) => ({groupPublicKey, committeeHash}));
      if (own === undefined || shares.length === 0) return [];
      return [{generation, threshold, operators, index: parseShareIndex(own.id), shares}];
    });
  }

  async ask({
    self,
    shares,
    helpers,
  }: {
    self: PeerIdText;
    shares: readonly RootHex[];
    helpers: readonly number[];
  }): Promise<{session: RootHex; request: string}> {
    const committee = this.#modules
      .committees()
      .find(({validators}) => validators.some(({committeeHash}) => committeeHash === shares[0]));
    const own = committee?.operators.find(({peerId}) => peerId === self);
    if (own === undefined) throw refuse("SHARE_COMMITTEE", {committeeHash: shares[0]});
    const secret = new Secret(new Uint8Array(randomBytes(32)));
    const request: RepairRequest = {
      nonce: rootHex(randomBytes(32)),
      shares,
      owner: self,
      index: parseShareIndex(own.id),
      helpers: helpers.map((id) => parseShareIndex(id)),
      sealingKey: rootHex(sealingPublicKey(secret.reveal())),
    };
    const text = formatRequest(request);
    const repair = repairOf(parseRequest(text), this.#modules.committees());
    makeRoom(this.#asking, repair);
    this.#asking.set(repair.session, {repair, secret, dealings: new Map()});
    return {session: repair.session, request: text};
  }

  async check(session: RootHex, {place, dealing: raw}: {place: number; dealing: unknown}): Promise<string | null> {
    const {repair, dealings} = this.#asked(session);
    const {peers, validators} = repair;
    const peer = peers[place];
    if (peer === undefined) throw refuse("SHARE_REPAIR_MESSAGE", {field: "place"});
    let dealing: Dealing;
    try {
      dealing = parseDealing(raw, {t: peers.length, keys: validators.length});
    } catch (error) {
      if (error instanceof PleiadesError) return `it is malformed (${error.code})`;
      throw error;
    }
    if (!this.#signed(peer, dealingMessage(session, place, dealing.head), dealing.head.signature)) {
      return "it is not signed by its author";
    }
    const reason = await this.#modules.aside.run("repairCheck", {repair, place, dealing});
    if (reason === null) dealings.set(place, dealing);
    return reason;
  }

  async judge(
    session: RootHex,
    {by, from, secret, announce: raw}: {by: number; from: number; secret: string; announce: unknown},
  ): Promise<number> {
    const {repair, dealings} = this.#asked(session);
    const dealing = dealings.get(from);
    if (dealing === undefined || repair.peers[by] === undefined) {
      throw refuse("SHARE_REPAIR_MESSAGE", {field: "complaint"});
    }
    const announce = this.#announceOf(repair, by, raw);
    const complaint = {by, from, secret: parseRootHex(secret, "secret"), announce, dealing};
    return this.#modules.aside.run("repairJudge", {repair, ...complaint});
  }

  async rebuild(
    session: RootHex,
    given: readonly {readonly ephemeral: string; readonly sealed: Uint8Array}[],
  ): Promise<RepairEnd> {
    const {repair, secret, dealings: kept} = this.#asked(session);
    const {peers, validators, request} = repair;
    const dealings = peers.flatMap((_, place) => kept.get(place) ?? []);
    const sums = listOf(given, peers.length, "sums").map((raw) => {
      const {ephemeral, sealed} = raw as {ephemeral: unknown; sealed: Uint8Array};
      return {ephemeral: parseRootHex(ephemeral, "ephemeral"), sealed};
    });
    if (dealings.length !== peers.length) throw refuse("SHARE_REPAIR_MESSAGE", {field: "dealings"});
    const epoch = currentEpoch(this.#network, this.#modules.clock.now());
    if (epoch === null) throw refuse("KEEPER_CLOCK_REQUIRED");
    const job = {repair, secret: secret.reveal(), dealings, sums};
    const rebuilt = await this.#modules.aside.run("repairRebuild", job);
    if (rebuilt.kind === "liar") return rebuilt;
    const stored = validators.map(({groupPublicKey, committeeHash}, i) => {
      const share = new Secret(rebuilt.shares[i]!);
      return {groupPublicKey, committeeHash, index: request.index, secret: share};
    });
    const floor = floorRecord({epoch, slotsPerEpoch: this.#network.preset.slotsPerEpoch});
    await this.#modules.table.restore(stored, floor, this.#older(validators));
    this.#asking.delete(session);
    await this.#modules.restored();
    return {kind: "rebuilt", keys: validators.map(({groupPublicKey}) => groupPublicKey)};
  }

  async consent({owner, minutes}: {owner: PeerIdText; minutes: number}): Promise<RepairConsent> {
    if (!(minutes >= 0) || minutes > MAX_CONSENT_MINUTES) throw refuse("SHARE_REPAIR_MESSAGE", {field: "minutes"});
    const found: CommitteeOperator[] = [];
    const keys: PubkeyHex[] = [];
    for (const {committee, validators} of this.#newest()) {
      const named = committee.operators.find(({peerId}) => peerId === owner);
      if (named === undefined) continue;
      const held = validators.filter((one) => this.#held(one) !== null);
      // Of itself an operator has nothing to rebuild.
      const mine = held.filter((one) => this.#held(one)?.index !== parseShareIndex(named.id));
      if (mine.length > 0) found.push(named);
      keys.push(...mine.map(({groupPublicKey}) => groupPublicKey));
    }
    const [named] = found;
    if (named === undefined) throw refuse("SHARE_COMMITTEE", {peerId: owner});
    const until = this.#modules.clock.now() + minutes * 60_000;
    if (minutes === 0) this.#consents.delete(owner);
    else this.#consents.set(owner, until);
    return {keys, owner: named, until};
  }

  async announce({
    request: text,
    signature,
    from,
  }: {
    request: string;
    signature: Uint8Array;
    from: PeerIdText;
  }): Promise<{session: RootHex; place: number; keys: readonly RootHex[]}> {
    const request = parseRequest(text);
    const {owner} = request;
    if (owner !== from) throw refuse("SHARE_WRONG_OPERATOR", {owner, peerId: from});
    this.#requireConsent(owner);
    if (!this.#signed(owner, requestMessage(sessionOf(request)), signature)) {
      throw refuse("SHARE_REPAIR_MESSAGE", {field: "signature"});
    }
    const repair = repairOf(request, this.#modules.committees());
    const newest = new Set(this.#newest().flatMap(({validators}) => validators.map((one) => one.committeeHash)));
    // Shares of older generations must die out: nobody gets one back.
    const old = request.shares.find((hash) => !newest.has(hash));
    if (old !== undefined) throw refuse("SHARE_OLD_GENERATION", {committeeHash: old});
    const [first] = this.#sharesFor(repair);
    const place = request.helpers.indexOf(first!.index);
    if (place === -1) throw refuse("SHARE_REPAIR_MESSAGE", {field: "helpers"});
    const before = this.#helping.get(repair.session);
    if (before === undefined) {
      makeRoom(this.#helping, repair);
      const seed = new Secret(new Uint8Array(randomBytes(32)));
      this.#helping.set(repair.session, {repair, place, seed, dealt: null});
    }
    const helping = this.#helped(repair.session, from);
    const keys = await this.#modules.aside.run("repairAnnounce", {repair, helper: helperOf(helping)});
    return {session: repair.session, place, keys};
  }

  async deal(session: RootHex, {from, announces: raw}: {from: PeerIdText; announces: readonly unknown[]}) {
    const helping = this.#helped(session, from);
    const {repair, place} = helping;
    const announces = listOf(raw, repair.peers.length, "announces").map((one, by) => this.#announceOf(repair, by, one));
    const shares = this.#sharesFor(repair).map(({secret}) => secret.reveal());
    // Once: what was dealt on the first announces stays, whatever is handed in later.
    helping.dealt ??= this.#modules.aside
      .run("repairDeal", {repair, helper: helperOf(helping), shares, announces})
      .then((dealt) => ({place, ...dealt}));
    return helping.dealt;
  }

  async sum(
    session: RootHex,
    {from, dealings}: {from: PeerIdText; dealings: readonly {readonly head: unknown; readonly column: unknown}[]},
  ): Promise<RepairSummed> {
    const helping = this.#helped(session, from);
    const {repair, place} = helping;
    const {peers, validators} = repair;
    const dealt = listOf(dealings, peers.length, "dealings").map((raw, author) => {
      const given = Object(raw) as {readonly head: unknown; readonly column: unknown};
      const head: DealingHead = parseHead(given.head, peers.length);
      const column: Column = parseColumn(given.column, validators.length);
      // What is not its author's would let whoever asks leave a helper's term out, and see another one's.
      const authentic = this.#signed(peers[author]!, dealingMessage(session, author, head), head.signature);
      if (!authentic || columnHash(column) !== head.columns[place]) {
        throw refuse("SHARE_REPAIR_MESSAGE", {field: `dealing of helper ${repair.request.helpers[author]}`});
      }
      return {head, column};
    });
    // Asked once: the session is over before anything of it leaves.
    this.#helping.delete(session);
    return this.#modules.aside.run("repairSum", {repair, helper: helperOf(helping), dealt});
  }

  /** Committees with those of their keys of which no newer generation is known. */
  #newest(): readonly {readonly committee: Committee; readonly validators: Committee["validators"]}[] {
    const committees = this.#modules.committees();
    const newest = new Map<PubkeyHex, number>();
    for (const {validators, generation} of committees) {
      for (const {groupPublicKey: key} of validators) newest.set(key, Math.max(generation, newest.get(key) ?? 0));
    }
    const seen = new Set<RootHex>();
    return committees.map((committee) => ({
      committee,
      validators: committee.validators.filter(({groupPublicKey, committeeHash}) => {
        const first = !seen.has(committeeHash);
        seen.add(committeeHash);
        return first && newest.get(groupPublicKey) === committee.generation;
      }),
    }));
  }

  /** Hashes of what the same keys' shares of older generations carry: those may be replaced. */
  #older(validators: Committee["validators"]): ReadonlySet<RootHex> {
    const newest = new Set(validators.map(({groupPublicKey}) => groupPublicKey));
    const own = new Set(validators.map(({committeeHash}) => committeeHash));
    const committees = this.#modules.committees();
    const generation = committees.find((one) => one.validators.some((v) => own.has(v.committeeHash)))?.generation ?? 0;
    return new Set(
      committees
        .filter((one) => one.generation < generation)
        .flatMap((one) => one.validators.filter((v) => newest.has(v.groupPublicKey)).map((v) => v.committeeHash)),
    );
  }

  #held({groupPublicKey, committeeHash}: Pick<StoredShare, "groupPublicKey" | "committeeHash">): StoredShare | null {
    return this.#modules.table.of(groupPublicKey).find((one) => one.committeeHash === committeeHash) ?? null;
  }

  /** This operator's shares of the keys asked about, of exactly that generation. @throws KEEPER_UNKNOWN_KEY */
  #sharesFor({validators}: Repair): readonly StoredShare[] {
    return validators.map((validator) => {
      const share = this.#held(validator);
      if (share === null) throw refuse("KEEPER_UNKNOWN_KEY", {key: validator.groupPublicKey});
      return share;
    });
  }

  #asked(session: RootHex): Asking {
    const asking = this.#asking.get(session);
    if (asking === undefined) throw refuse("SHARE_REPAIR_UNKNOWN");
    return asking;
  }

  #helped(session: RootHex, from: PeerIdText): Helping {
    const helping = this.#helping.get(session);
    if (helping === undefined) throw refuse("SHARE_REPAIR_UNKNOWN");
    const {owner} = helping.repair.request;
    if (owner !== from) throw refuse("SHARE_WRONG_OPERATOR", {owner, peerId: from});
    this.#requireConsent(owner);
    return helping;
  }

  #requireConsent(owner: PeerIdText): void {
    const until = this.#consents.get(owner);
    if (until === undefined || until < this.#modules.clock.now()) throw refuse("SHARE_NO_CONSENT", {peerId: owner});
  }

  #announceOf(repair: Repair, by: number, raw: unknown) {
    const announce = parseAnnounce(raw, repair.peers.length);
    const message = announceMessage(repair.session, by, announce.keys);
    if (!this.#signed(repair.peers[by]!, message, announce.signature)) {
      throw refuse("SHARE_REPAIR_MESSAGE", {field: `announce of helper ${repair.request.helpers[by]}`});
    }
    return announce;
  }

  #signed(peer: PeerIdText, message: Uint8Array, signature: Uint8Array): boolean {
    return this.#modules.verify(peer, message, signature);
  }
}

const helperOf = ({place, seed}: Helping) => ({place, seed: seed.reveal()});

/** Ends what a newer session takes the place of: one for each lost share, and no more than so many. */
function makeRoom(sessions: Map<RootHex, {readonly repair: Repair}>, {request}: Repair): void {
  const wanted = new Set(request.shares);
  for (const [id, {repair}] of sessions) {
    const same = repair.request.index === request.index && repair.request.shares.some((hash) => wanted.has(hash));
    if (same || sessions.size >= MAX_SESSIONS) sessions.delete(id);
  }
}
