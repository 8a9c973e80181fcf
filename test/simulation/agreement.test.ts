import {expect} from "chai";
import {countOf} from "../support/seeded.js";
import {CUTS, cutOut} from "./agreement-code.js";
import {AgreementWorld} from "./agreement-world.js";

/** Consecutive, so that a longer run contains the shorter one. */
const FIRST_SEED = 1;
const SEEDS = countOf("PLEIADES_AGREEMENT_SEEDS", {usual: 500, long: 20_000});

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

  for (const cut of CUTS) {
    it(`goes wrong, and is seen to, when ${cut.when}`, async () => {
      const code = await cutOut(cut);
      let found = false;
      for (let seed = cut.from; seed < cut.from + 3000 && !found; seed++) {
        const {wrong, undecided} = new AgreementWorld(seed, code).run();
        found = wrong.length > 0 || undecided.length > 0;
      }
      expect(found).to.equal(true);
    });
  }
});
