import {join} from "node:path";
import {expect} from "chai";
import {KEEPER_ENTRY} from "../../support/kill/keeper-child.js";
import {KeeperRounds, type RoundsResult} from "../../support/kill/keeper-rounds.js";
import {conflict, type Message} from "../../support/kill/ledger.js";
import {countOf, Seeded, seedOf} from "../../support/seeded.js";

const LATE_RECORD = join(import.meta.dirname, "../../fixtures/kill/late-record-entry.js");
/** About ten seconds of `npm test`; `npm run test:long -- kill` or PLEIADES_KILLS for thousands. */
const KILLS = countOf("PLEIADES_KILLS", {usual: 30, long: 2000});
const LANES = 2;

const root = (byte: string): Message["root"] => `0x${byte.repeat(64)}` as Message["root"];
const vote = (source: bigint, target: bigint, byte: string): Message => ({
  kind: "attestation",
  source,
  target,
  root: root(byte),
});
const block = (slot: bigint, byte: string): Message => ({kind: "block", slot, root: root(byte)});

describe("a keeper that is killed at random instants", function () {
  // A kill takes well under a second; a busy machine may need several.
  this.timeout(60_000 + KILLS * 5_000);

  async function run(kills: number, seed: number, entry: string): Promise<RoundsResult> {
    const rounds = new KeeperRounds({random: new Seeded(seed), entry});
    try {
      return await rounds.run(kills);
    } finally {
      await rounds.close();
    }
  }

  it("never let out two conflicting partial signatures, and lost no record", async () => {
    const seed = seedOf();
    console.log(`    keeper kills: PLEIADES_SEED=${seed} PLEIADES_KILLS=${KILLS}`);
    const share = Math.ceil(KILLS / LANES);
    const results = await Promise.all(Array.from({length: LANES}, (_, lane) => run(share, seed + lane, KEEPER_ENTRY)));
    const sum = (of: (result: RoundsResult) => number): number => results.reduce((all, one) => all + of(one), 0);
    const outcomes = new Map<string, number>();
    for (const result of results) {
      for (const [name, count] of result.outcomes) outcomes.set(name, (outcomes.get(name) ?? 0) + count);
    }
    console.log(
      `    ${sum((r) => r.kills)} kills (${sum((r) => r.whileStarting)} while starting) on ${sum((r) => r.stores)} stores, ` +
        `${sum((r) => r.released)} partial signatures; ${[...outcomes].map(([k, v]) => `${k} ${v}`).join(", ")}`,
    );
    expect(results.flatMap(({problems}) => problems)).to.deep.equal([]);
    expect(sum((r) => r.kills)).to.be.at.least(KILLS);
    // The load is what it claims to be: duties were signed, and every kind of conflict was asked for and refused.
    expect(sum((r) => r.released)).to.be.above(KILLS);
    expect([...outcomes.keys()]).to.include.members([
      "signed",
      "SLASHING_DOUBLE_VOTE",
      "SLASHING_LOW_SOURCE",
      "SLASHING_LOW_TARGET",
      "SLASHING_DOUBLE_BLOCK",
      "SLASHING_LOW_BLOCK",
    ]);
  });

  it("would be convicted if it answered before its record is durable", async () => {
    // The instant decides whether one kill shows it; within this many kills it always has.
    const {problems, kills} = await run(60, 1, LATE_RECORD);
    console.log(`    found after ${kills} kills: ${problems[0]}`);
    expect(problems.join("\n")).to.match(/no record of|and attestation|and block/);
  });

  it("is judged by the consensus rules", () => {
    const pairs: [Message, Message, boolean][] = [
      [vote(1n, 5n, "a"), vote(1n, 5n, "b"), true],
      [vote(1n, 5n, "a"), vote(1n, 5n, "a"), false],
      [vote(1n, 5n, "a"), vote(2n, 4n, "b"), true],
      [vote(2n, 4n, "a"), vote(1n, 5n, "b"), true],
      [vote(1n, 4n, "a"), vote(1n, 5n, "b"), false],
      [vote(1n, 4n, "a"), vote(2n, 5n, "b"), false],
      [vote(4n, 5n, "a"), vote(5n, 6n, "b"), false],
      [block(5n, "a"), block(5n, "b"), true],
      [block(5n, "a"), block(6n, "b"), false],
      [block(5n, "a"), vote(1n, 5n, "b"), false],
    ];
    for (const [a, b, expected] of pairs) expect(conflict(a, b), JSON.stringify([a, b], String)).to.equal(expected);
  });
});
