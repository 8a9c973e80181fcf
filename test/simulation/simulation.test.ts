import {expect} from "chai";
import {SABOTAGES} from "./sabotage.js";
import {type Outcome, simulate} from "./simulate.js";
import {BLST, TRANSPARENT} from "./transparent-group.js";

const SEEDS = 2000;
/** On the real curve a seed takes a hundred times as long. */
const BLST_SEEDS = 20;
/** Each sabotage shows within so many seeds; most do in the first twenty. */
const SABOTAGED_SEEDS = 400;

/** The one seed to replay, with every event printed. */
const replayed = process.env.PLEIADES_SIM_SEED === undefined ? null : Number(process.env.PLEIADES_SIM_SEED);

const told = ({seed, violations}: Outcome): string =>
  [`PLEIADES_SIM_SEED=${seed} npm test -- simulation`, ...violations.slice(0, 10)].join("\n  ");

/** Fails with the first seeds that found something, each with the command that replays it. */
async function expectNothing(seeds: readonly number[], group = TRANSPARENT): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const seed of seeds) outcomes.push(await simulate(seed, {group}));
  const failed = outcomes.filter(({violations}) => violations.length > 0);
  if (failed.length > 0) {
    expect.fail(`${failed.length} of ${seeds.length} seeds failed:\n${failed.slice(0, 5).map(told).join("\n")}`);
  }
  return outcomes;
}

const upTo = (count: number): number[] => Array.from({length: count}, (_, i) => i + 1);
const total = (outcomes: readonly Outcome[], count: (outcome: Outcome) => number): number =>
  outcomes.reduce((sum, outcome) => sum + count(outcome), 0);

describe("simulated committees", function () {
  // Most of a minute of one core, on machines that may have better things to do.
  this.timeout(600_000);

  if (replayed !== null) {
    it(`replay seed ${replayed}`, async () => {
      const outcome = await simulate(replayed, {group: TRANSPARENT, log: (line) => console.log(line)});
      console.log(JSON.stringify(outcome));
      expect(outcome.violations).to.deep.equal([]);
    });
    return;
  }

  it("are safe, sign what they must and blame nobody honest, whatever goes wrong", async () => {
    const outcomes = await expectNothing(upTo(SEEDS));
    // That nothing was found means something only when there was something to find it in.
    expect(total(outcomes, ({counts}) => counts.signed)).to.be.above(20 * SEEDS);
    for (const what of [
      "failedCombinations",
      "convictions",
      "denied",
      "lostToConflict",
      "crashes",
      "floors",
    ] as const) {
      expect(
        total(outcomes, ({counts}) => counts[what]),
        what,
      ).to.be.above(SEEDS / 10);
    }
    // Rarer, for it takes a copy, a second signer, and time for word to go round.
    expect(
      total(outcomes, ({counts}) => counts.pairsStopped),
      "pairs of copies that both stopped",
    ).to.be.above(SEEDS / 100);
  });

  it("are so on the real curve too", async () => {
    await expectNothing(upTo(BLST_SEEDS), BLST);
  });

  it("do the same on the real curve as in the transparent group, event by event", async () => {
    for (const seed of upTo(10)) {
      const [twin, real] = [await simulate(seed, {group: TRANSPARENT}), await simulate(seed, {group: BLST})];
      expect(real, `seed ${seed}`).to.deep.equal(twin);
    }
  });

  it("do the same again with the same seed, and something else with another", async () => {
    const [first, again] = [new Map<number, string>(), new Map<number, string>()];
    for (const seed of upTo(30)) first.set(seed, (await simulate(seed, {group: TRANSPARENT})).trace);
    // In another order: nothing of one simulation is left for the next.
    for (const seed of upTo(30).reverse()) again.set(seed, (await simulate(seed, {group: TRANSPARENT})).trace);
    for (const [seed, trace] of first) expect(again.get(seed), `seed ${seed}`).to.equal(trace);
    expect(new Set(first.values()).size).to.equal(30);
  });
});

describe("a simulated committee tells", function () {
  this.timeout(60_000);

  for (const {what, sabotage, finding} of replayed === null ? SABOTAGES : []) {
    it(what, async () => {
      for (const seed of upTo(SABOTAGED_SEEDS)) {
        const {violations} = await simulate(seed, {group: TRANSPARENT, sabotage, n: 4});
        if (violations.some((violation) => finding.test(violation))) return;
      }
      expect.fail(`${SABOTAGED_SEEDS} seeds did not show it`);
    });
  }
});
