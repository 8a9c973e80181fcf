import {asEpoch, asSlot, type RootHex, rootHex} from "../../src/core/bytes.js";
import {thresholdOf} from "../../src/core/committee/quorum.js";
import type {SlashingSubject} from "../../src/core/duty/slashing-subject.js";
import {
  bindTenure,
  decideTenure,
  effectiveRecord,
  endOfEpoch,
  lastEpoch,
  refreshedTenure,
  releaseTenure,
  retireTenure,
  succeed,
  type Tenure,
  waitingTenure,
} from "../../src/core/handover/tenure.js";
import {decideSlashing, EMPTY_RECORD, raise} from "../../src/core/slashing/decide.js";
import type {SlashingRecord} from "../../src/core/slashing/record.js";
import type {Random} from "./random.js";

export const SLOTS = 8;

/** What an honest operator may be made to do wrong, to see that it is noticed. */
export type HandoverSabotage =
  | "no ceiling"
  | "ceiling not durable"
  | "one retirement too few"
  | "no floor"
  | "retires twice"
  | "late at the agreed epoch"
  | "does not wait";

/** A generation of shares of the one key: "old", and what follows it. */
export interface Generation {
  readonly name: string;
  readonly ceremony: RootHex;
  /** Operators by name; their place is the share's index. */
  readonly members: readonly string[];
  readonly threshold: number;
}

export interface Duty {
  readonly epoch: bigint;
  readonly subject: SlashingSubject;
  readonly root: RootHex;
}

interface Retirement {
  readonly of: string;
  readonly ceremony: RootHex;
  readonly epoch: bigint;
}

/** What is durable; a crash leaves it as it is. */
interface Disk {
  record: SlashingRecord;
  readonly tenures: Map<string, Tenure>;
}

/** One operator with whatever shares it holds. A liar signs everything with each of them and retires whenever it helps. */
export class HandoverOperator {
  readonly name: string;
  readonly lies: boolean;
  readonly disk: Disk = {record: EMPTY_RECORD, tenures: new Map()};
  /** Retirements it has heard. Its journal keeps them. */
  readonly heard = new Map<string, Retirement>();
  readonly #sabotage: HandoverSabotage | null;
  #before: Map<string, Tenure> | null = null;

  constructor(name: string, {lies, sabotage}: {lies: boolean; sabotage: HandoverSabotage | null}) {
    this.name = name;
    this.lies = lies;
    this.#sabotage = sabotage;
  }

