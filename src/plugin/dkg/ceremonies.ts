import type {PeerIdText, RootHex} from "../../core/bytes.js";
import {type Ceremony, ceremonyOf} from "../../core/dkg/ceremony.js";
import {
  type Definition,
  type DefinitionSignatures,
  formatDefinition,
  type Participant,
  parseDefinition,
  type SignedDefinition,
} from "../../core/dkg/definition.js";
import {itemKey} from "../../core/dkg/draft.js";
import type {SignAsNode} from "../../core/dkg/items.js";
import {decodeItem, isAbortReason} from "../../core/dkg/items-codec.js";
import type {VerifyNodeSignature} from "../../core/dkg/node-signature.js";
import type {Machine} from "../../core/dkg/state.js";
import {codeOf, PleiadesError, type ReasonCode} from "../../core/errors.js";
import type {CeremonyJournal} from "../../ports/ceremony-journal.js";
import type {VaultCeremony} from "../../ports/ceremony-vault.js";
import type {Clock} from "../../ports/clock.js";
import type {Logger} from "../../ports/logger.js";
import type {NamedPeer, PeerMessages} from "../../ports/peer-messages.js";
import {within} from "../within.js";
import type {AnswerVault} from "./answer-vault.js";
import {type CeremonyStatus, RunningCeremony} from "./ceremony.js";
import {Changes} from "./changes.js";
import {checkDeadline} from "./deadline.js";
import type {Settle} from "./ending.js";
import {CeremonyExchange, type Shared} from "./exchange.js";
import {Gathering} from "./gathering.js";
import type {DkgAside} from "./jobs.js";

export interface CeremoniesModules {
  readonly journal: CeremonyJournal;
  readonly peers: PeerMessages;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sign: SignAsNode;
  readonly verify: VerifyNodeSignature;
  /** The secrets' side of a ceremony, by the text of its signed definition. */
  readonly vaultOf: (ceremony: Ceremony, definition: string) => AnswerVault;
  readonly aside: DkgAside;
  readonly settle: Settle;
  /** What the vault says of all ceremonies that it knows. */
  readonly inVault: () => Promise<readonly VaultCeremony[]>;
  /** @throws KEEPER_CEREMONY_UNKNOWN */
  readonly forget: (id: RootHex) => Promise<void>;
  /** What is the same for all machines. */
  readonly machine: Pick<Machine, "group" | "timing">;
}

/** One ceremony as `status` shows it: what goes on, and once it is over how it ended, as JSON; also after a new start. */
export interface ListedCeremony {
  readonly id: RootHex;
  readonly definition: Definition;
  readonly participants: readonly ListedParticipant[];
  /** Null before enough have consented, and when it was over before this start. */
  readonly status: CeremonyStatus | null;
  /** Why this operator's part stands still; null while it goes on. */
  readonly halted: ReasonCode | null;
  readonly ended: string | null;
}

export interface ListedParticipant {
  readonly number: number;
  readonly peerId: PeerIdText;
  readonly connected: boolean;
  /** Whether its signature of the definition is here. */
  readonly consented: boolean;
}

/** How often each peer is asked for what is missing: what is new is pushed, so this is for what was lost. */
const SYNC_MS = 1_000;
/** Whoever asks what goes on wants to know it now, above all when a vault hangs. */
const LOST_MS = 2_000;
/** How long a finished ceremony is still served to operators who lag behind. */
const SERVED_MS = 7 * 24 * 60 * 60_000;

interface Entry {
  readonly signed: SignedDefinition;
  readonly participants: readonly Participant[];
  /** Until enough have signed. */
  readonly gathering: Gathering | null;
  /** Null before that, and when it never came to it. */
  readonly ceremony: Ceremony | null;
  /** Null: it has not begun, or was over before this start and is only served. */
  readonly running: RunningCeremony | null;
  readonly served: ReadonlyMap<string, string>;
  readonly ended: string | null;
}

/** All ceremonies of one operator: resumed from the journal, kept up to date with peers, started and aborted. */
export class DkgCeremonies {
  readonly #modules: CeremoniesModules;
  readonly #entries = new Map<RootHex, Entry>();
  readonly #changes = new Changes();
  /** Being written down for the first time. */
  readonly #joining = new Map<RootHex, SignedDefinition>();
  /** Being given up before they began; nothing is gathered for them any more. */
  readonly #givingUp = new Set<RootHex>();
  /** Of those that have not begun, why this operator's part stands still until the next start. */
  readonly #halted = new Map<RootHex, ReasonCode>();
  readonly #exchange: CeremonyExchange;
  #closed = false;
  #cancelTick: () => void = () => undefined;

