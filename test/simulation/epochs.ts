import type {PubkeyHex} from "../../src/core/bytes.js";
import type {WireRequest} from "../../src/core/duty/sign-request.js";
import {deadlinesFor} from "../../src/remote-signer/deadlines.js";
import {COORDINATORS} from "./committee.js";
import type {Expectation, SimulatedCoordinator} from "./coordinator.js";
import {
  attestation,
  block,
  type Duty,
  dutyOf,
  EPOCH_MS,
  FIRST_EPOCH,
  harmless,
  NETWORK,
  SLOT_MS,
  SLOTS_PER_EPOCH,
} from "./duties.js";
import {CALM} from "./network.js";
import {isForgetful} from "./plan.js";
import type {World} from "./world.js";

const DEADLINES = deadlinesFor(NETWORK);
/** Operators have begun their lives by then. */
const START_UP_MS = 50;
/** The last slots of an epoch are quiet: what was asked before is answered or given up, and faults are healed. */
const BUSY_SLOTS = 5;
/** Epochs between the storm and the calm after it: above anything that a clock three epochs ahead let through. */
const CALM_AFTER = 6;
/** Far more than any seed needs: more means that something never comes to rest. */
const MAX_EVENTS = 200_000;

/** Plays a plan: some epochs with faults, then one without, in which everything has to work again. */
export async function schedule(world: World): Promise<void> {
  const {plan, scheduler, oracle} = world;
  for (let e = 0; e < plan.epochs; e++) {
    bringFaults(world, e);
    schedulePings(world);
    for (const ask of duties(world, FIRST_EPOCH + e, plan.kind === "live", plan.heads)) ask();
    if (!(await runUntil(world, (e + 1) * EPOCH_MS - SLOT_MS))) return;
    for (const operator of world.operators) world.faults.heal(operator);
    for (const coordinator of world.coordinators) if (!coordinator.running) coordinator.start();
    if (!(await runUntil(world, (e + 1) * EPOCH_MS))) return;
  }
  for (const operator of world.operators) world.faults.heal(operator, CALM);
  // Long enough for everybody to learn what there is to be learnt of old disks.
  if (isForgetful(plan)) schedulePings(world);
  const calm = plan.epochs + CALM_AFTER;
  if (!(await runUntil(world, calm * EPOCH_MS - SLOT_MS))) return;
  for (const operator of world.operators) world.faults.heal(operator, CALM);
  if (!(await runUntil(world, calm * EPOCH_MS))) return;
  if (isForgetful(plan)) schedulePings(world);
  for (const ask of duties(world, FIRST_EPOCH + calm, true, "same")) ask();
  if (!(await runUntil(world, Number.POSITIVE_INFINITY))) return;
  for (const {open, rank} of world.coordinators) {
    if (open > 0) oracle.violation(`signer ${rank} never answered ${open} requests`);
  }
  scheduler.note("at rest");
}

async function runUntil(world: World, ms: number): Promise<boolean> {
  if (await world.scheduler.run(ms, MAX_EVENTS)) return true;
  world.oracle.violation("it never comes to rest");
  return false;
}

/** For one epoch. */
function schedulePings({plan, random, scheduler, coordinators, lyingCoordinator}: World): void {
  for (let ms = random.float() * plan.pingMs; ms < EPOCH_MS; ms += plan.pingMs) {
    scheduler.after(ms, "pings", () => {
      for (const coordinator of coordinators) coordinator.ping();
      lyingCoordinator?.ping();
    });
  }
}

function bringFaults(world: World, e: number): void {
  const {plan, faults, random, operators} = world;
  const until = (e + 1) * EPOCH_MS - 1.5 * SLOT_MS;
  const forgets = (id: number): boolean => plan.amnesiacs.has(id) || plan.restored.has(id);
  const sound = operators.filter(
    ({id}) => !plan.absent.has(id) && !forgets(id) && plan.copied !== id && !isSkewed(world, id),
  );
  for (const operator of random.some(sound, random.between(0, Math.min(plan.passing, sound.length)))) {
    faults.strike(operator, until);
  }
  for (const operator of operators) if (forgets(operator.id)) faults.forget(operator, until);
  const second = plan.coordinators[1] ?? plan.lyingRank;
  const copied = operators.find(({id}) => id === plan.copied);
  if (copied !== undefined && second !== null) faults.copy(copied, COORDINATORS[second]!, until);
  if (plan.kind === "hostile") {
    world.lyingCoordinator?.attack(FIRST_EPOCH + e + random.between(-1, 1), BUSY_SLOTS * SLOT_MS);
  }
}

