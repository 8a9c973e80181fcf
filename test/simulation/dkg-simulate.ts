import {ceremonyOf} from "../../src/core/dkg/ceremony.js";
import type {Definition} from "../../src/core/dkg/definition.js";
import type {DkgGroup} from "../../src/core/dkg/group.js";
import type {AnyItem} from "../../src/core/dkg/items.js";
import {encodeItem} from "../../src/core/dkg/items-json.js";
import type {Plan} from "../../src/core/dkg/plan.js";
import type {Machine, Timing} from "../../src/core/dkg/state.js";
import {cheapNode, consented, testDefinition, testSeed, verifyCheaply} from "../support/dkg.js";
import {announceOf, dealingOf} from "../support/dkg-dealings.js";
import {bendFor, LIES, LiarNode, type LiarOptions, type Lie} from "./dkg-liar.js";
import {DkgNode} from "./dkg-node.js";
import {judgeRun} from "./dkg-oracle.js";
import {SimulatedVault} from "./dkg-vault.js";
import {DkgWorld, type Weather} from "./dkg-world.js";
import {Random} from "./random.js";

const TIMING: Timing = {announceMs: 1500, dealMs: 1500, settleMs: 1500, resultMs: 1500, roundMs: 400, maxRoundMs: 4000};
/** Long after the calm, and after the rounds that liars waste. */
const DEADLINE_MS = 30_000;

export interface DkgPlan {
  readonly seed: number;
  readonly n: number;
  readonly validators: number;
  readonly all: boolean;
  readonly weather: Weather;
  readonly liars: readonly {readonly number: number; readonly lie: Lie; readonly victim: number}[];
}

export interface DkgRun {
  readonly plan: DkgPlan;
  readonly problems: readonly string[];
  readonly trace: string;
  readonly events: number;
  readonly finished: number;
  readonly guilty: number;
}

/** What happens in the ceremony of a seed. */
export function planDkg(seed: number): DkgPlan {
  const random = new Random(seed, 3);
  const n = random.chance(0.12) ? 7 : 4;
  const f = (n - 1) / 3;
  const count = random.chance(0.8) ? random.between(1, f) : 0;
  const numbers = Array.from({length: n}, (_, i) => i + 1);
  const chosen = random.some(numbers, count);
  const honest = numbers.filter((number) => !chosen.includes(number));
  const shared = random.pick(LIES);
  const together = random.chance(0.5);
  const victim = random.pick(honest);
  const liars = chosen.map((number) => ({
    number,
    lie: together ? shared : random.pick(LIES),
    victim: together ? victim : random.pick(honest),
  }));
  const stormy = random.chance(0.7);
  return {
    seed,
    n,
    validators: random.chance(0.03) ? 51 : random.between(1, 2),
    all: random.chance(0.3),
    liars,
    weather: {
      drop: stormy ? random.float() * 0.3 : 0,
      duplicate: stormy ? 0.1 : 0,
      maxDelayMs: stormy ? random.between(20, 300) : 20,
      crash: stormy ? random.float() * 0.03 : 0,
      calmAtMs: stormy ? random.between(0, 1200) : 0,
    },
  };
}

/** What honest operators may be made to do wrong, to see that it is noticed. */
export interface Sabotage {
  machine?(machine: Machine): Machine;
  vault?(vault: SimulatedVault, plan: Plan): SimulatedVault;
  /** The journal and the vault's seed after a crash. */
  crashed?(node: DkgNode): void;
  /** Whether it takes notice of an item. */
  hears?(node: DkgNode, item: AnyItem): boolean;
  /** After each step. */
  after?(node: DkgNode): void;
}

/** Runs one ceremony to its end. */
export async function simulateDkg(
  plan: DkgPlan,
  group: DkgGroup,
  {log, sabotage = {}}: {log?: (line: string) => void; sabotage?: Sabotage} = {},
): Promise<DkgRun> {
  const {seed, n, validators, all, weather} = plan;
  const keys = Array.from({length: n}, (_, i) => cheapNode(i + 1));
  const options: Partial<Omit<Definition, "nonce">> = {validators, depositAmounts: []};
  const definition = testDefinition(keys, {...options, nonce: seed, ...(all ? {} : {require: n - (n - 1) / 3})});
  const ceremony = ceremonyOf(consented(definition, keys), verifyCheaply);
  const world = new DkgWorld(ceremony, {seed, weather, ...(log === undefined ? {} : {log})});
  let sign: 1n | -1n = 1n;
  for (const {number} of ceremony.participants) {
    const honest: Machine = {
      ceremony,
      self: number,
      group,
      sign: keys[number - 1]!.sign,
      timing: TIMING,
      checkDeposits: () => true,
    };
    const machine = sabotage.machine?.(honest) ?? honest;
    const secrets = {seed: testSeed(seed * 100 + number)};
    const liar = plan.liars.find((one) => one.number === number);
    if (liar === undefined) {
      const vault = new SimulatedVault(group, ceremony, number, {secrets});
      const node = new DkgNode(world, machine, sabotage.vault?.(vault, ceremony.plan) ?? vault, {honest: true});
      node.sabotage = sabotage;
      world.nodes.push(node);
      continue;
    }
    const foreign = liar.lie === "replay" ? otherCeremony(group, keys, {seed, n, number}) : [];
    const bent: LiarOptions = {...liar, secrets, sign, foreign};
    sign = sign === 1n ? -1n : 1n;
    const vault = new SimulatedVault(group, ceremony, number, {secrets, bend: bendFor(bent, ceremony.plan, number)});
    world.nodes.push(new LiarNode(world, machine, vault, bent));
  }
  world.start();
  const over = () => world.nodes.every((node) => !node.honest || node.output !== null || node.failure !== null);
  // Until all are done, then until the deadline ends what cannot be done.
  for (let now = 0; now < DEADLINE_MS && !over(); now += 500) await world.scheduler.run(now);
  for (const node of world.nodes) node.input({kind: "deadline"});
  const liars = new Map(plan.liars.map(({number, lie, victim}) => [number, {lie, victim}]));
  // With all required one liar can stop it; with fewer nobody can.
  const completes = !all || plan.liars.length === 0;
  const problems = judgeRun(world, group, {liars, completes, fair: weather.calmAtMs === 0});
  const finished = world.nodes.filter(({honest, output}) => honest && output !== null);
  return {
    plan,
    problems,
    trace: world.scheduler.trace,
    events: world.scheduler.events,
    finished: finished.length,
    guilty: finished[0]?.output?.guilty.length ?? 0,
  };
}

/** Genuine items of these operators in another ceremony. */
function otherCeremony(
  group: DkgGroup,
  keys: readonly ReturnType<typeof cheapNode>[],
  {seed, n, number}: {seed: number; n: number; number: number},
): string[] {
  const definition = testDefinition(keys, {depositAmounts: [], nonce: seed + 1_000_000_000});
  const other = ceremonyOf(consented(definition, keys), verifyCheaply);
  const secrets = (one: number) => ({seed: testSeed(seed * 100 + one)});
  const announces = Array.from({length: n}, (_, i) => announceOf(group, other, i + 1, secrets(i + 1), keys[i]!));
  const {item} = dealingOf(group, other, number, secrets(number), {announces, node: keys[number - 1]!});
  return [...announces, item].map((one) => encodeItem(one));
}
