import {expect} from "chai";
import {CommitteeRounds} from "../../support/kill/committee-rounds.js";
import {countOf, Seeded, seedOf} from "../../support/seeded.js";

/** About half a minute of `npm test`; `npm run test:long -- kill` or PLEIADES_COMMITTEE_KILLS for more. */
const KILLS = countOf("PLEIADES_COMMITTEE_KILLS", {usual: 8, long: 400});

describe("a committee whose operators, keepers and signer are killed under load", function () {
  // A kill and its restart take one or two seconds; a busy machine may need several.
  this.timeout(120_000 + KILLS * 10_000);

  it("never let out two conflicting signatures, lost no record, and signs again", async () => {
    const seed = seedOf();
    console.log(`    committee kills: PLEIADES_SEED=${seed} PLEIADES_COMMITTEE_KILLS=${KILLS}`);
    const {kills, partials, signatures, outcomes, problems} = await new CommitteeRounds({
      random: new Seeded(seed),
    }).run(KILLS);
    console.log(
      `    killed ${JSON.stringify(kills)}; ${partials} partial signatures seen, ${signatures} group signatures; ` +
        [...outcomes].map(([name, count]) => `${name} ${count}`).join(", "),
    );
    expect(problems).to.deep.equal([]);
    expect(kills.operator + kills.keeper).to.be.above(0);
    // The load is what it claims to be.
    expect(partials).to.be.above(KILLS);
    expect(signatures).to.be.above(KILLS / 2);
    expect([...outcomes.keys()].some((name) => name.startsWith("operator SLASHING_"))).to.equal(true);
  });
});
