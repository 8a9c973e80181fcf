import {expect} from "chai";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {MAX_LIVES_EACH, SightingBook} from "../../../src/committee/sighting-book.js";
import {CoordinatorSightings, OperatorSightings} from "../../../src/committee/sightings.js";
import {type PeerIdText, parsePeerIdText} from "../../../src/core/bytes.js";
import {PleiadesError} from "../../../src/core/errors.js";
import type {Sighting} from "../../../src/core/slashing/sighting.js";
import {MAX_TOLD, type Told} from "../../../src/ports/sightings.js";
import {testCommittee, testKey, testPeerId} from "../../support/committees.js";
import {sightingOf} from "../../support/link.js";

const [ONE, TWO, THREE] = [1, 2, 3].map(testPeerId) as [PeerIdText, PeerIdText, PeerIdText];
const [SIGNER, OTHER_SIGNER, STRANGER] = [100, 101, 200].map(testPeerId) as [PeerIdText, PeerIdText, PeerIdText];
const COMMITTEE = {...testCommittee([testKey(1, {n: 4})], {n: 4, t: 3}), coordinators: [SIGNER, OTHER_SIGNER]};
const committees = () => COMMITTEES;
const COMMITTEES = [COMMITTEE];
const about = (peerId: PeerIdText, sighting: Sighting): Told => ({peerId, sighting});
const told = (news: {told: readonly Told[]}): string[] =>
  news.told.map(
    ({peerId, sighting}) => `${peerId === ONE ? "ONE" : peerId === TWO ? "TWO" : "?"}/${sighting.sequence}`,
  );

function operator(self: PeerIdText) {
  const judged: Sighting[] = [];
  const logger = new MemoryLogger();
  const keeper = {
    sighting: () => null,
    stopCode: () => null,
    judge: async (sightings: readonly Sighting[]) => void judged.push(...sightings),
  };
  return {judged, logger, keeper, sightings: new OperatorSightings({keeper, logger}, {self, committees})};
}

describe("a book of sightings", () => {
  const entry = (sighting: Sighting, teller = ONE) => ({subject: ONE, teller, sighting});

  it("keeps the latest of each life, and tells what is worth keeping", () => {
    const book = new SightingBook();
    expect(book.note(entry(sightingOf(1)))).to.equal("written");
    expect(book.note(entry(sightingOf(1)))).to.equal("known");
    expect(book.note(entry(sightingOf(1, {issuedAt: 1_800_000_000_000})))).to.equal("later");
    expect(book.note(entry(sightingOf(1, {sequence: 9n})))).to.equal("written");
    expect(book.note(entry(sightingOf(1, {sequence: 8n})))).to.equal("known");
    expect(book.all().map(({sighting}) => sighting.sequence)).to.deep.equal([9n]);
  });

  it("remembers the newest lives from each teller, so that a liar pushes out only its own stories", () => {
    const book = new SightingBook();
    for (let n = 1; n <= 9; n++) book.note(entry(sightingOf(n)));
    for (let n = 100; n < 200; n++) book.note(entry(sightingOf(n), TWO));
    const from = (teller: PeerIdText) => book.all().filter((one) => one.teller === teller);
    expect(from(ONE).map(({sighting}) => sighting.sequence)).to.deep.equal([6n, 7n, 8n, 9n]);
    expect(from(TWO).length).to.equal(MAX_LIVES_EACH);
  });
});

