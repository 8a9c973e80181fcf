import {expect} from "chai";
import {countOf} from "../support/seeded.js";
import {type AgreementSabotage, AgreementWorld} from "./agreement-world.js";

/** Consecutive, so that a longer run contains the shorter one. */
const FIRST_SEED = 1;
const SEEDS = countOf("PLEIADES_AGREEMENT_SEEDS", {usual: 400, long: 20_000});

describe("simulated agreement", function () {
  this.timeout(600_000);

  it("decides one value, blames nobody honest, and everybody decides once the network is calm", () => {
    let [rounds, equivocations] = [0, 0];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const outcome = new AgreementWorld(seed).run();
      rounds = Math.max(rounds, outcome.rounds);
      equivocations += outcome.equivocations;
      expect(outcome.wrong, `seed ${seed}`).to.deep.equal([]);
      expect(outcome.undecided, `seed ${seed}`).to.deep.equal([]);
    }
    // It was no walk in the park.
    expect(rounds).to.be.greaterThan(4);
    expect(equivocations).to.be.greaterThan(SEEDS / 10);
  });

  it("happens again from its seed", () => {
    for (const seed of [3, 77]) expect(new AgreementWorld(seed).run()).to.deep.equal(new AgreementWorld(seed).run());
  });

  for (const sabotage of [
    "signatures of others are not checked",
    "a quorum is one less",
    "a restart forgets",
  ] as const satisfies AgreementSabotage[]) {
    it(`goes wrong, and is seen to, when ${sabotage}`, () => {
      let found = 0;
      for (let seed = 1; seed <= 3000 && found === 0; seed++) {
        if (new AgreementWorld(seed, sabotage).run().wrong.length > 0) found = seed;
      }
      expect(found).to.be.greaterThan(0);
    });
  }
});
