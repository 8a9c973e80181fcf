import type {PeerIdText, PubkeyHex, RootHex} from "../../core/bytes.js";
import {codeOf, PleiadesError, type ReasonCode} from "../../core/errors.js";
import {requestMessage} from "../../core/repair/items.js";
import {MAX_REPAIR_KEYS} from "../../core/repair/request.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {PeerMessages} from "../../ports/peer-messages.js";
import type {LostShares, ShareRepair} from "../../ports/share-repair.js";
import {signedRequest} from "./helping.js";
import {decode, encode, list, parseSummed} from "./wire.js";

/** An operator that did not help, or lied. */
export interface Unhelpful {
  readonly operatorId: number;
  readonly peerId: PeerIdText;
  readonly code: ReasonCode;
  /** True when what it sent proves that it lies. */
  readonly lied: boolean;
  readonly reason: string;
}

export type RepairEvent =
  | {readonly kind: "progress"; readonly done: number; readonly all: number; readonly step: string}
  | ({readonly kind: "unhelpful"} & Unhelpful)
  | {readonly kind: "done"}
  | {readonly kind: "rebuilt"; readonly keys: readonly PubkeyHex[]; readonly helpers: readonly number[]};

export interface RepairerModules {
  readonly repair: ShareRepair;
  readonly peers: Pick<PeerMessages, "self" | "peers" | "request">;
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly clock: Pick<Clock, "now" | "after">;
  readonly logger: Logger;
}

export interface RepairerOptions {
  /** How long to wait for helpers to be connected. */
  readonly patienceMs: number;
}

const POLL_MS = 100;

/** What went wrong with one helper, by its place; the others are asked again with another one instead. */
class Failure extends Error {
  readonly place: number;
  readonly code: ReasonCode;
  readonly lied: boolean;

  constructor(place: number, code: ReasonCode, lied: boolean, reason: string) {
    super(reason);
    this.place = place;
    this.code = code;
    this.lied = lied;
  }
}

/** The side of the operator that lost its shares: asks t others, and again with another one in place of one that fails. */
export class Repairer {
  readonly #modules: RepairerModules;
  readonly #options: RepairerOptions;

  constructor(modules: RepairerModules, options: RepairerOptions) {
    this.#modules = modules;
    this.#options = options;
  }

  /** All lost shares of one committee, fifty at a time; each part is durable when it is told. @throws SHARE_REPAIR_HELPERS */
  async *run(lost: LostShares, signal: AbortSignal): AsyncGenerator<RepairEvent> {
    const bad = new Map<number, Unhelpful>();
    const {shares} = lost;
    for (let start = 0; start < shares.length; start += MAX_REPAIR_KEYS) {
      const part = shares.slice(start, start + MAX_REPAIR_KEYS).map(({committeeHash}) => committeeHash);
      for (;;) {
        yield {kind: "progress", done: start, all: shares.length, step: "waiting for helpers"};
        const helpers = await this.#choose(lost, bad, signal);
        const where = helpers.join(", ");
        yield {kind: "progress", done: start, all: shares.length, step: `rebuilding with operators ${where}`};
        try {
          const keys = await this.#once(lost, {part, helpers}, signal);
          yield {kind: "rebuilt", keys, helpers};
          break;
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          const operatorId = helpers[error.place]!;
          const {code, lied, message: reason} = error;
          const unhelpful = {operatorId, peerId: peerOf(lost, operatorId), code, lied, reason};
          bad.set(operatorId, unhelpful);
          this.#modules.logger.warn("an operator did not help to rebuild a share", {...unhelpful});
          yield {kind: "unhelpful", ...unhelpful};
        }
      }
    }
  }

  async #choose(lost: LostShares, bad: ReadonlyMap<number, Unhelpful>, signal: AbortSignal): Promise<number[]> {
    const {operators, index, threshold} = lost;
    const {peers, clock} = this.#modules;
    const candidates = operators.filter(({id}) => Number(id) !== Number(index) && !bad.has(id));
    const until = clock.now() + this.#options.patienceMs;
    for (;;) {
      if (signal.aborted) throw new PleiadesError({code: "LINK_ABORTED"});
      const status = new Map(peers.peers().map((one) => [one.peerId, one]));
      const connected = candidates.filter(({peerId}) => status.get(peerId)?.connected === true);
      if (connected.length >= threshold) return connected.slice(0, threshold).map(({id}) => id);
      if (candidates.length < threshold || clock.now() >= until) {
        const away = candidates.filter(({peerId}) => status.get(peerId)?.connected !== true);
        const operatorsSay = [
          ...[...bad.values()].map(({operatorId, code, reason}) => `operator ${operatorId}: ${code} ${reason}`),
          ...away.map(({id, peerId}) => `operator ${id}: not connected (${status.get(peerId)?.code ?? "no answer"})`),
        ];
        const found = {needed: threshold, connected: connected.length};
        throw new PleiadesError({code: "SHARE_REPAIR_HELPERS", ...found, operators: operatorsSay.join("; ")});
      }
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
    }
  }

  async #once(
    lost: LostShares,
    {part, helpers}: {part: readonly RootHex[]; helpers: readonly number[]},
    signal: AbortSignal,
  ): Promise<readonly PubkeyHex[]> {
    const {repair, peers, sign} = this.#modules;
    const {session, request} = await repair.ask({self: peers.self, shares: part, helpers});
    const asked = signedRequest(request, sign(requestMessage(session)));
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    /** Of all helpers, by place; the first that fails ends the attempt. */
    const all = async <R>(body: (place: number) => Uint8Array, read: (place: number, answer: Uint8Array) => R) => {
      const answers = helpers.map(async (id, place) => {
        try {
          const answer = await peers.request(peerOf(lost, id), body(place), both);
          return await read(place, answer);
        } catch (error) {
          if (error instanceof Failure) throw error;
          throw new Failure(place, codeOf(error), false, error instanceof Error ? error.message : "failed");
        }
      });
      return Promise.all(answers);
    };
    try {
      const announces = await all(
        () => asked,
        (_, answer) => decode(answer),
      );
      const deal = encode({step: "deal", session, announces});
      const dealings = await all(
        () => deal,
        async (place, answer) => {
          const dealing = decode(answer);
          const reason = await repair.check(session, {place, dealing});
          if (reason !== null)
            throw new Failure(place, "SHARE_REPAIR_MESSAGE", true, `its dealing is wrong: ${reason}`);
          return {head: dealing.head, columns: list(dealing.columns, "columns")};
        },
      );
      const sums = await all(
        (place) =>
          encode({
            step: "sum",
            session,
            dealings: dealings.map(({head, columns}) => ({head, column: columns[place]})),
          }),
        async (by, answer) => {
          const summed = parseSummed(answer);
          if (summed.kind === "sums") return summed;
          const {from, secret} = summed;
          const liar = await repair.judge(session, {by, from, secret, announce: announces[by]});
          const reason = liar === by ? `it accuses operator ${helpers[from]} falsely` : "it sealed a wrong summand";
          throw new Failure(liar, "SHARE_REPAIR_MESSAGE", true, reason);
        },
      );
      const end = await repair.rebuild(session, sums);
      if (end.kind === "liar") {
        throw new Failure(end.place, "SHARE_REPAIR_MESSAGE", true, "its sums are not those of what it was dealt");
      }
      return end.keys;
    } finally {
      stop.abort();
    }
  }
}

const peerOf = ({operators}: LostShares, id: number): PeerIdText => operators[id - 1]!.peerId;
