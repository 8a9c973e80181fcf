import type {LifeId, PeerIdText} from "../core/bytes.js";
import type {Sighting} from "../core/slashing/sighting.js";

/** One remembered sighting: of whom, and who said so. */
export interface BookEntry {
  readonly subject: PeerIdText;
  readonly teller: PeerIdText;
  readonly sighting: Sighting;
}

/**
 * Two live copies, each with a life before it. Per teller, so that a liar pushes out only its own stories, never what
 * an operator said of itself.
 */
export const MAX_LIVES_EACH = 4;

type Noted = BookEntry & {readonly version: number};

/** The latest sighting of each of an operator's newest lives, from each who told of it. In memory. */
export class SightingBook {
  readonly #entries = new Map<PeerIdText, Map<PeerIdText, Map<LifeId, Noted>>>();
  #version = 0;

  /** Rises with every change. */
  get version(): number {
    return this.#version;
  }

  /** "written": of a life or a sequence not known before; "later": of a known one, only newer. */
  note({subject, teller, sighting}: BookEntry): "written" | "later" | "known" {
    const tellers = getOr(this.#entries, subject, () => new Map<PeerIdText, Map<LifeId, Noted>>());
    const lives = getOr(tellers, teller, () => new Map<LifeId, Noted>());
    const before = lives.get(sighting.life)?.sighting;
    if (before !== undefined && !isLater(sighting, before)) return "known";
    lives.set(sighting.life, {subject, teller, sighting, version: ++this.#version});
    if (lives.size > MAX_LIVES_EACH) {
      const [oldest] = [...lives.values()].sort((a, b) => a.sighting.issuedAt - b.sighting.issuedAt);
      lives.delete(oldest!.sighting.life);
    }
    return before?.sequence === sighting.sequence ? "later" : "written";
  }

  /** What changed after `version`, in the order in which it did. */
  since(version: number, wanted: (entry: BookEntry) => boolean): Noted[] {
    if (version >= this.#version) return [];
    // Asked for each peer with each ping, and most of the time little is new: no copy of the whole.
    const found: Noted[] = [];
    for (const tellers of this.#entries.values()) {
      for (const lives of tellers.values()) {
        for (const entry of lives.values()) if (entry.version > version && wanted(entry)) found.push(entry);
      }
    }
    return found.sort((a, b) => a.version - b.version);
  }

  all(): Noted[] {
    return [...this.#entries.values()].flatMap((tellers) =>
      [...tellers.values()].flatMap((lives) => [...lives.values()]),
    );
  }

  /** Drops what is about operators that nobody here works with any more. */
  retain(subjects: ReadonlySet<PeerIdText>): void {
    for (const subject of this.#entries.keys()) if (!subjects.has(subject)) this.#entries.delete(subject);
  }
}

const isLater = (a: Sighting, b: Sighting): boolean =>
  a.sequence === b.sequence ? a.issuedAt > b.issuedAt : a.sequence > b.sequence;

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
