import {setMaxListeners} from "node:events";
import type {PeerIdText, RootHex} from "../../core/bytes.js";
import {chunkHash} from "../../core/dkg/chunk.js";
import type {DefinitionSignatures, Participant} from "../../core/dkg/definition.js";
import {codeOf, PleiadesError, type ReasonCode} from "../../core/errors.js";
import {REASONS} from "../../core/reasons/index.js";
import type {CeremonyJournal} from "../../ports/ceremony-journal.js";
import type {Logger} from "../../ports/logger.js";
import type {PeerMessages} from "../../ports/peer-messages.js";
import type {RunningCeremony} from "./ceremony.js";
import {
  decodeConsents,
  decodeItems,
  decodeMessage,
  encodeConsents,
  encodeItems,
  encodeMessage,
  itemDigest,
} from "./wire.js";

/** What of a ceremony is shown to its participants. */
export interface Shared {
  readonly participants: readonly Participant[];
  readonly signatures: DefinitionSignatures;
  /** Takes signatures that a peer showed; null when none are waited for. */
  readonly consented: ((signatures: DefinitionSignatures) => void) | null;
  readonly running: RunningCeremony | null;
  readonly served: ReadonlyMap<string, string>;
}

export interface ExchangeModules {
  readonly journal: Pick<CeremonyJournal, "chunk">;
  readonly peers: PeerMessages;
  readonly logger: Logger;
  readonly ids: () => Iterable<RootHex>;
  /** Null for one this node takes no part in. */
  readonly shared: (id: RootHex) => Shared | null;
}

/** What operators of one ceremony say to each other: everybody hands on what it has, and pulls what it lacks. */
export class CeremonyExchange {
  readonly #modules: ExchangeModules;
  /** Peers that are being asked right now, by ceremony: one question at a time. */
  readonly #asking = new Set<string>();
  /** What is odd about a peer since it connected: one of another release says it again every second. */
  readonly #said = new Map<PeerIdText, Set<ReasonCode>>();
  readonly #stop = new AbortController();

  constructor(modules: ExchangeModules) {
    this.#modules = modules;
    // Every message that is under way listens.
    setMaxListeners(0, this.#stop.signal);
  }

  open(): void {
    this.#modules.peers.handle({
      message: (peer, body) => this.#hear(peer, body),
      request: (peer, body) => {
        try {
          return this.#answer(peer, body);
        } catch (error) {
          this.#refuse(peer, error);
          throw error;
        }
      },
      connected: (peer) => {
        this.#said.delete(peer);
        void this.#syncWith(peer);
      },
    });
  }

  close(): void {
    this.#stop.abort();
  }

  publish(participants: readonly Participant[], id: RootHex, text: string): void {
    const {peers} = this.#modules;
    const body = encodeMessage({kind: "item", ceremony: id, text});
    for (const {peerId} of participants) {
      // Whoever is away, or slow, pulls it later.
      if (peerId !== peers.self) void peers.send(peerId, body, this.#stop.signal).catch(() => undefined);
    }
  }

  /** Pulls what this node lacks of a ceremony from everybody who is connected. */
  sync(id: RootHex): void {
    for (const {peerId} of this.#modules.shared(id)?.participants ?? []) void this.#sync(peerId, id);
  }

  #hear(peer: PeerIdText, body: Uint8Array): void {
    try {
      const message = decodeMessage(body);
      const {running, consented} = this.#sharedWith(peer, message.ceremony);
      if (message.kind !== "item") return;
      running?.hear(message.text);
      // It has all consents, then.
      if (consented !== null) void this.#sync(peer, message.ceremony);
    } catch (error) {
      this.#refuse(peer, error);
    }
  }

  #answer(peer: PeerIdText, body: Uint8Array): Uint8Array {
    const message = decodeMessage(body);
    const {served, consented} = this.#sharedWith(peer, message.ceremony);
    switch (message.kind) {
      case "consents":
        consented?.(message.signatures);
        return encodeConsents(this.#sharedWith(peer, message.ceremony).signatures);
      case "have":
        return encodeItems([...served].flatMap(([key, text]) => (message.held.has(itemDigest(key)) ? [] : [text])));
      case "chunk":
        return this.#modules.journal.chunk(message.ceremony, message.hash) ?? new Uint8Array();
      case "item":
        throw new PleiadesError({code: "DKG_MESSAGE", field: "kind"});
    }
  }

  /** Whoever is not in a ceremony learns nothing of it. @throws DKG_CEREMONY_UNKNOWN */
  #sharedWith(peer: PeerIdText, id: RootHex): Shared {
    const shared = this.#stop.signal.aborted ? null : this.#modules.shared(id);
    if (shared?.participants.some(({peerId}) => peerId === peer)) return shared;
    throw new PleiadesError({code: "DKG_CEREMONY_UNKNOWN", ceremony: id});
  }

  async #syncWith(peer: PeerIdText): Promise<void> {
    for (const id of [...this.#modules.ids()]) {
      if (this.#modules.shared(id)?.participants.some(({peerId}) => peerId === peer)) await this.#sync(peer, id);
    }
  }

  /** Pulls what one peer has of one ceremony and this node lacks: consents, or items and then wanted chunks one at a time. */
  async #sync(peer: PeerIdText, id: RootHex): Promise<void> {
    const key = `${peer}/${id}`;
    if (peer === this.#modules.peers.self || this.#asking.has(key) || !this.#isUp(peer)) return;
    this.#asking.add(key);
    try {
      const before = this.#modules.shared(id);
      if (before?.consented) {
        const {signatures} = before;
        before.consented(decodeConsents(await this.#ask(peer, {kind: "consents", ceremony: id, signatures})));
      }
      const running = this.#modules.shared(id)?.running ?? null;
      if (running === null || running.over) return;
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
      const hash = running.wanted(peer).find((one) => !tried.has(one));
      if (hash === undefined || this.#stop.signal.aborted) return;
      tried.add(hash);
      const bytes = await this.#ask(peer, {kind: "chunk", ceremony: running.id, hash});
      if (bytes.length === 0) continue;
      if (chunkHash(bytes) !== hash) throw new PleiadesError({code: "DKG_CHUNK_MALFORMED", reason: "another chunk"});
      await running.receiveChunk(hash, bytes);
    }
  }

  #ask(peer: PeerIdText, message: Parameters<typeof encodeMessage>[0]): Promise<Uint8Array> {
    return this.#modules.peers.request(peer, encodeMessage(message), this.#stop.signal);
  }

  #isUp(peer: PeerIdText): boolean {
    return this.#modules.peers.peers().some(({peerId, connected}) => connected && peerId === peer);
  }

  /** Nothing that a peer says or fails to say hurts a ceremony; what is odd about it is for the log, once. */
  #refuse(peer: PeerIdText, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const code = codeOf(error);
    const said = this.#said.get(peer) ?? new Set();
    const level = QUIET.includes(code) || said.has(code) ? "debug" : "warn";
    this.#said.set(peer, said.add(code));
    const reason = error instanceof PleiadesError ? error.message : REASONS[code].meaning;
    this.#modules.logger[level]("a peer's part of a ceremony was not taken", {peer, code, reason});
  }
}

/** What happens while operators start and stop. */
const QUIET: readonly ReasonCode[] = ["LINK_DISCONNECTED", "LINK_ABORTED", "DKG_CEREMONY_UNKNOWN", "PEER_UNKNOWN"];
