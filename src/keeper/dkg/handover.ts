import {parseEpoch, type RootHex} from "../../core/bytes.js";
import type {RetireBody} from "../../core/dkg/items.js";
import {currentEpoch, type Network} from "../../core/duty/network.js";
import type {Permit} from "../../core/duty/policy-config.js";
import {PleiadesError, type ReasonCode} from "../../core/errors.js";
import {checkHandoverEpoch} from "../../core/handover/bounds.js";
import {
  bindTenure,
  endOfEpoch,
  lastEpoch,
  refreshedTenure,
  releaseTenure,
  retireTenure,
  succeed,
  type Tenure,
  type TenureChange,
  waitingTenure,
} from "../../core/handover/tenure.js";
import type {Clock} from "../../ports/clock.js";
import type {Aside, ResultOf} from "../aside-jobs.js";
import type {ShareName} from "../tenure-book.js";
import {decodeJson, encodeJson, NAMES} from "./records.js";
import type {CeremonyTable, CeremonyWriter} from "./table.js";

/** What stays of a handover until this operator's part of it is done, and nothing of it is secret. */
interface KeptHandover {
  readonly number: number;
  /** Of the outcome that this operator proved its new shares for; null for who has none. */
  readonly transcript: RootHex | null;
  /** The new shares. */
  readonly shares: readonly ShareName[];
}

/** What a definition says of a handover. */
export type HandoverTerms = ResultOf<"dkgHandover">;

const refuse = (code: ReasonCode, data: object = {}): PleiadesError => new PleiadesError({...data, code});
/** As a duty, and one more for a clock that is behind. */
const MAX_AHEAD = 2n;
/** Records that rise between reading and writing make it read again. */
const MAX_TRIES = 100;

function taken(change: TenureChange, share: ShareName): Tenure {
  if (change.answer === "deny") throw refuse(change.code, {key: share.key});
  return change.tenure;
}

/** The keeper's part of handing a key over: whose time ends, whose begins. Durable before anything follows from it. */
export class HandoverDesk {
  readonly #table: CeremonyTable;
  readonly #aside: Aside;
  readonly #clock: Pick<Clock, "now">;
  readonly #network: Network;

  constructor(
    {table, aside, clock}: {table: CeremonyTable; aside: Aside; clock: Pick<Clock, "now">},
    {network}: {network: Network},
  ) {
    this.#table = table;
    this.#aside = aside;
    this.#clock = clock;
    this.#network = network;
  }

  /** Null for a fresh key. */
  terms(definition: string): Promise<HandoverTerms> {
    return this.#aside.run("dkgHandover", {definition});
  }

