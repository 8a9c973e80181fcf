import {randomBytes} from "node:crypto";
import {type PeerIdText, type PubkeyHex, parseShareIndex, type RootHex} from "../../core/bytes.js";
import type {Committee} from "../../core/committee/committee.js";
import type {RetireBody} from "../../core/dkg/items.js";
import type {Network} from "../../core/duty/network.js";
import {PleiadesError} from "../../core/errors.js";
import type {SealedExit} from "../../core/escrow/sealed.js";
import {EMPTY_RECORD} from "../../core/slashing/decide.js";
import type {
  CeremonyVault,
  VaultAnnounce,
  VaultCeremony,
  VaultDealing,
  VaultOpening,
  VaultResult,
} from "../../ports/ceremony-vault.js";
import type {Clock} from "../../ports/clock.js";
import {recordOfNewKey} from "../add-bundle.js";
import type {Aside} from "../aside-jobs.js";
import {Secret} from "../secret.js";
import {checkEscrow, recordEscrow, sealedExitOf} from "./escrow.js";
import {HandoverDesk} from "./handover.js";
import {
  type CeremonyState,
  decodeJson,
  decodeKept,
  decodeSummed,
  encodeJson,
  encodeKept,
  encodeSummed,
  idIn,
  NAMES,
  type SummedChunk,
} from "./records.js";
import type {CeremonyTable} from "./table.js";

export interface VaultModules {
  readonly table: CeremonyTable;
  readonly aside: Aside;
  readonly clock: Pick<Clock, "now">;
  /** When all records were raised to the floor for the last time, or null. */
  readonly flooredAt: () => number | null;
  /** Told of a committee whose shares are durable; they are signed with once it resolves. */
  readonly adopt: (committee: Committee) => Promise<void>;
  /** 32 bytes that nobody can guess. */
  readonly newSeed?: () => Uint8Array;
}

export interface VaultOptions {
  readonly network: Network;
}

/** As many as one operator may be asked for in a day; each holds at most 1,000 validators. */
export const MAX_LIVE_CEREMONIES = 64;

const refuse = (code: ConstructorParameters<typeof PleiadesError>[0]["code"], data: object = {}): PleiadesError =>
  new PleiadesError({...data, code});

interface Known {
  readonly state: CeremonyState;
  readonly definition: string;
}

const ownOf = ({state, definition}: Known) => ({
  definition,
  seed: new Uint8Array(Buffer.from(state.seed, "hex")),
  number: state.number,
});

/** The vault over a table: decides what is kept and in which order; everything long is computed aside. */
export class KeeperVault implements CeremonyVault {
  readonly #modules: VaultModules;
  readonly #network: Network;
  readonly #desk: HandoverDesk;

  constructor(modules: VaultModules, {network}: VaultOptions) {
    this.#modules = modules;
    this.#network = network;
    this.#desk = new HandoverDesk(modules, {network});
  }

  async journalKey(): Promise<Uint8Array> {
    const {table} = this.#modules;
    const fresh = randomBytes(32);
    return table.transaction((write) => {
      const held = table.get(NAMES.journalKey);
      if (held === null) write.put(NAMES.journalKey, fresh);
      return new Uint8Array(held ?? fresh);
    });
  }

