import {asEpoch, rootHex} from "../../src/core/bytes.js";
import {UNBOUNDED} from "../../src/core/handover/tenure.js";
import {
  conflict,
  type Duty,
  type Generation,
  generation,
  HandoverOperator,
  type HandoverSabotage,
  someDuty,
} from "./handover-world.js";
import {Random} from "./random.js";

export interface HandoverPlan {
  readonly seed: number;
  readonly kind: "reshare" | "refresh";
  readonly oldSize: number;
  readonly newSize: number;
  readonly overlap: number;
  readonly liars: readonly string[];
  /** Whether some ask for another handover of the same generation meanwhile. */
  readonly rival: boolean;
  readonly loss: number;
  readonly crash: number;
  /** How often an operator gives up before it retires. */
  readonly abort: number;
  /** Whether the ceremony ends only after the epoch in which it was to be over. */
  readonly late: boolean;
}

export interface HandoverRun {
  readonly plan: HandoverPlan;
  readonly problems: readonly string[];
  /** Full signatures by generation. */
  readonly signed: ReadonlyMap<string, number>;
}

const START = 10n;
const STEPS = 400;
const names = (first: number, count: number): string[] => Array.from({length: count}, (_, i) => `op${first + i}`);
/** f of n. */
const mostLiars = (n: number): number => (n - 1) / 3;

export function planHandover(seed: number): HandoverPlan {
  const random = new Random(seed, 11);
  const kind = random.chance(0.8) ? "reshare" : "refresh";
  const oldSize = random.pick([4, 4, 7]);
  const newSize = kind === "refresh" ? oldSize : random.pick([4, 4, 7]);
  const overlap = kind === "refresh" ? oldSize : random.between(0, Math.min(oldSize, newSize));
  const old = names(1, oldSize);
  const entering = names(oldSize - overlap + 1, newSize).filter((name) => !old.includes(name));
  const liars = random.some(old, random.between(0, mostLiars(oldSize)));
  const staying = names(oldSize - overlap + 1, overlap);
  // At most f of either committee lie.
  const left = mostLiars(newSize) - liars.filter((name) => staying.includes(name)).length;
  for (const name of liars.filter((one) => staying.includes(one)).slice(0, Math.max(0, -left))) {
    liars.splice(liars.indexOf(name), 1);
  }
  liars.push(...random.some(entering, random.between(0, Math.max(0, left))));
  const stormy = random.chance(0.7);
  return {
    seed,
    kind,
    oldSize,
    newSize,
    overlap,
    liars,
    rival: kind === "reshare" && random.chance(0.4),
    loss: stormy ? random.float() * 0.6 : 0,
    crash: stormy ? random.float() * 0.1 : 0,
    abort: random.chance(0.3) ? random.float() * 0.05 : 0,
    late: random.chance(0.2),
  };
}

