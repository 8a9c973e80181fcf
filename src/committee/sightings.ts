import type {PeerIdText} from "../core/bytes.js";
import type {Committee} from "../core/committee/committee.js";
import type {Keeper} from "../ports/keeper.js";
import type {Logger} from "../ports/logger.js";
import {MAX_TOLD, type SightingExchange, type Told} from "../ports/sightings.js";
import {type BookEntry, SightingBook} from "./sighting-book.js";

type Heard = Parameters<SightingExchange["heard"]>[1];
type News = ReturnType<SightingExchange["news"]>;

export interface CommitteesOption {
  /** The same array for as long as nothing changed, so that it is indexed once. */
  readonly committees: () => readonly Committee[];
}

/** A coordinator's memory of its operators: what each said of itself, and what others were told of it. */
export class CoordinatorSightings implements SightingExchange {
  readonly #book = new SightingBook();
  readonly #circles: Circles;
  #written = 0;

  constructor({committees}: CommitteesOption) {
    this.#circles = new Circles(committees);
  }

  /** Rises when a sighting of a new life or a higher sequence was noted: worth writing to disk. */
  get written(): number {
    return this.#written;
  }

  news(peer: PeerIdText, since: number): News {
    const operators = this.#circles.operatorsWith(peer);
    return newsOf(this.#book, since, ({subject, teller}) => {
      if (subject === peer) return "first";
      // Hearsay goes to the one it is about and no further, so that no story goes round for ever.
      return teller === subject && operators.has(subject) ? "then" : "never";
    });
  }

  async heard(peer: PeerIdText, {own, told}: Heard): Promise<void> {
    const operators = this.#circles.operatorsWith(peer);
    if (own !== null && operators.has(peer)) this.restore([{subject: peer, teller: peer, sighting: own}]);
    for (const {peerId, sighting} of told) {
      if (peerId !== peer && operators.has(peerId)) this.restore([{subject: peerId, teller: peer, sighting}]);
    }
  }

  own(): null {
    return null;
  }

  stopCode(): null {
    return null;
  }

  /** What to keep over a restart. */
  entries(): readonly BookEntry[] {
    this.#book.retain(this.#circles.operators());
    return this.#book.all().map(({subject, teller, sighting}) => ({subject, teller, sighting}));
  }

  /** What was kept. */
  restore(entries: readonly BookEntry[]): void {
    for (const entry of entries) if (this.#book.note(entry) === "written") this.#written++;
  }
}

/**
 * An operator's part: shows its keeper what coordinators remember of it, and carries what one coordinator heard from
 * another operator of its committees to the other coordinators. Kept in memory only.
 */
export class OperatorSightings implements SightingExchange {
  readonly #keeper: Pick<Keeper, "sighting" | "judge" | "stopCode">;
  readonly #logger: Logger;
  readonly #self: PeerIdText;
  readonly #book = new SightingBook();
  readonly #circles: Circles;

  constructor(
    {keeper, logger}: {keeper: Pick<Keeper, "sighting" | "judge" | "stopCode">; logger: Logger},
    {self, committees}: CommitteesOption & {self: PeerIdText},
  ) {
    this.#keeper = keeper;
    this.#logger = logger;
    this.#self = self;
    this.#circles = new Circles(committees);
  }

  news(peer: PeerIdText, since: number): News {
    const operators = this.#circles.operatorsWith(peer);
    return newsOf(this.#book, since, ({subject, teller}) =>
      teller !== peer && operators.has(subject) ? "then" : "never",
    );
  }

  async heard(peer: PeerIdText, {told}: Heard): Promise<void> {
    const operators = this.#circles.operatorsWith(peer);
    for (const {peerId, sighting} of told) {
      if (peerId !== this.#self && operators.has(peerId)) {
        this.#book.note({subject: peerId, teller: peer, sighting});
      }
    }
    const ofUs = told.filter(({peerId}) => peerId === this.#self).map(({sighting}) => sighting);
    if (ofUs.length === 0) return;
    try {
      await this.#keeper.judge(ofUs);
    } catch (error) {
      // Its store failed or it is gone: then it signs nothing either.
      this.#logger.error("the keeper could not judge what peers remember of it", {peer, error: String(error)});
    }
  }

  own(): ReturnType<SightingExchange["own"]> {
    return this.#keeper.sighting();
  }

  stopCode(): ReturnType<SightingExchange["stopCode"]> {
    return this.#keeper.stopCode();
  }
}

function newsOf(book: SightingBook, since: number, rank: (entry: BookEntry) => "first" | "then" | "never"): News {
  const changed = book.since(since, (entry) => rank(entry) !== "never");
  const first = changed.filter((entry) => rank(entry) === "first");
  const then = changed.filter((entry) => rank(entry) === "then");
  const ordered = [...first, ...then];
  const sent = ordered.slice(0, MAX_TOLD);
  // What did not fit goes with the next message; what went already may go again, which changes nothing.
  const version = Math.min(book.version, ...ordered.slice(MAX_TOLD).map((unsent) => unsent.version - 1));
  const told: Told[] = sent.map(({subject, sighting}) => ({peerId: subject, sighting}));
  return {told, version};
}

/** Who works with whom, by the committee files as last read. */
class Circles {
  readonly #committees: () => readonly Committee[];
  #indexed: readonly Committee[] | null = null;
  #byPeer = new Map<PeerIdText, Set<PeerIdText>>();

  constructor(committees: () => readonly Committee[]) {
    this.#committees = committees;
  }

  /** The operators of every committee that this peer is a coordinator or an operator of. */
  operatorsWith(peer: PeerIdText): ReadonlySet<PeerIdText> {
    this.#index();
    return this.#byPeer.get(peer) ?? new Set();
  }

  operators(): ReadonlySet<PeerIdText> {
    return new Set(this.#committees().flatMap(({operators}) => operators.map(({peerId}) => peerId)));
  }

  #index(): void {
    const committees = this.#committees();
    if (committees === this.#indexed) return;
    this.#indexed = committees;
    this.#byPeer = new Map();
    for (const {operators, coordinators} of committees) {
      const ids = operators.map(({peerId}) => peerId);
      for (const peer of [...ids, ...coordinators]) {
        const known = this.#byPeer.get(peer) ?? new Set<PeerIdText>();
        for (const id of ids) known.add(id);
        this.#byPeer.set(peer, known);
      }
    }
  }
}
