import {setMaxListeners} from "node:events";
import type {PeerIdText, RootHex} from "../core/bytes.js";
import {type Ceremony, ceremonyOf} from "../core/dkg/ceremony.js";
import {chunkHash} from "../core/dkg/chunk.js";
import {formatDefinition, parseDefinition, type SignedDefinition} from "../core/dkg/definition.js";
import {itemKey} from "../core/dkg/draft.js";
import type {SignAsNode} from "../core/dkg/items.js";
import {decodeItem} from "../core/dkg/items-codec.js";
import type {VerifyNodeSignature} from "../core/dkg/node-signature.js";
import type {Machine} from "../core/dkg/state.js";
import {codeOf, PleiadesError, type ReasonCode} from "../core/errors.js";
import type {CeremonyJournal} from "../ports/ceremony-journal.js";
import type {Clock} from "../ports/clock.js";
import type {Logger} from "../ports/logger.js";
import type {NamedPeer, PeerMessages} from "../ports/peer-messages.js";
import {type AnswerVault, type CeremonyStatus, RunningCeremony, type Settle} from "./dkg-ceremony.js";
import {decodeItems, decodeMessage, encodeItems, encodeMessage, itemDigest} from "./dkg-wire.js";

export interface CeremoniesModules {
  readonly journal: CeremonyJournal;
  readonly peers: PeerMessages;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sign: SignAsNode;
  readonly verify: VerifyNodeSignature;
  /** The secrets' side of a ceremony, by the text of its signed definition. */
  readonly vaultOf: (ceremony: Ceremony, definition: string) => AnswerVault;
  readonly settle: Settle;
  /** What is the same for all machines. */
  readonly machine: Pick<Machine, "group" | "timing" | "checkDeposits">;
}

/** One ceremony as `status` shows it: what goes on, and once it is over how it ended, as JSON; also after a new start. */
export interface ListedCeremony {
  readonly id: RootHex;
  readonly participants: readonly {readonly number: number; readonly peerId: PeerIdText; readonly connected: boolean}[];
  readonly status: CeremonyStatus | null;
  readonly ended: string | null;
}

/** How often each peer is asked for what is missing: what is new is pushed, so this is for what was lost. */
const SYNC_MS = 1_000;
/** How long a finished ceremony is still served to operators who lag behind. */
const SERVED_MS = 7 * 24 * 60 * 60_000;

interface Entry {
  readonly signed: SignedDefinition;
  readonly ceremony: Ceremony;
  /** Null: it was over before this start, and is only served. */
  readonly running: RunningCeremony | null;
  readonly served: ReadonlyMap<string, string>;
  readonly ended: string | null;
}

/** All ceremonies of one operator: resumed from the journal, kept up to date with peers, started and aborted. */
export class DkgCeremonies {
  readonly #modules: CeremoniesModules;
  readonly #entries = new Map<RootHex, Entry>();
  readonly #watchers = new Set<() => void>();
  /** Peers that are being asked right now, by ceremony: one question at a time. */
  readonly #asking = new Set<string>();
  readonly #stop = new AbortController();
  #cancelSync: () => void = () => undefined;

