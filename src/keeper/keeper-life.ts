import {createHmac, hkdfSync, timingSafeEqual} from "node:crypto";
import type {LifeId, PubkeyHex} from "../core/bytes.js";
import {currentEpoch, type Network} from "../core/duty/network.js";
import {PleiadesError, type ReasonCode} from "../core/errors.js";
import {judgeSighting, type LivingSelf, raiseToFloor, type Verdict} from "../core/slashing/amnesia.js";
import {floorRecord} from "../core/slashing/decide.js";
import {beginLife, type Past} from "../core/slashing/past.js";
import {type Sighting, sightingBody} from "../core/slashing/sighting.js";
import type {Clock} from "../ports/clock.js";
import type {SlashingStore} from "../ports/slashing-store.js";
import type {Secret} from "./secret.js";

/** What a sighting led to that somebody has to know. */
export interface LifeAlarm {
  readonly code: Extract<ReasonCode, "KEEPER_ROLLED_BACK" | "KEEPER_SECOND_COPY">;
  /** The sequence of this store, and the one that was seen, in decimal. */
  readonly here: string;
  readonly seen: string;
  /** When the sighting was made, ISO 8601. */
  readonly seenAt: string;
  /** No attestation up to this epoch and no block up to its last slot is signed; null without a clock. */
  readonly floorEpoch: string | null;
}

export interface KeeperLifeModules {
  readonly store: Pick<SlashingStore, "transactPast" | "sequence">;
  readonly clock: Pick<Clock, "now">;
  /** A fresh random one for each call. */
  readonly newLife: () => LifeId;
  readonly onAlarm: (alarm: LifeAlarm) => void;
}

export interface KeeperLifeOptions {
  readonly network: Pick<Network, "clock" | "preset">;
  /** Every share of this operator, unscaled. */
  readonly shares: readonly {readonly groupPublicKey: PubkeyHex; readonly secret: Secret}[];
}

/**
 * One run of a keeper: makes sightings of itself for peers to remember, and judges those they show it. A store that has
 * forgotten goes to the floor; when another copy of this operator is alive, this one stops signing until a restart.
 */
export class KeeperLife {
  readonly #modules: KeeperLifeModules;
  readonly #network: KeeperLifeOptions["network"];
  /** By group key, newest first: what peers remember was said with the share of that time. */
  readonly #macKeys = new Map<PubkeyHex, readonly Uint8Array[]>();
  /** The lowest key: the same one after a new start with the same shares. Null without shares. */
  #ownKey: PubkeyHex | null = null;
  #self: LivingSelf;
  /** As of the last commit of this life; its sequence is the store's to say. */
  #past: Past;
  #stopped: PleiadesError | null = null;

  /** Begins a life, durably. @throws SLASHING_STORE_FAILED · SLASHING_STORE_CORRUPT */
  static async begin(modules: KeeperLifeModules, options: KeeperLifeOptions): Promise<KeeperLife> {
    const self = {life: modules.newLife(), startedAt: modules.clock.now()};
    const past = await modules.store.transactPast((before) => {
      const begun = beginLife(before, self.life);
      return {past: begun, writes: new Map(), result: begun};
    });
    return new KeeperLife(modules, options, {self, past});
  }

  private constructor(
    modules: KeeperLifeModules,
    {network, shares}: KeeperLifeOptions,
    {self, past}: {self: LivingSelf; past: Past},
  ) {
    this.#modules = modules;
    this.#network = network;
    this.#self = self;
    this.#past = past;
    this.add(shares);
  }

  /** Shares that were added to the store while this keeper runs. Before anything is signed with them. */
  add(shares: KeeperLifeOptions["shares"]): void {
    for (const {groupPublicKey, secret} of shares) {
      const known = this.#macKeys.get(groupPublicKey) ?? [];
      const key = macKey(secret.reveal(), groupPublicKey);
      this.#macKeys.set(groupPublicKey, [key, ...known.filter((one) => Buffer.compare(one, key) !== 0)]);
    }
    this.#ownKey = [...this.#macKeys.keys()].sort()[0] ?? null;
  }

  /** Why nothing is signed until a restart; null while it is. */
  get stopped(): PleiadesError | null {
    return this.#stopped;
  }

  /** When all records were raised to the floor for the last time (unix milliseconds), or null. */
  get flooredAt(): number | null {
    return this.#past.flooredAt;
  }

