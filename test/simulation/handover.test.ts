import {expect} from "chai";
import {countOf} from "../support/seeded.js";
import {type HandoverPlan, planHandover, simulateHandover} from "./handover-simulate.js";
import type {HandoverSabotage} from "./handover-world.js";

const SEEDS = countOf("PLEIADES_HANDOVER_SEEDS", {usual: 2000, long: 50_000});

describe("simulated handovers of a key", () => {
  it("never let two generations sign a conflict or the same epoch, and end with the new one signing", function () {
    this.timeout(120_000);
    const signed = {old: 0, next: 0, rival: 0};
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = simulateHandover(planHandover(seed));
      if (run.problems.length > 0) {
        throw new Error(`seed ${seed}: ${run.problems.join("; ")}\n${JSON.stringify(run.plan)}`);
      }
      for (const name of ["old", "next", "rival"] as const) if ((run.signed.get(name) ?? 0) > 0) signed[name]++;
    }
    console.log(`      full signatures by the old one in ${signed.old} runs, by the next one in ${signed.next}`);
    // The seeds reach what they are for.
    expect(signed.old).to.be.greaterThan(SEEDS / 2);
    expect(signed.next).to.be.greaterThan(SEEDS / 3);
    expect(signed.rival).to.be.greaterThan(0);
  });

  it("go the same way each time a seed is run", () => {
    for (const seed of [5, 8, 13]) {
      const [first, second] = [1, 2].map(() => simulateHandover(planHandover(seed)));
      expect(first).to.deep.equal(second);
    }
  });
});

describe("the simulation of handovers finds out when", () => {
  /** Seeds that are sabotaged until one finds it; a check that nothing misses would be none. */
  const foundBy = (sabotage: HandoverSabotage, change: (plan: HandoverPlan) => HandoverPlan = (plan) => plan) => {
    for (let seed = 1; seed <= 400; seed++) {
      const {problems} = simulateHandover(change(planHandover(seed)), {sabotage});
      if (problems.length > 0) return problems.join("; ");
    }
    return "nothing";
  };
  const reshare = (plan: HandoverPlan): HandoverPlan => ({
    ...plan,
    kind: "reshare",
    oldSize: 4,
    newSize: 4,
    overlap: 1,
    liars: ["op1"],
    rival: false,
    late: false,
  });

  it("a retired operator goes on signing", () => {
    expect(foundBy("no ceiling", reshare)).to.include("old and next");
  });
  it("a ceiling is forgotten in a crash", () => {
    expect(foundBy("ceiling not durable", (plan) => ({...reshare(plan), crash: 0.1}))).to.include("old and next");
  });
  it("one retirement too few is enough for a successor", () => {
    expect(foundBy("one retirement too few", reshare)).to.include("old and next");
  });
  it("successors do not wait for retirements", () => {
    expect(foundBy("does not wait", reshare)).to.include("old and next");
  });
  it("successors do not start from the floor", () => {
    expect(foundBy("no floor", reshare)).to.include("signed a conflict");
  });
  it("an operator retires for two ceremonies", () => {
    expect(foundBy("retires twice", (plan) => ({...reshare(plan), rival: true}))).to.include("next and rival");
  });
  it("whoever signed beyond the agreed epoch retires as if it had not", () => {
    expect(foundBy("late at the agreed epoch", (plan) => ({...reshare(plan), late: true}))).to.include(
      "signed a conflict",
    );
  });
});
