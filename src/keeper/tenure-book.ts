import type {LmdbEnvironment} from "../adapters/slashing-store/lmdb-environment.js";
import {openValue, sealValue} from "../adapters/slashing-store/record-codec.js";
import {type PubkeyHex, parseEpoch, parsePubkeyHex, parseRootHex, type RootHex} from "../core/bytes.js";
import {isJsonObject} from "../core/duty/strict-object.js";
import {PleiadesError, type ReasonCode} from "../core/errors.js";
import {
  decideTenure,
  effectiveRecord,
  isOver,
  type Tenure,
  type TenureEnd,
  UNBOUNDED,
} from "../core/handover/tenure.js";
import type {SlashingRecord} from "../core/slashing/record.js";
import type {Gate} from "./slashing-guard.js";

/** One share of one key. */
export interface ShareName {
  readonly key: PubkeyHex;
  readonly committeeHash: RootHex;
}

/** The moment and the duty that are decided on. */
export interface TenureQuestion {
  /** Of the duty; null for what belongs to no epoch. */
  readonly epoch: bigint | null;
  readonly now: bigint | null;
}

const nameOf = ({key, committeeHash}: ShareName): string => `${key}|${committeeHash}`;
/** A context of its own, so that no record of another kind can stand in its place. */
const contextOf = (name: string): string => `tenure ${name}`;

/** When each share's time begins and ends, in the same environment as the records. What a share lost stays when it is gone. */
export class TenureBook {
  readonly #environment: LmdbEnvironment;
  readonly #slotsPerEpoch: number;
  /** Keys that ever had one: all others, nearly all, are not looked up. */
  readonly #concerned = new Set<string>();

  constructor({environment}: {environment: LmdbEnvironment}, {slotsPerEpoch}: {slotsPerEpoch: number}) {
    this.#environment = environment;
    this.#slotsPerEpoch = slotsPerEpoch;
    for (const name of environment.tenures.getKeys()) this.#concerned.add(name.split("|")[0]!);
  }

  /** A damaged one is a failure, never a missing one. @throws SLASHING_STORE_CORRUPT */
  of(share: ShareName): Tenure {
    if (!this.#concerned.has(share.key)) return UNBOUNDED;
    const name = nameOf(share);
    const stored = this.#environment.tenures.get(name);
    return stored === undefined ? UNBOUNDED : decode(name, stored);
  }

  /** Inside a transaction. */
  write(share: ShareName, tenure: Tenure): void {
    // The sequence too: a store that lost this one is then found to be an older one.
    this.#environment.raiseSequence();
    const name = nameOf(share);
    this.#environment.put(this.#environment.tenures, name, sealValue(contextOf(name), encode(tenure)));
    this.#concerned.add(share.key);
  }

  /** Why this share signs no such message, for messages that nothing is recorded of; null when it does. */
  refusal(share: ShareName, question: TenureQuestion): ReasonCode | null {
    if (!this.#concerned.has(share.key)) return null;
    const decision = decideTenure(this.of(share), question);
    return decision.answer === "deny" ? decision.code : null;
  }

  /** The same question inside the decision on a slashable message; null for a key that no handover ever concerned. */
  gate(share: ShareName, question: TenureQuestion): Gate | null {
    if (!this.#concerned.has(share.key)) return null;
    return (record: SlashingRecord | undefined) => {
      const tenure = this.of(share);
      const decision = decideTenure(tenure, question);
      if (decision.answer === "deny") return decision;
      if (decision.next !== null) this.write(share, decision.next);
      return {answer: "approve", record: effectiveRecord(tenure, record, this.#slotsPerEpoch)};
    };
  }

  /** Shares whose time is over for good. */
  over(now: bigint | null): ShareName[] {
    return [...this.#environment.tenures.getRange({})].flatMap(({key: name, value}) => {
      if (!isOver(decode(name, value), now)) return [];
      const [key, hash] = name.split("|");
      return [{key: parsePubkeyHex(key), committeeHash: parseRootHex(hash)}];
    });
  }
}

const encode = ({after, floor, waiting, end}: Tenure): Buffer =>
  Buffer.from(
    JSON.stringify({
      after: after === null ? null : String(after),
      floor: floor === null ? null : String(floor),
      waiting,
      end: end === null ? null : {...end, epoch: String(end.epoch)},
    }),
  );

function decode(name: string, stored: Uint8Array): Tenure {
  const corrupt = (): PleiadesError => new PleiadesError({code: "SLASHING_STORE_CORRUPT", key: contextOf(name)});
  const json: unknown = JSON.parse(openValue(contextOf(name), stored).toString("utf8"));
  if (!isJsonObject(json) || typeof json.waiting !== "boolean") throw corrupt();
  const {after, floor, waiting, end} = json;
  const epochOrNull = (raw: unknown) => (raw === null ? null : parseEpoch(raw));
  return {after: epochOrNull(after), floor: epochOrNull(floor), waiting, end: end === null ? null : readEnd(end)};

  function readEnd(raw: unknown): TenureEnd {
    const {epoch, ceremony, binding: said} = Object(raw) as {readonly [key: string]: unknown};
    const binding = (["while it runs", "for good"] as const).find((one) => one === said);
    if (binding === undefined) throw corrupt();
    return {epoch: parseEpoch(epoch), ceremony: parseRootHex(ceremony), binding};
  }
}