  /** Of this moment: covers every record that stands behind an answer released before. Null without a share. */
  sighting(): Sighting | null {
    const key = this.#ownKey;
    if (key === null) return null;
    const {store, clock} = this.#modules;
    const said = {key, life: this.#self.life, sequence: store.sequence(), issuedAt: clock.now()};
    return {...said, mac: macOf(this.#macKeys.get(key)![0]!, said).toString("hex")};
  }

  /**
   * Judges what peers remember of this operator. What is not authentic changes nothing. Resolves once everything that
   * follows from it is durable; whatever is decided from the call on already knows it.
   * @throws SLASHING_STORE_FAILED · SLASHING_STORE_CORRUPT
   */
  async judge(sightings: readonly Sighting[]): Promise<void> {
    // Nothing more can be learnt that matters, and two stopped copies would go on answering each other.
    if (this.#stopped !== null) return;
    const authentic = sightings.filter((sighting) => this.#isAuthentic(sighting));
    // Most of what is shown is known; only the rest is worth a look at every record.
    const {verdict} = worst(this.#knownPast(), this.#self, authentic);
    if (verdict === "known") return;
    if (verdict === "second copy") this.#stopped ??= new PleiadesError({code: "KEEPER_SECOND_COPY"});
    const {clock, store, newLife, onAlarm} = this.#modules;
    const outcome = await store.transactPast((past, records) => {
      // Judged again inside the write queue, where nothing can change in between.
      const found = worst(past, this.#self, authentic);
      if (found.verdict === "known") return {past: "keep", writes: new Map(), result: null};
      const {sequence: seen, issuedAt} = found.sighting;
      // Whichever clock is ahead: by that one's rules the lost messages were allowed.
      const flooredAt = Math.max(clock.now(), ...authentic.map((one) => one.issuedAt));
      const epoch = currentEpoch(this.#network, flooredAt);
      const floor = epoch === null ? null : floorRecord({epoch, slotsPerEpoch: this.#network.preset.slotsPerEpoch});
      const life = newLife();
      const highest = authentic.reduce((max, one) => (one.sequence > max ? one.sequence : max), seen);
      const raised = raiseToFloor(past, records, {floor, flooredAt, seen: highest, life});
      const code = found.verdict === "second copy" ? "KEEPER_SECOND_COPY" : "KEEPER_ROLLED_BACK";
      const alarm: LifeAlarm = {
        code,
        here: past.sequence.toString(),
        seen: seen.toString(),
        seenAt: new Date(issuedAt).toISOString(),
        floorEpoch: floor?.attestation?.target.toString() ?? null,
      };
      return {...raised, result: {alarm, life, past: raised.past}};
    });
    if (outcome === null) return;
    const {alarm} = outcome;
    // Still since the same start: a copy that goes on speaking is alive, however often this one went to the floor.
    this.#self = {...this.#self, life: outcome.life};
    this.#past = outcome.past;
    if (alarm.code === "KEEPER_SECOND_COPY" || alarm.floorEpoch === null) {
      this.#stopped ??= new PleiadesError({code: alarm.code});
    }
    onAlarm(alarm);
  }

  #knownPast(): Past {
    return {...this.#past, sequence: this.#modules.store.sequence()};
  }

  #isAuthentic(sighting: Sighting): boolean {
    const keys = this.#macKeys.get(sighting.key) ?? [];
    return keys.some((key) => timingSafeEqual(macOf(key, sighting), Buffer.from(sighting.mac, "hex")));
  }
}

const GRAVITY: Readonly<Record<Verdict, number>> = {known: 0, forgot: 1, "second copy": 2};

function worst(
  past: Past,
  self: LivingSelf,
  sightings: readonly Sighting[],
): {verdict: "known"; sighting: null} | {verdict: Exclude<Verdict, "known">; sighting: Sighting} {
  let found: ReturnType<typeof worst> = {verdict: "known", sighting: null};
  for (const sighting of sightings) {
    const verdict = judgeSighting(past, self, sighting);
    if (verdict !== "known" && GRAVITY[verdict] > GRAVITY[found.verdict]) found = {verdict, sighting};
  }
  return found;
}

/**
 * A key of its own from the share: HKDF is one-way and says in its salt what it is for, so a mac shows nothing of the
 * share and is of no use anywhere else.
 * @see RFC 5869
 */
const macKey = (share: Uint8Array, groupPublicKey: PubkeyHex): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", share, "pleiades sighting v1", groupPublicKey, 32));

const macOf = (key: Uint8Array, said: Omit<Sighting, "mac">): Buffer =>
  createHmac("sha256", key).update(sightingBody(said)).digest();