  async begin(definition: string, peerId: PeerIdText): Promise<VaultAnnounce> {
    const {table, aside, clock, newSeed = () => randomBytes(32)} = this.#modules;
    const read = await aside.run("dkgRead", {definition, peerId});
    const {id, nonce, chunks, number} = read;
    this.#requireChain(read.network);
    for (const key of read.oldKeys) checkEscrow(table, key, read.escrow);
    const terms = await this.#desk.terms(definition);
    const isNew = [NAMES.state(id), NAMES.ended(id)].every((name) => table.get(name) === null);
    if (terms !== null && isNew) this.#desk.checkEpoch(terms);
    const fresh: CeremonyState = {
      seed: Buffer.from(newSeed()).toString("hex"),
      number,
      chunks,
      refresh: read.kind === "refresh",
      reshare: read.kind === "reshare",
      begunAt: clock.now(),
      announces: null,
      dealings: {},
      qualified: null,
      transcript: null,
    };
    await table.transaction((write) => {
      const taken = table.get(NAMES.nonce(nonce));
      if (taken !== null && taken.toString("utf8") !== id) throw refuse("KEEPER_CEREMONY_NONCE", {ceremony: id});
      if (table.get(NAMES.ended(id)) !== null) throw refuse("KEEPER_CEREMONY_OVER", {ceremony: id});
      const before = table.get(NAMES.state(id));
      if (before !== null) {
        if (decodeJson<CeremonyState>(before).number === number) return;
        throw refuse("KEEPER_CEREMONY_PEER", {reason: "begun as another peer"});
      }
      if (table.names(NAMES.states).length >= MAX_LIVE_CEREMONIES) throw refuse("KEEPER_CEREMONY_LIMIT");
      if (terms !== null) this.#desk.begin(write, id, terms, read);
      write.put(NAMES.nonce(nonce), Buffer.from(id));
      write.put(NAMES.definition(id), Buffer.from(definition));
      write.put(NAMES.state(id), encodeJson(fresh));
    });
    // As stored: a repeat may bring other addresses or signatures, which are part of no id.
    const own = ownOf(this.#known(id));
    const hashes: RootHex[] = [];
    for (let chunk = 0; read.deals && chunk < chunks; chunk++) {
      hashes.push(await aside.run("dkgShown", {...own, chunk, old: await this.#dealt(id, chunk)}));
    }
    return {ceremony: id, participant: number, ...(await aside.run("dkgAnnounce", {...own, hashes}))};
  }

  async deal(
    ceremony: RootHex,
    {announces: given, chunk}: {readonly announces: readonly string[]; readonly chunk: number},
  ): Promise<VaultDealing> {
    const {aside} = this.#modules;
    const own = ownOf(this.#known(ceremony));
    if (this.#known(ceremony).state.announces === null) await aside.run("dkgAnnounces", {...own, announces: given});
    const {announces} = await this.#change(ceremony, (state) => ({...state, announces: state.announces ?? given}));
    const old = await this.#dealt(ceremony, chunk);
    const dealt = await aside.run("dkgDeal", {...own, announces: announces!, chunk, old});
    return {...dealt, announces: announces!};
  }

  async open(
    ceremony: RootHex,
    {dealing, chunk, bytes}: {readonly dealing: string; readonly chunk: number; readonly bytes: Uint8Array},
  ): Promise<VaultOpening> {
    const {aside, table} = this.#modules;
    const known = this.#known(ceremony);
    const {dealer, hash} = await aside.run("dkgHeader", {definition: known.definition, dealing});
    // Before anything is opened: a complaint about a second dealing would open the first one for everybody.
    await this.#change(ceremony, (state) => {
      if ((state.dealings[dealer] ?? hash) !== hash) throw refuse("KEEPER_CEREMONY_DEALING", {dealer});
      return {...state, dealings: {...state.dealings, [dealer]: hash}};
    });
    const name = NAMES.kept(ceremony, dealer, chunk);
    if (table.get(name) !== null) return {kind: "ok"};
    const opened = await aside.run("dkgOpen", {...ownOf(known), dealing, chunk, bytes});
    if (opened.kind !== "ok") return opened;
    await table.transaction((write) => {
      this.#known(ceremony);
      write.put(name, encodeKept(opened.kept));
    });
    return {kind: "ok"};
  }

  async result(
    ceremony: RootHex,
    input: {
      readonly qualified: readonly {readonly dealer: number; readonly dealing: RootHex}[];
      readonly transcript: RootHex;
      readonly chunk: number;
    },
  ): Promise<VaultResult> {
    const {aside, table} = this.#modules;
    const {qualified, transcript, chunk} = input;
    const known = this.#known(ceremony);
    const {definition, state} = known;
    if (chunk >= state.chunks) throw refuse("KEEPER_CEREMONY_CHUNK", {chunk, chunks: state.chunks});
    const dealers = qualified.map(({dealer}) => dealer);
    const counted = await aside.run("dkgCounted", {definition, qualified: dealers});
    await this.#change(ceremony, (now) => {
      const opened = qualified.every(({dealer, dealing}) => now.dealings[dealer] === dealing);
      const agreed = now.qualified === null || JSON.stringify(now.qualified) === JSON.stringify(qualified);
      if (!agreed || !opened) {
        throw refuse("KEEPER_CEREMONY_QUALIFIED", {reason: agreed ? "a dealing was not opened" : "others before"});
      }
      if ((now.transcript ?? transcript) !== transcript) {
        throw refuse("KEEPER_CEREMONY_QUALIFIED", {reason: "another transcript before"});
      }
      return {...now, qualified, transcript};
    });
    const stored = table.get(NAMES.summed(ceremony, chunk));
    const {keys, shares} =
      stored === null ? await this.#sum(ceremony, known, dealers, counted, chunk) : decodeSummed(stored);
    // The credentials are durable with the sums: only now may a deposit be signed.
    return {keys, ...(await aside.run("dkgProve", {definition, chunk, keys, shares, transcript}))};
  }

  async #sum(
    ceremony: RootHex,
    {definition, state}: Known,
    qualified: readonly number[],
    counted: readonly number[],
    chunk: number,
  ): Promise<SummedChunk> {
    const {aside, table} = this.#modules;
    const kept = counted.map((dealer) => {
      const bytes = table.get(NAMES.kept(ceremony, dealer, chunk));
      if (bytes === null) throw refuse("KEEPER_CEREMONY_QUALIFIED", {dealer, chunk, reason: "not opened"});
      return decodeKept(dealer, bytes);
    });
    const {number} = state;
    const old = state.refresh ? await this.#desk.oldShares(definition, chunk) : [];
    const {withdrawals, escrow, ...summed} = await aside.run("dkgSum", {
      definition,
      number,
      chunk,
      kept,
      qualified,
      old,
    });
    await table.transaction((write) => {
      this.#known(ceremony);
      for (const [i, {groupPublicKey}] of summed.keys.entries()) {
        write.recordWithdrawal(groupPublicKey, withdrawals[i]!);
        recordEscrow(table, write, groupPublicKey, escrow);
      }
      write.put(NAMES.summed(ceremony, chunk), encodeSummed(summed));
    });
    return summed;
  }

  /** What a reshare deals of a chunk. */
  async #dealt(ceremony: RootHex, chunk: number): Promise<readonly Uint8Array[]> {
    const {state, definition} = this.#known(ceremony);
    return state.reshare ? this.#desk.oldShares(definition, chunk) : [];
  }