describe("a coordinator's sightings", () => {
  it("tell each operator first what is known of itself, then of its fellows, then only what changed", async () => {
    const sightings = new CoordinatorSightings({committees});
    await sightings.heard(TWO, {own: sightingOf(2), told: []});
    await sightings.heard(ONE, {own: sightingOf(1), told: []});
    const first = sightings.news(ONE, 0);
    expect(told(first)).to.deep.equal(["ONE/1", "TWO/2"]);
    expect(told(sightings.news(ONE, first.version))).to.deep.equal([]);
    await sightings.heard(TWO, {own: sightingOf(3), told: []});
    expect(told(sightings.news(ONE, first.version))).to.deep.equal(["TWO/3"]);
  });

  it("bring hearsay to the one it is about, and to nobody else", async () => {
    const sightings = new CoordinatorSightings({committees});
    await sightings.heard(TWO, {own: null, told: [about(ONE, sightingOf(5)), about(TWO, sightingOf(6))]});
    expect(told(sightings.news(ONE, 0))).to.deep.equal(["ONE/5"]);
    expect(told(sightings.news(THREE, 0))).to.deep.equal([]);
    expect(told(sightings.news(TWO, 0)), "nobody tells of itself what others told").to.deep.equal([]);
  });

  it("take nothing about or from strangers", async () => {
    const sightings = new CoordinatorSightings({committees});
    await sightings.heard(STRANGER, {own: sightingOf(1), told: [about(ONE, sightingOf(2))]});
    await sightings.heard(ONE, {own: null, told: [about(STRANGER, sightingOf(3))]});
    expect(sightings.entries()).to.deep.equal([]);
    expect(sightings.news(STRANGER, 0).told).to.deep.equal([]);
  });

  it("send what does not fit into one message with the next", async () => {
    const operators = [
      ONE,
      ...Array.from({length: 79}, (_, n) =>
        parsePeerIdText(
          `12D3KooW${String(n + 111)
            .replace(/0/g, "A")
            .padStart(44, "z")}`,
        ),
      ),
    ];
    const many = [{...COMMITTEE, operators: operators.map((peerId) => ({...COMMITTEE.operators[0]!, peerId}))}];
    const sightings = new CoordinatorSightings({committees: () => many});
    for (const [n, peer] of operators.entries()) {
      for (let k = 0; k < MAX_LIVES_EACH; k++) await sightings.heard(peer, {own: sightingOf(4 * n + k + 1), told: []});
    }
    const seen = new Set<bigint>();
    let since = 0;
    let messages = 0;
    for (let news = sightings.news(ONE, since); news.told.length > 0; news = sightings.news(ONE, since)) {
      messages++;
      expect(news.told.length).to.be.at.most(MAX_TOLD);
      expect(news.version).to.be.greaterThan(since);
      for (const {sighting} of news.told) seen.add(sighting.sequence);
      since = news.version;
    }
    expect([messages, seen.size]).to.deep.equal([2, 320]);
  });

  it("are kept over a restart", async () => {
    const sightings = new CoordinatorSightings({committees});
    await sightings.heard(ONE, {own: sightingOf(1), told: [about(TWO, sightingOf(2))]});
    const again = new CoordinatorSightings({committees});
    again.restore(sightings.entries());
    expect(again.news(ONE, 0).told).to.deep.equal(sightings.news(ONE, 0).told);
    expect(again.news(TWO, 0).told).to.deep.equal(sightings.news(TWO, 0).told);
  });
});

describe("an operator's sightings", () => {
  it("show the keeper what is about this operator, and carry the rest to the other coordinators only", async () => {
    const {sightings, judged} = operator(TWO);
    await sightings.heard(SIGNER, {
      own: null,
      told: [about(TWO, sightingOf(2)), about(ONE, sightingOf(1)), about(STRANGER, sightingOf(3))],
    });
    expect(judged).to.deep.equal([sightingOf(2)]);
    expect(told(sightings.news(OTHER_SIGNER, 0))).to.deep.equal(["ONE/1"]);
    expect(told(sightings.news(SIGNER, 0))).to.deep.equal([]);
    expect(told(sightings.news(STRANGER, 0))).to.deep.equal([]);
  });

  it("say so when the keeper cannot judge, and go on", async () => {
    const {sightings, keeper, logger} = operator(TWO);
    keeper.judge = async () => {
      throw new PleiadesError({code: "KEEPER_GONE"});
    };
    await sightings.heard(SIGNER, {own: null, told: [about(TWO, sightingOf(2))]});
    expect(logger.lines.map(({level}) => level)).to.deep.equal(["error"]);
  });

  it("let two signers that see two copies of one operator each learn of the other's", async () => {
    const [first, second] = [new CoordinatorSightings({committees}), new CoordinatorSightings({committees})];
    const bridge = operator(TWO).sightings;
    const copyA = sightingOf(7);
    const copyB = sightingOf(8);
    await first.heard(ONE, {own: copyA, told: []});
    await second.heard(ONE, {own: copyB, told: []});
    for (const [signer, book] of [
      [SIGNER, first],
      [OTHER_SIGNER, second],
      [SIGNER, first],
    ] as const) {
      await bridge.heard(signer, {own: null, told: book.news(TWO, 0).told});
      await book.heard(TWO, {own: null, told: bridge.news(signer, 0).told});
    }
    expect(told(first.news(ONE, 0))).to.have.members(["ONE/7", "ONE/8"]);
    expect(told(second.news(ONE, 0))).to.have.members(["ONE/7", "ONE/8"]);
  });
});