/** Wrong about the time for good, which counts as the fault it has. */
const isSkewed = ({plan}: World, id: number): boolean => Math.abs(plan.skewMs.get(id) ?? 0) > SLOT_MS;

/** What the coordinators are asked for in one epoch. `sure`: it has to be signed. */
function* duties(world: World, epoch: number, sure: boolean, heads: "same" | "different"): Generator<() => void> {
  const {random, committee, coordinators} = world;
  // One coordinator may die in the middle; the client's other address carries on with the same requests.
  const dying = coordinators.length > 1 && random.chance(0.15) ? random.pick(coordinators) : null;
  const diesAt = random.float() * BUSY_SLOTS * SLOT_MS;
  const mortal = sure && epoch >= FIRST_EPOCH + world.plan.epochs ? null : dying;
  if (mortal !== null) yield () => void world.scheduler.after(diesAt, "death", () => mortal.crash());
  if (random.chance(0.1)) {
    yield () => void world.scheduler.after(diesAt / 2, "watermark", () => coordinators[0]!.highWatermark());
  }
  for (const {groupPublicKey: key} of committee.committee.validators) {
    // A source never goes back, as no client's does on one chain.
    const source = epoch - 1;
    const voteSlot = slotOf(epoch, random.between(0, BUSY_SLOTS - 1));
    yield* oneDuty(world, key, voteSlot, SLOT_MS / 3, mortal, sure, heads, (other) =>
      attestation(random, {slot: voteSlot, source: other && random.chance(0.3) ? source - 1 : source}),
    );
    if (random.chance(0.4)) {
      const slot = slotOf(epoch, random.between(0, BUSY_SLOTS - 1));
      yield* oneDuty(world, key, slot, 0, mortal, sure, heads, () => block(random, {slot}));
    }
    if (random.chance(0.5)) {
      const slot = slotOf(epoch, random.between(0, BUSY_SLOTS - 1));
      const wire = harmless(random, {slot});
      yield* oneDuty(world, key, slot, SLOT_MS / 3, mortal, sure, "same", () => wire);
    }
  }
}

const slotOf = (epoch: number, slot: number): number => epoch * SLOTS_PER_EPOCH + slot;

function* oneDuty(
  world: World,
  key: PubkeyHex,
  slot: number,
  offsetMs: number,
  mortal: SimulatedCoordinator | null,
  sure: boolean,
  heads: "same" | "different",
  wireOf: (other: boolean) => WireRequest,
): Generator<() => void> {
  const {random, scheduler, coordinators} = world;
  const first = dutyOf(key, wireOf(false));
  const conflict = coordinators.length > 1 && heads === "different" && random.chance(0.7);
  const atMs = (slot - FIRST_EPOCH * SLOTS_PER_EPOCH) * SLOT_MS + offsetMs + START_UP_MS + random.float() * 500;
  const ask = (coordinator: SimulatedCoordinator, duty: Duty, delayMs: number): (() => void) => {
    const expectation: Expectation =
      !sure || coordinator === mortal
        ? "perhaps"
        : conflict && duty.subject !== null && (coordinator !== coordinators[0] || mortal === coordinators[0])
          ? "lost to a conflict"
          : "signed";
    return () => {
      scheduler.after(atMs + delayMs - scheduler.now, `client of ${coordinator.rank}`, () => {
        world.duties++;
        coordinator.ask(duty, DEADLINES[duty.request.type], expectation);
      });
    };
  };
  for (const coordinator of coordinators) {
    const duty = conflict && coordinator !== coordinators[0] ? dutyOf(key, wireOf(true)) : first;
    const delayMs = random.chance(0.5) ? random.float() * 30 : random.float() * 1500;
    // The earliest-ranked is asked first, so its message gets the votes, whatever the other's head.
    yield ask(coordinator, duty, coordinator === coordinators[0] ? 0 : delayMs);
    // A client that asks again for what it has or waits for.
    if (random.chance(0.1)) yield ask(coordinator, duty, delayMs + random.float() * 1000);
  }
}