  constructor(modules: CeremoniesModules) {
    this.#modules = modules;
    // Every message that is under way listens.
    setMaxListeners(0, this.#stop.signal);
  }

  /** Resumes what the journal holds and begins to listen. @throws DKG_JOURNAL_CORRUPT · PEER_TOO_MANY */
  open(): void {
    const {journal, peers} = this.#modules;
    peers.handle({
      message: (peer, body) => this.#hear(peer, body),
      request: (peer, body) => this.#answer(peer, body),
      connected: (peer) => void this.#syncWith(peer),
    });
    for (const {id, definition, end} of journal.ceremonies()) this.#resume(id, definition, end);
    this.#namePeers();
    this.#scheduleSync();
  }

  /**
   * Takes part in a ceremony that enough have signed; one that it takes part in already goes on.
   * @throws DKG_DEFINITION_* · DKG_NOT_PARTICIPANT · DKG_CEREMONY_OVER · PEER_TOO_MANY · LINK_ADDRESS · DKG_JOURNAL_FAILED
   */
  async join(text: string): Promise<RootHex> {
    const {journal, clock, verify} = this.#modules;
    const signed = parseDefinition(text, verify);
    const ceremony = ceremonyOf(signed, verify);
    const {id} = ceremony;
    if (this.#entries.has(id)) return id;
    this.#numberIn(ceremony);
    if (signed.definition.deadline * 1_000 <= clock.now()) {
      throw new PleiadesError({code: "DKG_CEREMONY_OVER", ceremony: id, deadline: signed.definition.deadline});
    }
    const definition = formatDefinition(signed);
    // Names that cannot be used are found before anything is remembered.
    this.#namePeers(signed);
    await journal.begin(id, definition);
    // Somebody may have asked twice, or this may have been stopped meanwhile.
    if (this.#entries.has(id) || this.#stop.signal.aborted) return id;
    this.#begin({signed, ceremony}, definition);
    for (const {peerId, connected} of this.#modules.peers.peers()) if (connected) void this.#syncWith(peerId);
    return id;
  }

  /** @throws DKG_CEREMONY_UNKNOWN · DKG_CEREMONY_OVER */
  abort(id: RootHex, reason: string): void {
    const running = this.#entry(id).running;
    if (running === null || running.over) throw new PleiadesError({code: "DKG_CEREMONY_OVER", ceremony: id});
    running.abort(reason);
  }

  list(): readonly ListedCeremony[] {
    return [...this.#entries.keys()].map((id) => this.status(id));
  }

  /** @throws DKG_CEREMONY_UNKNOWN */
  status(id: RootHex): ListedCeremony {
    const {ceremony, running, ended} = this.#entry(id);
    const {self} = this.#modules.peers;
    const up = new Set(this.#modules.peers.peers().flatMap(({peerId, connected}) => (connected ? [peerId] : [])));
    return {
      id,
      participants: ceremony.participants.map(({number, peerId}) => {
        return {number, peerId, connected: peerId === self || up.has(peerId)};
      }),
      status: running?.status() ?? null,
      ended: running?.ended ?? ended,
    };
  }

  /** The status now and after each change, until it is over or the signal aborts. @throws DKG_CEREMONY_UNKNOWN */
  async *watch(id: RootHex, signal: AbortSignal): AsyncGenerator<ListedCeremony> {
    for (;;) {
      const changed = this.#nextChange(signal);
      const now = this.status(id);
      yield now;
      if (now.ended !== null || now.status === null || signal.aborted) return;
      await changed;
      if (signal.aborted) return;
    }
  }

  /** Stops where everything is. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancelSync();
    await Promise.all([...this.#entries.values()].map(({running}) => running?.close()));
    this.#changed();
  }

  #resume(id: RootHex, definition: string, end: string | null): void {
    const {journal, verify} = this.#modules;
    let signed: SignedDefinition;
    let ceremony: Ceremony;
    try {
      signed = parseDefinition(definition, verify);
      ceremony = ceremonyOf(signed, verify);
      this.#numberIn(ceremony);
    } catch (error) {
      throw new PleiadesError({code: "DKG_JOURNAL_CORRUPT", ceremony: id, reason: codeOf(error)}, {cause: error});
    }
    if (ceremony.id !== id) throw new PleiadesError({code: "DKG_JOURNAL_CORRUPT", ceremony: id});
    if (end === null) {
      this.#begin({signed, ceremony}, definition);
      return;
    }
    const served = new Map(journal.items(id).map((text) => [itemKey(decodeItem(ceremony, text)), text]));
    this.#entries.set(id, {signed, ceremony, running: null, served, ended: end});
  }

  #begin({signed, ceremony}: {signed: SignedDefinition; ceremony: Ceremony}, definition: string): void {
    const {journal, clock, logger, sign, vaultOf, settle, machine} = this.#modules;
    const {id} = ceremony;
    const running = new RunningCeremony(
      {
        journal,
        clock,
        logger,
        settle,
        vault: vaultOf(ceremony, definition),
        publish: (text) => this.#publish(ceremony, text),
        wants: () => this.#syncAll(id),
        changed: () => this.#changed(),
      },
      {...machine, ceremony, sign, self: this.#numberIn(ceremony)},
    );
    this.#entries.set(id, {signed, ceremony, running, served: running.texts, ended: null});
    running.start();
  }

  /** @throws DKG_NOT_PARTICIPANT */
  #numberIn({participants, id}: Ceremony): number {
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

  /** Whoever is not in a ceremony learns nothing of it. @throws DKG_CEREMONY_UNKNOWN */
  #entryFor(peer: PeerIdText, id: RootHex): Entry {
    const entry = this.#entry(id);
    if (entry.ceremony.participants.some(({peerId}) => peerId === peer)) return entry;
    throw new PleiadesError({code: "DKG_CEREMONY_UNKNOWN", ceremony: id});
  }

  #namePeers(more?: SignedDefinition): void {
    const now = this.#modules.clock.now();
    const wanted = [...this.#entries.values()].flatMap(({signed, running}) => {
      const over = running === null || running.over;
      return over && now > signed.definition.deadline * 1_000 + SERVED_MS ? [] : [signed];
    });
    const named = new Map<PeerIdText, NamedPeer>();
    for (const {definition} of more === undefined ? wanted : [...wanted, more]) {
      for (const {peerId, addresses} of [...definition.operators, ...(definition.previous?.operators ?? [])]) {
        const all = new Set([...(named.get(peerId)?.addresses ?? []), ...addresses]);
        named.set(peerId, {peerId, addresses: [...all]});
      }
    }
    this.#modules.peers.setPeers([...named.values()]);
  }

  #publish(ceremony: Ceremony, text: string): void {
    const {peers} = this.#modules;
    const body = encodeMessage({kind: "item", ceremony: ceremony.id, text});
    for (const {peerId} of ceremony.participants) {
      // Whoever is away, or slow, pulls it later.
      if (peerId !== peers.self) void peers.send(peerId, body, this.#stop.signal).catch(() => undefined);
    }
  }

  #hear(peer: PeerIdText, body: Uint8Array): void {
    try {
      const message = decodeMessage(body);
      const {running} = this.#entryFor(peer, message.ceremony);
      if (message.kind === "item") running?.hear(message.text);
    } catch (error) {
      this.#refuse(peer, error);
    }
  }

  #answer(peer: PeerIdText, body: Uint8Array): Uint8Array {
    const message = decodeMessage(body);
    const {served} = this.#entryFor(peer, message.ceremony);
    switch (message.kind) {
      case "have":
        return encodeItems([...served].flatMap(([key, text]) => (message.held.has(itemDigest(key)) ? [] : [text])));
      case "chunk":
        return this.#modules.journal.chunk(message.ceremony, message.hash) ?? new Uint8Array();
      case "item":
        throw new PleiadesError({code: "DKG_MESSAGE", field: "kind"});
    }
  }

  #scheduleSync(): void {
    this.#cancelSync = this.#modules.clock.after(SYNC_MS, () => {
      for (const id of this.#entries.keys()) this.#syncAll(id);
      this.#scheduleSync();
    });
  }

  #syncAll(id: RootHex): void {
    const {ceremony} = this.#entry(id);
    for (const {peerId} of ceremony.participants) void this.#sync(peerId, id);
  }

  async #syncWith(peer: PeerIdText): Promise<void> {
    for (const [id, {ceremony}] of this.#entries) {
      if (ceremony.participants.some(({peerId}) => peerId === peer)) await this.#sync(peer, id);
    }
  }

  /** Pulls what one peer has of one ceremony and this node lacks: items, then wanted chunks one at a time. */
  async #sync(peer: PeerIdText, id: RootHex): Promise<void> {
    const {running} = this.#entry(id);
    const key = `${peer}/${id}`;
    const {self} = this.#modules.peers;
    if (running === null || running.over || peer === self || this.#asking.has(key) || !this.#isUp(peer)) return;
    this.#asking.add(key);
    try {
      const held = new Set([...running.texts.keys()].map(itemDigest));
      for (const text of decodeItems(await this.#ask(peer, {kind: "have", ceremony: id, held}))) running.hear(text);
      await this.#pull(peer, running);
    } catch (error) {
      this.#refuse(peer, error);
    } finally {
      this.#asking.delete(key);
    }
  }

  async #pull(peer: PeerIdText, running: RunningCeremony): Promise<void> {
    const tried = new Set<RootHex>();
    for (;;) {
      const hash = running.wanted.find((one) => !tried.has(one));
      if (hash === undefined || this.#stop.signal.aborted) return;
      tried.add(hash);
      const bytes = await this.#ask(peer, {kind: "chunk", ceremony: running.id, hash});
      if (bytes.length === 0) continue;
      if (chunkHash(bytes) !== hash) throw new PleiadesError({code: "DKG_CHUNK_MALFORMED", reason: "another chunk"});
      running.receiveChunk(hash, bytes);
    }
  }

  #ask(peer: PeerIdText, message: Parameters<typeof encodeMessage>[0]): Promise<Uint8Array> {
    return this.#modules.peers.request(peer, encodeMessage(message), this.#stop.signal);
  }

  #isUp(peer: PeerIdText): boolean {
    return this.#modules.peers.peers().some(({peerId, connected}) => connected && peerId === peer);
  }

  /** Nothing that a peer says or fails to say hurts a ceremony; what is odd about it is for the log. */
  #refuse(peer: PeerIdText, error: unknown): void {
    const code = codeOf(error);
    const level = QUIET.includes(code) ? "debug" : "warn";
    if (!this.#stop.signal.aborted)
      this.#modules.logger[level]("a peer's part of a ceremony was not taken", {peer, code});
  }

  #changed(): void {
    for (const wake of [...this.#watchers]) wake();
  }

  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#watchers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#watchers.add(wake);
      signal.addEventListener("abort", wake);
    });
  }
}

/** What happens while operators start and stop. */
const QUIET: readonly ReasonCode[] = ["LINK_DISCONNECTED", "LINK_ABORTED", "DKG_CEREMONY_UNKNOWN", "PEER_UNKNOWN"];
