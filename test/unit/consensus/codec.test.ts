import {expect} from "chai";
import {parseRootHex} from "../../../src/core/bytes.js";
import {formatMessage, MAX_ROUND, parseMessage} from "../../../src/core/consensus/codec.js";
import type {Commit, Message, Prepare, RoundChangeClaim} from "../../../src/core/consensus/messages.js";
import {leaderOf, quorumOf, roundTimeoutMs, tolerated} from "../../../src/core/consensus/quorum.js";
import {anyFailure} from "../../support/errors.js";

const BOUNDS = {n: 4, maxValueCharacters: 8};
const digest = parseRootHex("ab".repeat(32));
const signature = "0x0102";
const prepare: Prepare = {kind: "prepare", author: 1, round: 2, digest, signature};
const commit: Commit = {kind: "commit", author: 4, round: 1, digest, signature};
const claim: RoundChangeClaim = {kind: "round-change", author: 2, round: 3, prepared: {round: 2, digest}, signature};
const MESSAGES: readonly Message[] = [
  prepare,
  commit,
  {kind: "propose", author: 3, round: 3, value: "value", claims: [claim], prepares: [prepare], signature},
  {...claim, proof: {round: 2, value: "value", prepares: [prepare]}},
  {...claim, prepared: null, proof: null},
  {kind: "decision", value: "value", round: 1, commits: [commit]},
];

describe("messages of an agreement", () => {
  it("come back as they were written", () => {
    for (const message of MESSAGES) expect(parseMessage(formatMessage(message), BOUNDS)).to.deep.equal(message);
  });

  it("come back with a value of the longest and the oddest characters", () => {
    for (const value of ["\u0000".repeat(8), '"\\\n\u2028', "\u{1f30c}".repeat(4)]) {
      const bounds = {n: 13, maxValueCharacters: 8};
      const propose = {...(MESSAGES[2] as Extract<Message, {kind: "propose"}>), value};
      expect(parseMessage(formatMessage(propose), bounds)).to.deep.equal(propose);
    }
    const long = "\u0001".repeat(100_000);
    const decision = {...(MESSAGES[5] as Extract<Message, {kind: "decision"}>), value: long};
    expect(parseMessage(formatMessage(decision), {n: 4, maxValueCharacters: 100_000})).to.deep.equal(decision);
  });

  it("are refused with a code when anything in them has another form", () => {
    const {claims: _, ...short} = MESSAGES[2] as Extract<Message, {kind: "propose"}>;
    const bad: unknown[] = [
      null,
      [],
      7,
      {kind: "x"},
      {...prepare, kind: "decision"},
      {...prepare, more: 1},
      {...prepare, author: 0},
      {...prepare, author: 5},
      {...prepare, author: 1.5},
      {...prepare, round: 0},
      {...prepare, round: MAX_ROUND + 1},
      {...prepare, round: "2"},
      {...prepare, signature: "0x0"},
      {...prepare, signature: "xy"},
      {...prepare, signature: `0x${"00".repeat(65)}`},
      {...prepare, digest: "0x00"},
      short,
      {...MESSAGES[2], value: "123456789"},
      {...MESSAGES[2], value: 7},
      {...MESSAGES[2], value: "a\ud800"},
      {...MESSAGES[2], claims: {}},
      {...MESSAGES[2], claims: [prepare]},
      {...MESSAGES[2], prepares: [commit]},
      {...MESSAGES[2], prepares: [null]},
      {...MESSAGES[2], prepares: Array(5).fill(prepare)},
      {...MESSAGES[3], proof: null},
      {...MESSAGES[4], proof: {round: 2, value: "value", prepares: []}},
      {...MESSAGES[5], commits: [prepare]},
    ];
    for (const json of bad) {
      const code = anyFailure(() => parseMessage(JSON.stringify(json), BOUNDS)).code;
      expect(code, JSON.stringify(json)).to.be.oneOf(["CONSENSUS_MALFORMED", "CODEC_HEX"]);
    }
    for (const text of ["", "{", " ".repeat(100_000)]) {
      expect(anyFailure(() => parseMessage(text, BOUNDS)).code).to.equal("CONSENSUS_MALFORMED");
    }
  });
});

describe("a quorum of an agreement", () => {
  it("is 2f+1 of 3f+1, and of other sizes as many as make two of them share an honest one", () => {
    expect([4, 7, 10, 13].map(quorumOf)).to.deep.equal([3, 5, 7, 9]);
    for (let n = 1; n <= 13; n++) {
      expect(2 * quorumOf(n) - n, `n ${n}`).to.be.greaterThan(tolerated(n));
      expect(quorumOf(n), `n ${n}`).to.be.at.most(n - tolerated(n));
    }
  });

  it("is led by everybody in turn, with timeouts that grow to a bound", () => {
    const leaders = [1, 2, 3, 4, 5].map((round) => leaderOf(round, {n: 4, offset: 2}));
    expect(leaders).to.deep.equal([3, 4, 1, 2, 3]);
    expect([1, 2, 3, 99].map((round) => roundTimeoutMs(round, {baseMs: 100, maxMs: 350}))).to.deep.equal([
      100, 200, 350, 350,
    ]);
  });
});
