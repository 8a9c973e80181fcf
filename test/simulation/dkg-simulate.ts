import {parseEpoch, pubkeyHex} from "../../src/core/bytes.js";
import {thresholdOf} from "../../src/core/committee/quorum.js";
import {type Ceremony, ceremonyOf} from "../../src/core/dkg/ceremony.js";
import type {DealerSecrets} from "../../src/core/dkg/dealing.js";
import {shareOf} from "../../src/core/dkg/dealing.js";
import type {PreviousCommittee, SignedDefinition} from "../../src/core/dkg/definition.js";
import type {DkgGroup} from "../../src/core/dkg/group.js";
import type {AnyItem} from "../../src/core/dkg/items.js";
import {encodeItem} from "../../src/core/dkg/items-json.js";
import type {CeremonyKind, Plan} from "../../src/core/dkg/plan.js";
import type {Machine, Output, Timing} from "../../src/core/dkg/state.js";
import {testScalar} from "../support/committees.js";
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
const DEADLINE_MS = 20_000;

export interface DkgPlan {
  readonly seed: number;
  readonly kind: CeremonyKind;
  /** Recipients. */
  readonly n: number;
  /** Of a reshare: how many of the four old operators are not among the new ones. */
  readonly leaving: number;
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
  readonly ceremony: Ceremony;
  readonly signed: SignedDefinition;
  readonly outputs: readonly Output[];
}

/** What happens in the ceremony of a seed. */
export function planDkg(seed: number): DkgPlan {
  const random = new Random(seed, 3);
  const n = random.chance(0.08) ? 7 : 4;
  const kind = random.chance(0.7) ? "fresh" : random.pick(["refresh", "reshare"] as const);
  const leaving = kind === "reshare" ? random.between(0, 4) : 0;
  // At most f of the old committee lie, and at most f of the new one.
  const count = random.chance(0.8) ? random.between(1, (n - 1) / 3) : 0;
  const numbers = Array.from({length: n}, (_, i) => i + 1);
  const chosen = kind === "reshare" ? random.some(numbers.slice(4 - leaving), count) : random.some(numbers, count);
  if (kind === "reshare" && leaving > 0 && random.chance(0.4)) chosen.push(n + 1);
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
    kind,
    n,
    leaving,
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

/** Four old operators with a key each knows its share of: those numbered 1…4−leaving stay, the others leave. */
function oldCommittee(group: DkgGroup, {seed, kind, n, leaving, validators}: DkgPlan) {
  const size = kind === "refresh" ? n : 4;
  const nodes = Array.from({length: size}, (_, i) =>
    cheapNode(i < size - leaving ? i + 1 : n + 1 + i - (size - leaving)),
  );
  const t = thresholdOf(size);
  const polynomials = Array.from({length: validators}, (_, v) =>
    Array.from({length: t}, (_, k) => testScalar(seed * 1000 + v * 10 + k)),
  );
  const key = (secret: bigint) => pubkeyHex(group.publicKeys.bytes(group.base(secret)));
  const share = (dealer: number, v: number): bigint => shareOf(polynomials[v]!, dealer);
  const previous: PreviousCommittee = {
    generation: 0,
    threshold: t,
    operators: testDefinition(nodes).operators,
    validators: polynomials.map((polynomial, v) => ({
      groupPublicKey: key(polynomial[0]!),
      sharePublicKeys: nodes.map((_, i) => key(share(i + 1, v))),
    })),
    handoverEpoch: parseEpoch("100"),
  };
  return {nodes, previous, share};
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
  const {seed, kind, n, validators, all, weather} = plan;
  const recipients = Array.from({length: n}, (_, i) => cheapNode(i + 1));
  const old = kind === "fresh" ? null : oldCommittee(group, plan);
  const keys = new Map([...(old?.nodes ?? []), ...recipients].map((node) => [node.peerId, node]));
  const definition = testDefinition(recipients, {
    kind,
    validators,
    depositAmounts: [],
    nonce: seed,
    previous: old?.previous ?? null,
    require: all ? n : n - (n - 1) / 3,
  });
  const signed = consented(definition, [...keys.values()]);
  const ceremony = ceremonyOf(signed, verifyCheaply);
  const world = new DkgWorld(ceremony, {seed, weather, ...(log === undefined ? {} : {log})});
  let sign: 1n | -1n = 1n;
  for (const {number, peerId, dealer, recipient} of ceremony.participants) {
    const honest: Machine = {
      ceremony,
      self: number,
      group,
      sign: keys.get(peerId)!.sign,
      timing: TIMING,
    };
    const machine = sabotage.machine?.(honest) ?? honest;
    const secrets: DealerSecrets = {
      seed: testSeed(seed * 100 + number),
      ...(old !== null && dealer !== null ? {share: (v: number) => old.share(dealer, v)} : {}),
    };
    const oldShare = (v: number): bigint => (kind === "refresh" ? old!.share(recipient!, v) : 0n);
    const liar = plan.liars.find((one) => one.number === number);
    if (liar === undefined) {
      const vault = new SimulatedVault(group, ceremony, number, {secrets, old: oldShare});
      const node = new DkgNode(world, machine, sabotage.vault?.(vault, ceremony.plan) ?? vault, {honest: true});
      node.sabotage = sabotage;
      world.nodes.push(node);
      continue;
    }
    const foreign =
      liar.lie === "replay" && kind === "fresh" ? otherCeremony(group, recipients, {seed, n, number}) : [];
    const bent: LiarOptions = {...liar, secrets, sign, foreign};
    sign = sign === 1n ? -1n : 1n;
    const bend = dealer === null ? {} : bendFor(bent, ceremony.plan, dealer);
    const vault = new SimulatedVault(group, ceremony, number, {secrets, old: oldShare, bend});
    world.nodes.push(new LiarNode(world, machine, vault, bent));
  }
  world.start();
  const done = ({output, handedOver}: DkgNode) => output !== null && (kind !== "reshare" || handedOver);
  const over = () => world.nodes.every((node) => !node.honest || done(node) || node.failure !== null);
  // Until all are done, then until the deadline ends what cannot be done.
  for (let now = 0; now < DEADLINE_MS && !over(); now += 500) await world.scheduler.run(now);
  for (const node of world.nodes) node.input({kind: "deadline"});
  const liars = new Map(plan.liars.map(({number, lie, victim}) => [number, {lie, victim}]));
  // With all required one liar can stop it; with fewer nobody can.
  const completes = !all || plan.liars.length === 0;
  const problems = judgeRun(world, group, {
    liars,
    completes,
    fair: weather.calmAtMs === 0,
    previous: old?.previous ?? null,
  });
  const finished = world.nodes.filter(({honest, output}) => honest && output !== null);
  return {
    plan,
    problems,
    trace: world.scheduler.trace,
    events: world.scheduler.events,
    finished: finished.length,
    guilty: finished[0]?.output?.guilty.length ?? 0,
    ceremony,
    signed,
    outputs: finished.map(({output}) => output!),
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