  constructor(modules: CeremoniesModules) {
    this.#modules = modules;
    const {journal, peers, logger} = modules;
    this.#exchange = new CeremonyExchange({
      journal,
      peers,
      logger,
      ids: () => this.#entries.keys(),
      shared: (id) => this.#shared(id),
    });
  }

  /** Resumes what the journal holds and begins to listen. @throws DKG_JOURNAL_CORRUPT · PEER_TOO_MANY */
  open(): void {
    const {journal} = this.#modules;
    this.#exchange.open();
    for (const {id, definition, end} of journal.ceremonies()) this.#resume(id, definition, end);
    this.#namePeers();
    this.#scheduleTick();
  }

  /**
   * Consents and takes part, as soon as all others have consented too; what it takes part in already goes on.
   * @throws DKG_DEFINITION_* · DKG_NOT_PARTICIPANT · DKG_CEREMONY_OVER · DKG_DEADLINE_* · DKG_JOURNAL_LOST ·
   *   PEER_TOO_MANY · LINK_ADDRESS · DKG_JOURNAL_FAILED
   */
  async join(text: string): Promise<RootHex> {
    const {journal, clock, verify, sign} = this.#modules;
    const gathering = new Gathering(parseDefinition(text, verify), verify);
    const {id, definition, participants} = gathering;
    if (this.#entries.has(id)) return id;
    const number = this.#numberIn({id, participants});
    checkDeadline(definition, clock.now());
    const known = await this.#inVault(id);
    if (known === "open") throw new PleiadesError({code: "DKG_JOURNAL_LOST", ceremony: id});
    if (known !== null) throw new PleiadesError({code: "DKG_CEREMONY_OVER", ceremony: id});
    if (!gathering.consented.includes(number)) gathering.consent(number, sign);
    try {
      this.#joining.set(id, gathering.signed);
      // Names that cannot be used are found before anything is remembered.
      this.#namePeers();
      await journal.begin(id, formatDefinition(gathering.signed));
      // Somebody may have asked twice, or this may have been stopped meanwhile.
      if (this.#entries.has(id) || this.#closed) return id;
      this.#gather(gathering);
    } finally {
      this.#joining.delete(id);
    }
    this.#exchange.sync(id);
    return id;
  }

  /** @throws DKG_ABORT_REASON · DKG_CEREMONY_UNKNOWN · DKG_CEREMONY_OVER · DKG_ABORT_LATE · DKG_JOURNAL_FAILED */
  async abort(id: RootHex, reason: string): Promise<void> {
    // Once said it cannot be taken back, and nobody, not even this operator after a new start, would read it.
    if (!isAbortReason(reason)) throw new PleiadesError({code: "DKG_ABORT_REASON", ceremony: id});
    if (!this.#entries.has(id) && (await this.#inVault(id)) === "open") return this.#modules.forget(id);
    const {running, gathering, ended} = this.#entry(id);
    if (gathering !== null && ended === null) return this.#giveUp(gathering, "aborted", [reason]);
    if (running === null || running.over) throw new PleiadesError({code: "DKG_CEREMONY_OVER", ceremony: id});
    await running.abort(reason);
  }

  list(): readonly ListedCeremony[] {
    return [...this.#entries.keys()].map((id) => this.status(id));
  }

  /**
   * Those that the vault takes part in and the journal does not know (`DKG_JOURNAL_LOST`).
   * @throws KEEPER_NOT_SIGNING, soon, and what the vault throws
   */
  async lost(): Promise<readonly RootHex[]> {
    const {clock, inVault} = this.#modules;
    const known = await within(clock, LOST_MS, {code: "KEEPER_NOT_SIGNING"}, inVault);
    return known.flatMap(({ceremony, state}) => (state === "open" && !this.#entries.has(ceremony) ? [ceremony] : []));
  }

  /** @throws DKG_CEREMONY_UNKNOWN */
  status(id: RootHex): ListedCeremony {
    const {participants, gathering, running, ended, ...entry} = this.#entry(id);
    const {definition, signatures} = gathering?.signed ?? entry.signed;
    const {self} = this.#modules.peers;
    const up = new Set(this.#modules.peers.peers().flatMap(({peerId, connected}) => (connected ? [peerId] : [])));
    return {
      id,
      definition,
      participants: participants.map(({number, peerId}) => {
        return {number, peerId, connected: peerId === self || up.has(peerId), consented: signatures.has(number)};
      }),
      status: running?.status() ?? null,
      halted: running?.status().halted ?? this.#halted.get(id) ?? null,
      ended: running?.ended ?? ended,
    };
  }

  /** The status now and after each change, until it is over or the signal aborts. @throws DKG_CEREMONY_UNKNOWN */
  async *watch(id: RootHex, signal: AbortSignal): AsyncGenerator<ListedCeremony> {
    for (;;) {
      const {changed, forget} = this.#changes.next(signal);
      try {
        const now = this.status(id);
        yield now;
        if (now.ended !== null || this.#closed) return;
        await changed;
      } finally {
        forget();
      }
      if (signal.aborted || this.#closed) return;
    }
  }

  /** Stops where everything is. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#exchange.close();
    this.#cancelTick();
    await Promise.all([...this.#entries.values()].map(({running}) => running?.close()));
    this.#changes.tell();
  }

  /** @throws DKG_JOURNAL_CORRUPT */
  #resume(id: RootHex, definition: string, end: string | null): void {
    try {
      this.#restore(id, definition, end);
    } catch (error) {
      throw new PleiadesError({code: "DKG_JOURNAL_CORRUPT", ceremony: id, reason: codeOf(error)}, {cause: error});
    }
  }

  #restore(id: RootHex, definition: string, end: string | null): void {
    const {journal, verify} = this.#modules;
    const gathering = new Gathering(parseDefinition(definition, verify), verify);
    this.#numberIn(gathering);
    if (gathering.id !== id) throw new PleiadesError({code: "DKG_DEFINITION_CHANGED", expected: id, id: gathering.id});
    if (end === null) {
      this.#gather(gathering);
      return;
    }
    const {signed, participants, complete} = gathering;
    const ceremony = complete ? ceremonyOf(signed, verify) : null;
    const past = this.#isPastServing(gathering.definition);
    const texts = ceremony === null || past ? [] : journal.items(id);
    if (past) journal.drop(id).catch(this.#logFailed("what is over could not be dropped", id));
    const served = new Map(texts.map((text) => [itemKey(decodeItem(ceremony!, text)), text]));
    this.#entries.set(id, {signed, participants, gathering: null, ceremony, running: null, served, ended: end});
  }

  /** Waits for consents, or begins when all are there. */
  #gather(gathering: Gathering): void {
    const {id, signed, participants} = gathering;
    if (gathering.complete) {
      this.#begin(signed);
      return;
    }
    this.#entries.set(id, {
      signed,
      participants,
      gathering,
      ceremony: null,
      running: null,
      served: new Map(),
      ended: null,
    });
    this.#changes.tell();
  }

  /** Signatures that a peer showed. */
  #consented(gathering: Gathering, signatures: DefinitionSignatures): void {
    const {id} = gathering;
    if (this.#givingUp.has(id) || !gathering.merge(signatures)) return;
    this.#changes.tell();
    const begin = (): void => {
      const left = this.#entries.get(id)?.gathering !== gathering || this.#givingUp.has(id);
      if (!left && !this.#closed && gathering.complete) this.#gather(gathering);
    };
    const text = formatDefinition(gathering.signed);
    // The signatures come again after the next start.
    this.#modules.journal.redefine(id, text).then(begin).catch(this.#halt("consents could not be written", id));
  }

  /** A definition that never began. */
  async #giveUp(gathering: Gathering, reason: "aborted" | "deadline", said: readonly string[]): Promise<void> {
    const {id, signed, participants, missing} = gathering;
    if (this.#givingUp.has(id)) throw new PleiadesError({code: "DKG_CEREMONY_OVER", ceremony: id});
    // Consents that come while this is being written are too late. When it can't be, nothing can until the next start.
    this.#givingUp.add(id);
    const failure = {reason, step: "consent", missing, guilty: [], said};
    const ended = JSON.stringify({outcome: "failed", failure});
    try {
      await this.#modules.journal.end(id, ended);
    } catch (error) {
      this.#halt("a ceremony's end could not be written", id)(error);
      throw error;
    }
    this.#entries.set(id, {
      signed,
      participants,
      gathering: null,
      ceremony: null,
      running: null,
      served: new Map(),
      ended,
    });
    this.#changes.tell();
  }

  #begin(signed: SignedDefinition): void {
    const {journal, clock, logger, sign, verify, vaultOf, aside, settle, machine} = this.#modules;
    const ceremony = ceremonyOf(signed, verify);
    const {id, participants} = ceremony;
    const self = this.#numberIn(ceremony);
    const running = new RunningCeremony(
      {
        journal,
        aside,
        clock,
        logger,
        settle: (ending) => settle({ceremony, signed, self}, ending),
        vault: vaultOf(ceremony, formatDefinition(signed)),
        publish: (text) => this.#exchange.publish(participants, id, text),
        wants: () => this.#exchange.sync(id),
        changed: () => this.#changes.tell(),
      },
      {
        ...machine,
        ceremony,
        sign,
        self,
      },
    );
    this.#entries.set(id, {
      signed,
      participants,
      gathering: null,
      ceremony,
      running,
      served: running.texts,
      ended: null,
    });
    running.start();
    // Who has begun before has said something by now.
    this.#exchange.sync(id);
    this.#changes.tell();
  }

  /** Null when the vault knows of none. */
  async #inVault(id: RootHex): Promise<VaultCeremony["state"] | null> {
    return (await this.#modules.inVault()).find(({ceremony}) => ceremony === id)?.state ?? null;
  }

  /** @throws DKG_NOT_PARTICIPANT */
  #numberIn({participants, id}: Pick<Ceremony, "participants" | "id">): number {
    const {self} = this.#modules.peers;
    const own = participants.find(({peerId}) => peerId === self);
    if (own === undefined) throw new PleiadesError({code: "DKG_NOT_PARTICIPANT", ceremony: id, peerId: self});
    return own.number;
  }

  /** @throws DKG_CEREMONY_UNKNOWN */
  #entry(id: RootHex): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new PleiadesError({code: "DKG_CEREMONY_UNKNOWN", ceremony: id});
    return entry;
  }

  #shared(id: RootHex): Shared | null {
    const entry = this.#entries.get(id);
    if (entry === undefined) return null;
    const {participants, signed, gathering, running, served} = entry;
    return {
      participants,
      signatures: (gathering?.signed ?? signed).signatures,
      consented: gathering === null ? null : (signatures) => this.#consented(gathering, signatures),
      running,
      served,
    };
  }

  /** @throws PEER_TOO_MANY · LINK_ADDRESS */
  #namePeers(): void {
    const wanted = [...this.#entries.values()].flatMap(({signed, running, gathering}) => {
      const over = gathering === null && (running === null || running.over);
      return over && this.#isPastServing(signed.definition) ? [] : [signed];
    });
    const named = new Map<PeerIdText, NamedPeer>();
    for (const {definition} of [...wanted, ...this.#joining.values()]) {
      for (const {peerId, addresses} of [...definition.operators, ...(definition.previous?.operators ?? [])]) {
        const all = new Set([...(named.get(peerId)?.addresses ?? []), ...addresses]);
        named.set(peerId, {peerId, addresses: [...all]});
      }
    }
    this.#modules.peers.setPeers([...named.values()]);
  }

  #scheduleTick(): void {
    this.#cancelTick = this.#modules.clock.after(SYNC_MS, () => {
      for (const [id, {gathering}] of this.#entries) {
        if (gathering !== null && this.#isLate(gathering) && !this.#givingUp.has(id)) {
          // It says so itself.
          this.#giveUp(gathering, "deadline", []).catch(() => undefined);
        }
        this.#exchange.sync(id);
      }
      this.#scheduleTick();
    });
  }

  #isLate({definition}: Gathering): boolean {
    return definition.deadline * 1_000 <= this.#modules.clock.now();
  }

  #isPastServing({deadline}: Definition): boolean {
    return this.#modules.clock.now() > deadline * 1_000 + SERVED_MS;
  }

  #logFailed =
    (what: string, ceremony: RootHex) =>
    (error: unknown): void =>
      this.#modules.logger.error(what, {ceremony, code: codeOf(error)});

  /** A ceremony that has not begun, and does not before the next start. */
  #halt =
    (what: string, ceremony: RootHex) =>
    (error: unknown): void => {
      this.#logFailed(what, ceremony)(error);
      this.#halted.set(ceremony, codeOf(error));
      this.#changes.tell();
    };
}