  crash(): void {
    if (this.#sabotage !== "ceiling not durable" || this.#before === null) return;
    for (const [name, tenure] of this.#before) this.disk.tenures.set(name, tenure);
  }

  /** Whether it would sign something of this epoch with this share. */
  able({name}: Generation, epoch: bigint, now: bigint): boolean {
    if (this.lies) return true;
    const tenure = this.disk.tenures.get(name);
    return tenure !== undefined && decideTenure(tenure, {epoch, now}).answer === "approve";
  }

  sign({name}: Generation, {epoch, subject, root}: Duty, now: bigint): boolean {
    if (this.lies) return true;
    const tenure = this.disk.tenures.get(name);
    // The policy's bound, by which the floor of a store that forgot is computed too.
    if (tenure === undefined || epoch > now + 1n) return false;
    const decided = decideTenure(tenure, {epoch, now});
    if (decided.answer === "deny") return false;
    const record = effectiveRecord(tenure, this.disk.record, SLOTS);
    const decision = decideSlashing(record, subject, root);
    if (decision.answer === "deny") return false;
    if (decided.next !== null) this.disk.tenures.set(name, decided.next);
    this.disk.record = decision.record;
    return true;
  }

  begin(old: Generation, {ceremony}: Generation, epoch: bigint, now: bigint): void {
    const changed = bindTenure(this.disk.tenures.get(old.name)!, {ceremony, epoch, now});
    if (changed.answer === "change") this.disk.tenures.set(old.name, changed.tenure);
  }

  abort(old: Generation, {ceremony}: Generation): void {
    this.disk.tenures.set(old.name, releaseTenure(this.disk.tenures.get(old.name)!, ceremony));
  }

  /** Null when it will not. */
  retire(old: Generation, {ceremony}: Generation, epoch: bigint, random: Random): Retirement | null {
    if (this.lies) {
      const far = random.chance(0.3) ? BigInt(random.between(0, 1000)) : 0n;
      return {of: this.name, ceremony, epoch: epoch + far};
    }
    let tenure = this.disk.tenures.get(old.name)!;
    if (this.#sabotage === "retires twice" && tenure.end !== null) tenure = {...tenure, end: {...tenure.end, ceremony}};
    const last = this.#sabotage === "late at the agreed epoch" ? null : lastEpoch(this.disk.record, SLOTS);
    const changed = retireTenure(tenure, {ceremony, epoch, last});
    if (changed.answer === "deny") return null;
    this.#before ??= new Map(this.disk.tenures);
    if (this.#sabotage !== "no ceiling") this.disk.tenures.set(old.name, changed.tenure);
    return {of: this.name, ceremony, epoch: changed.tenure.end!.epoch};
  }

  /** The new shares come, inert; whoever has signed for the key before has its record already. */
  activate({name}: Generation, epoch: bigint): void {
    const tenure = waitingTenure(epoch);
    const floor = this.#sabotage !== "no floor" ? tenure.floor : null;
    const waiting = this.#sabotage !== "does not wait";
    const isNew = this.disk.tenures.size === 0;
    if (isNew && floor !== null) this.disk.record = raise(this.disk.record, endOfEpoch(epoch, SLOTS));
    this.disk.tenures.set(name, {...tenure, floor, waiting});
  }

  refresh(old: Generation, {name, ceremony}: Generation, epoch: bigint): void {
    const tenure = this.disk.tenures.get(old.name)!;
    const changed = retireTenure(tenure, {ceremony, epoch, last: null});
    if (changed.answer === "deny") return;
    this.#before ??= new Map(this.disk.tenures);
    this.disk.tenures.set(old.name, changed.tenure).set(name, refreshedTenure(epoch, tenure));
  }

  hear(retirement: Retirement): void {
    this.heard.set(`${retirement.of}/${retirement.ceremony}`, retirement);
  }

  takeOver(old: Generation, {name, ceremony}: Generation, {epoch, now}: {epoch: bigint; now: bigint}): void {
    const tenure = this.disk.tenures.get(name);
    if (this.lies || tenure === undefined) return;
    const needed = old.threshold - (this.#sabotage === "one retirement too few" ? 1 : 0);
    const far = now + 2n > epoch ? now + 2n : epoch;
    const valid = [...this.heard.values()].filter((one) => one.ceremony === ceremony && one.epoch <= far);
    const changed = succeed(tenure, {epochs: valid.map((one) => one.epoch), needed});
    if (changed.answer === "deny") return;
    const floor = this.#sabotage === "no floor" ? null : changed.tenure.floor;
    this.disk.tenures.set(name, {...changed.tenure, floor});
  }
}

export const generation = (name: string, members: readonly string[]): Generation => ({
  name,
  ceremony: rootHex(new Uint8Array(32).fill(name.charCodeAt(0))),
  members,
  threshold: thresholdOf(members.length),
});

/** Something a signer may ask, near the present; few roots, so that conflicts come. */
export function someDuty(random: Random, now: bigint): Duty {
  const epoch = now + 1n - BigInt(random.between(0, 4));
  const root = rootHex(new Uint8Array(32).fill(random.between(1, 2)));
  const at = epoch < 1n ? 1n : epoch;
  if (random.chance(0.3)) {
    const slot = asSlot(at * BigInt(SLOTS) + BigInt(random.between(0, 1)));
    return {epoch: at, subject: {kind: "block", slot}, root};
  }
  const back = BigInt(random.between(1, 4));
  const source = at > back ? at - back : 0n;
  return {epoch: at, subject: {kind: "attestation", source: asEpoch(source), target: asEpoch(at)}, root};
}

/** @see consensus-specs "is_slashable_attestation_data" */
export function conflict(a: Duty, b: Duty): boolean {
  const [x, y] = [a.subject, b.subject];
  if (x.kind === "block") return y.kind === "block" && x.slot === y.slot && a.root !== b.root;
  if (y.kind === "block") return false;
  const same = a.root === b.root && x.source === y.source;
  if (x.target === y.target) return !same;
  return (x.source < y.source && y.target < x.target) || (y.source < x.source && x.target < y.target);
}