  /** Before a ceremony begins here for the first time. @throws DKG_HANDOVER_EPOCH */
  checkEpoch({epoch, deadline}: NonNullable<HandoverTerms>): void {
    const at = (ms: number): bigint | null => currentEpoch(this.#network, ms);
    checkHandoverEpoch(epoch, {now: at(this.#clock.now()), deadline: at(deadline * 1_000)});
  }

  /**
   * Inside the transaction that begins a ceremony: who deals from old shares has them and may hand them over, and the
   * definition names the credential that was signed for. From now on a reshare's old shares sign nothing later.
   */
  begin(
    write: CeremonyWriter,
    ceremony: RootHex,
    terms: NonNullable<HandoverTerms>,
    own: {deals: boolean; number: number},
  ): void {
    const {kind, epoch} = terms;
    if (own.deals) {
      const now = currentEpoch(this.#network, this.#clock.now()) ?? 0n;
      for (const {share, withdrawal} of terms.old) {
        if (this.#secretOf(share) === null) throw refuse("KEEPER_UNKNOWN_KEY", {key: share.key});
        const held = this.#table.withdrawalOf(share.key);
        const same = held === null || held.credentials === withdrawal.credentials;
        if (!same || (held?.by === "ceremony" && held.changeTo !== withdrawal.changeTo)) {
          throw refuse("KEEPER_OTHER_CREDENTIALS", {key: share.key});
        }
        const bound = taken(bindTenure(this.#table.tenureOf(share), {ceremony, epoch, now}), share);
        // A refresh has no need of it: whoever has its new share ends the old one's time in the same commit.
        if (kind === "reshare") write.setTenure(share, bound);
      }
    }
    if (kind === "reshare") this.#keep(write, ceremony, {number: own.number, transcript: null, shares: []});
  }

  /** The old shares of a chunk's validators, as the definition names them. @throws KEEPER_UNKNOWN_KEY */
  async oldShares(definition: string, chunk: number): Promise<readonly Uint8Array[]> {
    return (await this.#aside.run("dkgOldShares", {definition, chunk})).map((share) => {
      const secret = this.#secretOf(share);
      if (secret === null) throw refuse("KEEPER_UNKNOWN_KEY", {key: share.key});
      return secret;
    });
  }

  /** Inside the transaction that makes new shares the keeper's: what they may sign, and from when. @throws KEEPER_HANDOVER_* */
  activate(
    write: CeremonyWriter,
    ceremony: RootHex,
    terms: NonNullable<HandoverTerms>,
    {shares, transcript, number}: {shares: readonly ShareName[]; transcript: RootHex | null; number: number},
  ): void {
    const {kind, epoch, old} = terms;
    if (kind === "refresh") {
      for (const [i, {share}] of old.entries()) {
        const ended = taken(retireTenure(this.#table.tenureOf(share), {ceremony, epoch, last: null}), share);
        write.setTenure(share, ended);
        write.setTenure(shares[i]!, refreshedTenure(ended.end!.epoch, ended));
      }
    } else {
      for (const share of shares) write.setTenure(share, waitingTenure(epoch));
      this.#keep(write, ceremony, {number, transcript, shares});
    }
    if (terms.permits.length > 0) write.put(NAMES.permits(ceremony), encodeJson(terms.permits));
  }

  /** Whether shares of this key that others made its record for are held. */
  holdsAny({key}: ShareName): boolean {
    return this.#table.sharesOf(key).length > 0;
  }

  /** The first record of a key that others have signed for. */
  firstRecord({epoch}: NonNullable<HandoverTerms>) {
    return endOfEpoch(epoch, this.#network.preset.slotsPerEpoch);
  }

  /** Inside the transaction that ends a ceremony which came to nothing. What is kept lets a late operator still retire. */
  release(write: CeremonyWriter, ceremony: RootHex, terms: HandoverTerms): void {
    for (const {share} of terms?.old ?? []) {
      const tenure = this.#table.tenureOf(share);
      const released = releaseTenure(tenure, ceremony);
      if (released !== tenure) write.setTenure(share, released);
    }
  }

  /** @see CeremonyVault.retire */
  async retire(ceremony: RootHex, transcript: RootHex, leave: (write: CeremonyWriter) => void): Promise<RetireBody> {
    const done = this.#table.get(NAMES.retired(ceremony));
    if (done !== null) return this.#said(done, transcript);
    const {definition, number} = this.#kept(ceremony);
    const terms = (await this.terms(definition))!;
    if (!terms.dealers.includes(number)) throw refuse("KEEPER_HANDOVER_NONE", {ceremony});
    const secrets = terms.old.map(({share}) => {
      const secret = this.#secretOf(share);
      if (secret === null) throw refuse("KEEPER_UNKNOWN_KEY", {key: share.key});
      return secret;
    });
    for (let i = 0; i < MAX_TRIES; i++) {
      const epoch = this.#endOf(ceremony, terms);
      const body = await this.#aside.run("dkgRetire", {definition, transcript, epoch, secrets});
      const written = await this.#table.transaction((write) => {
        const before = this.#table.get(NAMES.retired(ceremony));
        if (before !== null) return this.#said(before, transcript);
        // Signed for meanwhile: it says another epoch then.
        if (this.#endOf(ceremony, terms) !== epoch) return null;
        for (const {share} of terms.old) {
          const ended = taken(retireTenure(this.#table.tenureOf(share), {ceremony, epoch, last: null}), share);
          write.setTenure(share, ended);
        }
        write.put(NAMES.retired(ceremony), encodeJson({...body, epoch: String(body.epoch)}));
        if (number > terms.recipients) leave(write);
        return body;
      });
      if (written !== null) return written;
    }
    throw refuse("KEEPER_OVERLOADED", {ceremony});
  }

  /** @see CeremonyVault.takeOver */
  async takeOver(ceremony: RootHex, retirements: readonly string[]): Promise<{readonly after: bigint}> {
    const {definition, transcript, shares} = this.#kept(ceremony);
    if (transcript === null) throw refuse("KEEPER_HANDOVER_NONE", {ceremony});
    const {epoch, needed} = (await this.terms(definition))!;
    const valid = await this.#aside.run("dkgRetirements", {definition, transcript, retirements});
    const now = currentEpoch(this.#network, this.#clock.now());
    if (now === null) throw refuse("KEEPER_CLOCK_REQUIRED");
    // Nobody honest has signed later than that, and a record far ahead would stop the validator.
    const latest = now + MAX_AHEAD > epoch ? now + MAX_AHEAD : epoch;
    const epochs = valid.map((one) => one.epoch).filter((one) => one <= latest);
    return this.#table.transaction((write) => {
      let after = epoch;
      for (const share of shares) {
        const tenure = this.#table.tenureOf(share);
        const next = taken(succeed(tenure, {epochs, needed}), share);
        after = next.after!;
        if (next === tenure) continue;
        write.setTenure(share, next);
        // Whoever has an older share too signs with it up to there; its record rises with the first new signature.
        const others = this.#table.sharesOf(share.key).some((one) => one.committeeHash !== share.committeeHash);
        if (!others) write.raiseRecord(share.key, endOfEpoch(after, this.#network.preset.slotsPerEpoch));
      }
      return {after};
    });
  }

  /** The epoch after which it retires now: as agreed, or after what was signed since. */
  #endOf(ceremony: RootHex, {epoch, old}: NonNullable<HandoverTerms>): bigint {
    const {slotsPerEpoch} = this.#network.preset;
    const ends = old.map(({share}) => {
      const record = this.#table.recordOf(share.key);
      const last = record === null ? null : lastEpoch(record, slotsPerEpoch);
      return taken(retireTenure(this.#table.tenureOf(share), {ceremony, epoch, last}), share).end!.epoch;
    });
    return ends.reduce((a: bigint, b) => (a > b ? a : b), epoch);
  }

  #said(stored: Buffer, transcript: RootHex): RetireBody {
    const {epoch, ...body} = decodeJson<Omit<RetireBody, "epoch"> & {epoch: string}>(stored);
    if (body.transcript !== transcript) throw refuse("KEEPER_HANDOVER_OTHER", {transcript: body.transcript});
    return {...body, epoch: parseEpoch(epoch)};
  }

  #secretOf({key, committeeHash}: ShareName): Uint8Array | null {
    const found = this.#table.sharesOf(key).find((share) => share.committeeHash === committeeHash);
    return found === undefined ? null : found.secret.reveal();
  }

  #keep(write: CeremonyWriter, ceremony: RootHex, kept: KeptHandover): void {
    write.put(NAMES.handover(ceremony), encodeJson(kept));
  }

  /** @throws KEEPER_CEREMONY_UNKNOWN */
  #kept(ceremony: RootHex): KeptHandover & {definition: string} {
    const [kept, definition] = [this.#table.get(NAMES.handover(ceremony)), this.#table.get(NAMES.definition(ceremony))];
    if (kept === null || definition === null) throw refuse("KEEPER_CEREMONY_UNKNOWN", {ceremony});
    return {...decodeJson<KeptHandover>(kept), definition: definition.toString("utf8")};
  }
}

/** One-off messages that definitions of activated ceremonies let their shares sign. */
export const grantedPermits = (table: CeremonyTable): readonly Permit[] =>
  table.names(NAMES.allPermits).flatMap((name) => decodeJson<Permit[]>(table.get(name)!));