/** One key goes from one generation to the next, while signers ask for everything. */
export function simulateHandover(
  plan: HandoverPlan,
  {sabotage = null}: {sabotage?: HandoverSabotage | null} = {},
): HandoverRun {
  const {seed, kind, oldSize, newSize, overlap, liars, rival, loss, crash, abort, late} = plan;
  const random = new Random(seed, 13);
  const old = generation("old", names(1, oldSize));
  const next = generation("next", names(oldSize - overlap + 1, newSize));
  // The rival's operators are others still, and in the worst case as many of them lie.
  const rivals = generation("rival", names(101, 4));
  const generations = [old, next, ...(rival ? [rivals] : [])];
  const lying = new Set([...liars, ...(rival ? ["op101"] : [])]);
  const everybody = [...new Set(generations.flatMap(({members}) => members))];
  const operators = new Map(
    everybody.map((name) => [name, new HandoverOperator(name, {lies: lying.has(name), sabotage})]),
  );
  const of = ({members}: Generation): HandoverOperator[] => members.map((name) => operators.get(name)!);
  for (const one of of(old)) one.disk.tenures.set(old.name, UNBOUNDED);
  const handovers = [
    {to: next, epoch: START + BigInt(random.between(2, 5))},
    ...(rival ? [{to: rivals, epoch: START + BigInt(random.between(2, 6))}] : []),
  ];
  let now = START;
  const problems: string[] = [];
  const partials = new Map<string, {duty: Duty; from: Generation; by: Set<string>}>();
  const full: {duty: Duty; from: Generation}[] = [];

  const ask = (from: Generation, duty: Duty, whom: readonly HandoverOperator[]): boolean => {
    const {subject, root} = duty;
    const key = `${from.name}/${JSON.stringify(subject, (_, v) => (typeof v === "bigint" ? String(v) : v))}/${root}`;
    const known = partials.get(key) ?? {duty, from, by: new Set<string>()};
    partials.set(key, known);
    const before = known.by.size;
    for (const one of whom) if (one.sign(from, duty, now)) known.by.add(one.name);
    if (known.by.size < from.threshold) return false;
    if (before >= from.threshold) return true;
    const other = full.find((one) => conflict(one.duty, duty));
    if (other !== undefined) problems.push(`${other.from.name} and ${from.name} signed a conflict: ${key}`);
    full.push({duty, from});
    return true;
  };

  /** At no instant may two generations both be able to sign for an epoch. A refresh has one record for both. */
  const watch = (): void => {
    if (kind === "refresh") return;
    for (let epoch = START - 1n; epoch <= now + 3n; epoch++) {
      const able = generations.filter(
        (one) => of(one).filter((operator) => operator.able(one, epoch, now)).length >= one.threshold,
      );
      if (able.length > 1) problems.push(`${able.map(({name}) => name).join(" and ")} can both sign epoch ${epoch}`);
    }
  };

  const perform = ({to, epoch}: (typeof handovers)[number], what: number): void => {
    const one = random.pick(of(old));
    switch (what) {
      case 0:
        if (kind === "reshare" && !one.lies && now < epoch) one.begin(old, to, epoch, now);
        return;
      case 1:
        if (late && now <= epoch + 1n) return;
        if (kind === "refresh") {
          if (!one.lies) one.refresh(old, to, epoch);
          return;
        }
        if (random.chance(abort) && !one.lies) one.abort(old, to);
        else {
          const said = one.retire(old, to, epoch, random);
          if (said !== null) for (const peer of of(to)) if (!random.chance(loss)) peer.hear(said);
        }
        return;
      default: {
        const successor = random.pick(of(to));
        if (kind === "refresh" || successor.lies) return;
        if (!successor.disk.tenures.has(to.name)) successor.activate(to, epoch);
        else successor.takeOver(old, to, {epoch, now});
      }
    }
  };

  for (let i = 0; i < STEPS && problems.length === 0; i++) {
    const dice = random.float();
    if (dice < 0.05) now++;
    else if (dice < 0.05 + crash) random.pick([...operators.values()]).crash();
    else if (dice < 0.5) perform(random.pick(handovers), random.between(0, 2));
    else {
      const from = random.pick(generations);
      ask(from, someDuty(random, now), random.some(of(from), random.between(1, from.members.length)));
    }
    watch();
  }
  // From here on everybody is live and everything arrives.
  const [{to, epoch}] = handovers as [(typeof handovers)[number]];
  if (problems.length === 0 && !rival && abort === 0) {
    if (now < epoch) problems.push(...calm(old, epoch, "before the handover"));
    for (const one of of(old)) {
      if (kind === "refresh") {
        if (!one.lies && !one.disk.tenures.has(to.name)) one.refresh(old, to, epoch);
        continue;
      }
      const said = one.lies ? null : one.retire(old, to, epoch, random);
      if (said !== null) for (const peer of of(to)) peer.hear(said);
    }
    for (const one of of(to).filter(({lies}) => !lies && kind === "reshare")) {
      if (!one.disk.tenures.has(to.name)) one.activate(to, epoch);
      one.takeOver(old, to, {epoch, now});
    }
    watch();
    now = (now > epoch ? now : epoch) + 4n;
    problems.push(...calm(to, now, "after the handover"));
  }
  const signed = new Map<string, number>();
  for (const {from} of full) signed.set(from.name, (signed.get(from.name) ?? 0) + 1);
  return {plan, problems, signed};

  /** With everybody live a duty that nobody has signed anything beyond is signed. */
  function calm(from: Generation, at: bigint, when: string): string[] {
    const epochs = of(from).flatMap((one) => [one.disk.record.attestation?.target ?? 0n, now]);
    const target = epochs.reduce((a, b) => (a > b ? a : b)) + 1n;
    if (target > at && when.startsWith("before")) return [];
    const source = asEpoch(target - 1n);
    const root = rootHex(new Uint8Array(32).fill(9));
    const duty: Duty = {epoch: target, subject: {kind: "attestation", source, target: asEpoch(target)}, root};
    const honest = of(from).filter(({lies}) => !lies);
    return ask(from, duty, honest) || target > now + 1n ? [] : [`nobody signs ${when}, epoch ${target}`];
  }
}
