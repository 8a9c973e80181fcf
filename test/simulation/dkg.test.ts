import {expect} from "chai";
import {blstDkgGroup} from "../../src/adapters/bls/blst.js";
import {hexBytes} from "../../src/core/dkg/digest.js";
import {countOf} from "../support/seeded.js";
import {type DkgPlan, planDkg, type Sabotage, simulateDkg} from "./dkg-simulate.js";
import {transparentDkgGroup} from "./transparent-group.js";

const SEEDS = countOf("PLEIADES_DKG_SEEDS", {usual: 2000, long: 20_000});
const CURVE_SEEDS = 50;

const describePlan = ({weather, ...plan}: DkgPlan): string => JSON.stringify({...plan, calmAtMs: weather.calmAtMs});

/** Runs seeds until one fails; says how to see it again. */
async function runSeeds(first: number, count: number, group: typeof blstDkgGroup | typeof transparentDkgGroup) {
  const done = {finished: 0, failed: 0, convicted: 0, events: 0};
  const before = process.cpuUsage();
  for (let seed = first; seed < first + count; seed++) {
    const run = await simulateDkg(planDkg(seed), group);
    if (run.problems.length > 0) {
      throw new Error(`seed ${seed}: ${run.problems.join("; ")}\n${describePlan(run.plan)}`);
    }
    if (run.finished > 0) done.finished++;
    else done.failed++;
    if (run.guilty > 0) done.convicted++;
    done.events += run.events;
  }
  const {user, system} = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  const rate = (count / seconds).toFixed(0);
  console.log(
    `      ${count} ceremonies, ${done.finished} with a key, ${done.convicted} with convicts: ${rate}/s of one core`,
  );
  return done;
}

describe("simulated ceremonies", () => {
  it("agree, give everybody its share and convict only the guilty, over the transparent group", async function () {
    this.timeout(600_000);
    const {finished, failed, convicted} = await runSeeds(1, SEEDS, transparentDkgGroup);
    // Most end with a key, some cannot, many convict: the seeds reach what they are for.
    expect(finished).to.be.greaterThan(SEEDS * 0.6);
    expect(failed).to.be.greaterThan(SEEDS * 0.03);
    expect(convicted).to.be.greaterThan(SEEDS * 0.15);
  });

  it("do the same over the curve", async function () {
    this.timeout(300_000);
    await runSeeds(1_000_000, CURVE_SEEDS, blstDkgGroup);
  });

  it("go the same way each time a seed is run", async () => {
    for (const seed of [3, 11, 27]) {
      const [first, second] = [1, 2].map(() => simulateDkg(planDkg(seed), transparentDkgGroup));
      expect((await first!).trace).to.equal((await second!).trace);
    }
  });
});

/** Seeds that are sabotaged until one finds it; a check that nothing misses would be none. */
async function foundBy(sabotage: Sabotage, change: (plan: DkgPlan) => DkgPlan, seeds = 60, what = ""): Promise<string> {
  for (let seed = 1; seed <= seeds; seed++) {
    const plan = change(planDkg(seed));
    const {problems} = await simulateDkg(plan, transparentDkgGroup, {sabotage});
    if (problems.some((problem) => problem.includes(what))) return problems.join("; ");
  }
  return "nothing";
}

const calm: DkgPlan["weather"] = {drop: 0, duplicate: 0, maxDelayMs: 20, crash: 0, calmAtMs: 0};
const stormy: DkgPlan["weather"] = {drop: 0.1, duplicate: 0.1, maxDelayMs: 100, crash: 0.03, calmAtMs: 1000};
const withLie =
  (lie: DkgPlan["liars"][number]["lie"], n = 4) =>
  (plan: DkgPlan): DkgPlan => ({
    ...plan,
    n,
    all: false,
    validators: 1,
    weather: calm,
    liars: n === 4 ? [{number: 1, lie, victim: 3}] : [1, 2].map((number) => ({number, lie, victim: 5})),
  });
const inStorm = (plan: DkgPlan): DkgPlan => ({...plan, n: 4, all: false, validators: 1, weather: stormy, liars: []});
const inHeavyStorm = (plan: DkgPlan): DkgPlan => ({
  ...inStorm(plan),
  weather: {drop: 0.4, duplicate: 0, maxDelayMs: 600, crash: 0.05, calmAtMs: 5000},
});

describe("the simulation finds out when", () => {
  it("nothing is sabotaged: it finds nothing", async () => {
    for (const change of [withLie("wrong share"), withLie("cancelling shares", 7), withLie("deaf leader"), inStorm]) {
      expect(await foundBy({}, change, 5)).to.equal("nothing");
    }
  });

  it("a recipient takes shares without checking each", async () => {
    // To it all points are equal.
    const trusting: Sabotage = {
      vault: (vault) => {
        const {publicKeys} = vault.checks;
        vault.checks = {...vault.checks, publicKeys: {...publicKeys, bytes: () => new Uint8Array(48)}};
        return vault;
      },
    };
    expect(await foundBy(trusting, withLie("wrong share"))).not.to.equal("nothing");
    expect(await foundBy(trusting, withLie("cancelling shares", 7))).not.to.equal("nothing");
  });

  it("proofs of possession are not checked", async () => {
    const sabotage: Sabotage = {machine: (m) => ({...m, group: {...m.group, verifyAll: () => true}})};
    expect(await foundBy(sabotage, withLie("malformed dealing"))).to.include("malformed dealing counts");
  });

  it("proofs of shares are not checked", async () => {
    const sabotage: Sabotage = {machine: (m) => ({...m, group: {...m.group, verifyAggregate: () => true}})};
    expect(await foundBy(sabotage, withLie("wrong proof"))).not.to.equal("nothing");
  });

  it("an operator forgets its journal in a crash", async () => {
    const sabotage: Sabotage = {crashed: ({journal}) => journal.items.clear()};
    expect(await foundBy(sabotage, inHeavyStorm, 150)).to.include("said two things");
  }).timeout(60_000);

  it("an operator draws a new seed after a crash", async () => {
    const sabotage: Sabotage = {
      crashed: (node) => node.vault.forgetSeed(new Uint8Array(32).fill(node.life)),
    };
    expect(await foundBy(sabotage, inStorm)).not.to.equal("nothing");
  });

  it("operators decide without agreeing", async () => {
    const hasty: Sabotage = {
      after(node) {
        const own = node.state.agreement?.candidate ?? null;
        if (own !== null && node.state.decision === null) node.state = {...node.state, decided: hexBytes(own)};
      },
    };
    const veryHeavy = {...inHeavyStorm(planDkg(1)).weather, maxDelayMs: 1500, crash: 0.02};
    const slowly = (plan: DkgPlan): DkgPlan => ({...inHeavyStorm(plan), weather: veryHeavy});
    expect(await foundBy(hasty, slowly, 150, "different transcripts")).not.to.equal("nothing");
  }).timeout(60_000);

  it("a leader may leave out who complains", async () => {
    // Nobody minds what the victim says.
    const sabotage: Sabotage = {
      hears: (node, item) => node.number === 3 || item.kind !== "verdict" || item.author !== 3,
    };
    expect(await foundBy(sabotage, withLie("deaf leader"))).to.include("without a share");
  });
});