  async activate(ceremony: RootHex, committeeFile: string): Promise<{readonly keys: number}> {
    const {aside, table, clock, adopt, flooredAt} = this.#modules;
    const done = table.get(NAMES.ended(ceremony));
    if (done !== null) {
      const {how, keys} = decodeJson<{how: string; keys: number}>(done);
      if (how === "finished") return {keys};
    }
    const {state, definition} = this.#known(ceremony);
    const sums = Array.from({length: state.chunks}, (_, chunk) => {
      const bytes = table.get(NAMES.summed(ceremony, chunk));
      if (bytes === null) throw refuse("KEEPER_CEREMONY_QUALIFIED", {chunk, reason: "no result yet"});
      return decodeSummed(bytes);
    });
    const keys = sums.flatMap((sum) => sum.keys);
    const committee = await aside.run("dkgCommittee", {definition, text: committeeFile, keys});
    const secrets = Buffer.concat(sums.map(({shares}) => shares));
    const moment = {network: this.#network, nowMs: clock.now(), flooredAt: flooredAt()};
    const terms = await this.#desk.terms(definition);
    const first = terms === null ? recordOfNewKey(state.begunAt, moment) : this.#desk.firstRecord(terms);
    const {transcript, number} = state;
    await table.transaction((write) => {
      // Another call may have ended it meanwhile.
      if (table.get(NAMES.ended(ceremony)) !== null) return;
      const shares = committee.validators.map(({groupPublicKey, committeeHash}, i) => {
        const secret = new Secret(new Uint8Array(secrets.subarray(i * 32, (i + 1) * 32)));
        // Who holds shares of the key already goes on with the record that is there.
        const record = terms !== null && table.sharesOf(groupPublicKey).length > 0 ? EMPTY_RECORD : first;
        return {share: {groupPublicKey, committeeHash, index: parseShareIndex(number), secret}, record};
      });
      write.addShares(shares, terms === null ? "only" : "others");
      if (terms !== null) {
        const names = shares.map(({share}) => ({key: share.groupPublicKey, committeeHash: share.committeeHash}));
        this.#desk.activate(write, ceremony, terms, {shares: names, transcript, number});
      }
      write.put(NAMES.committee(ceremony), Buffer.from(committeeFile));
      this.#forget(ceremony, write, {how: "finished", keys: keys.length});
    });
    await adopt(committee);
    return {keys: keys.length};
  }

  retire(ceremony: RootHex, transcript: RootHex): Promise<RetireBody> {
    return this.#desk.retire(ceremony, transcript, (write) => {
      if (this.#modules.table.get(NAMES.state(ceremony)) !== null) {
        this.#forget(ceremony, write, {how: "finished", keys: 0});
      }
      for (const name of [NAMES.definition(ceremony), NAMES.handover(ceremony)]) write.remove(name);
    });
  }

  async takeOver(ceremony: RootHex, retirements: readonly string[]): Promise<{readonly after: bigint}> {
    return this.#desk.takeOver(ceremony, retirements);
  }

  async abort(ceremony: RootHex): Promise<void> {
    const {table} = this.#modules;
    const definition = table.get(NAMES.definition(ceremony))?.toString("utf8") ?? null;
    const terms = definition === null ? null : await this.#desk.terms(definition);
    await table.transaction((write) => {
      const done = table.get(NAMES.ended(ceremony));
      if (done !== null && decodeJson<{how: string}>(done).how === "aborted") return;
      this.#known(ceremony);
      this.#desk.release(write, ceremony, terms);
      this.#forget(ceremony, write, {how: "aborted"});
    });
  }

  async sealExit(key: PubkeyHex, validatorIndex: bigint): Promise<SealedExit> {
    return sealedExitOf(this.#modules.table, this.#network, {
      key,
      validatorIndex,
      nowMs: this.#modules.clock.now(),
    });
  }

  async status(): Promise<readonly VaultCeremony[]> {
    const {table} = this.#modules;
    const open = table.names(NAMES.states).map((name) => ({ceremony: idIn(name), state: "open"}) as const);
    const ended = table.names(NAMES.allEnded).map((name) => {
      const {how} = decodeJson<{how: "finished" | "aborted"}>(table.get(name)!);
      return {ceremony: idIn(name), state: how};
    });
    return [...open, ...ended];
  }

  /** Everything secret of a ceremony; what stays is that there was one. */
  #forget(
    ceremony: RootHex,
    write: {put(name: string, value: Buffer): void; remove(name: string): void},
    end: object,
  ): void {
    const {table} = this.#modules;
    const names = [...table.names(NAMES.allKept(ceremony)), ...table.names(NAMES.allSummed(ceremony))];
    for (const name of [...names, NAMES.state(ceremony)]) write.remove(name);
    // A handover goes on: who was left without a share may still have to retire.
    if (table.get(NAMES.handover(ceremony)) === null) write.remove(NAMES.definition(ceremony));
    write.put(NAMES.ended(ceremony), encodeJson(end));
  }

  #known(ceremony: RootHex): Known {
    const {table} = this.#modules;
    const [state, definition] = [table.get(NAMES.state(ceremony)), table.get(NAMES.definition(ceremony))];
    if (state === null || definition === null) throw refuse("KEEPER_CEREMONY_UNKNOWN", {ceremony});
    return {state: decodeJson<CeremonyState>(state), definition: definition.toString("utf8")};
  }

  /** The state as it is from now on, durable. */
  #change(ceremony: RootHex, change: (state: CeremonyState) => CeremonyState): Promise<CeremonyState> {
    return this.#modules.table.transaction((write) => {
      const {state} = this.#known(ceremony);
      const next = change(state);
      const [before, after] = [encodeJson(state), encodeJson(next)];
      if (!before.equals(after)) write.put(NAMES.state(ceremony), after);
      return next;
    });
  }

  #requireChain(given: {readonly genesisValidatorsRoot: string; readonly genesisForkVersion: string}): void {
    const {genesisValidatorsRoot: pinned, forks} = this.#network;
    const version = forks?.[0]?.version ?? given.genesisForkVersion;
    if ((pinned !== null && pinned !== given.genesisValidatorsRoot) || version !== given.genesisForkVersion) {
      throw refuse("KEEPER_NETWORK_MISMATCH", {given: given.genesisValidatorsRoot, pinned});
    }
  }
}

/** The committee files of ceremonies that were activated in this store. */
export const activatedFiles = (table: CeremonyTable): readonly string[] =>
  table.names(NAMES.committees).map((name) => table.get(name)!.toString("utf8"));
