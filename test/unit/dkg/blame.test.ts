import {expect} from "chai";
import fc from "fast-check";
import {type RootHex, rootHex} from "../../../src/core/bytes.js";
import {
  accusesMore,
  decodeRefs,
  encodeRefs,
  evaluate,
  type Judge,
  type Judgement,
  type VerdictRef,
} from "../../../src/core/dkg/blame.js";
import {type Item, type Outcome, signItem, type VerdictBody} from "../../../src/core/dkg/items.js";
import {testCeremony, testSeed} from "../../support/dkg.js";

const {ceremony, nodes} = testCeremony(4, {cheap: true, require: 3});
const hash = (n: number): RootHex => rootHex(testSeed(n));
const ok: Outcome = {kind: "ok"};
const complaint: Outcome = {kind: "complaint", chunk: 0, secret: hash(99)};
const everybody = new Set([1, 2, 3, 4]);

/** One letter for each dealer: o approves, c complains, m calls malformed, x approves another dealing, . says nothing. */
function verdict(author: number, letters: string, equivocations: VerdictBody["equivocations"] = []): Item<"verdict"> {
  const outcomes: {[letter: string]: Outcome} = {o: ok, x: ok, c: complaint, m: {kind: "malformed", chunk: 0}};
  const entries = [...letters].flatMap((letter, i) => {
    const outcome = outcomes[letter];
    if (outcome === undefined) return [];
    return [{dealer: i + 1, dealing: hash(letter === "x" ? 100 + i : i), signature: "0x00", outcome}];
  });
  const body = {entries, equivocations};
  return signItem(ceremony, {author, kind: "verdict", sequence: 0, body}, nodes[author - 1]!.sign);
}

const judged = (judgement: Judgement | null, served: ReadonlySet<number> | null = everybody): Judge => ({
  accusation: () => judgement,
  recipients: () => served,
});
const shown = (verdicts: readonly Item<"verdict">[], judge: Judge = judged(null)) => {
  const found = evaluate(ceremony, verdicts, judge);
  if (found === null) return null;
  return [
    found.qualified.map(({dealer}) => dealer).join(""),
    found.guilty.map(({participant, offence}) => `${participant} ${offence}`).join(),
  ];
};

describe("a set of verdicts", () => {
  it("qualifies dealers with t approvals of one dealing and blames nobody for silence", () => {
    expect(shown([1, 2, 3, 4].map((i) => verdict(i, "oooo")))).to.deep.equal(["1234", ""]);
    expect(shown([verdict(1, "ooo."), verdict(2, "ooo."), verdict(3, "oooo")])).to.deep.equal(["123", ""]);
  });

  it("convicts the dealer of a complaint that is right, and the complainer of one that is not", () => {
    const verdicts = [verdict(1, "oooo"), verdict(2, "oooo"), verdict(3, "oooc"), verdict(4, "oooo")];
    expect(shown(verdicts, judged("dealer"))).to.deep.equal(["123", "4 wrong share"]);
    // The complainer is dealer 3, whose own dealing goes with it.
    expect(shown(verdicts, judged("accuser"))).to.deep.equal(["124", "3 false accusation"]);
    expect(shown(verdicts, judged(null))).to.equal(null);
  });

  it("convicts whoever signed two dealings, and nobody for what is said of either", () => {
    const verdicts = [verdict(1, "oooo"), verdict(2, "ooox"), verdict(3, "oooc"), verdict(4, "oooo")];
    expect(shown(verdicts, judged("accuser"))).to.deep.equal(["123", "4 equivocation"]);
    const proof = {participant: 2, kind: "announce", sequence: 0, items: [] as never} as const;
    expect(shown([verdict(1, "oooo", [proof]), verdict(3, "oooo"), verdict(4, "oooo")])).to.deep.equal([
      "134",
      "2 equivocation",
    ]);
  });

  it("disqualifies who left out a recipient that is heard, unless too few are left", () => {
    const verdicts = [1, 2, 3, 4].map((i) => verdict(i, "oooo"));
    const serving = (left: readonly number[]): Judge => ({
      accusation: () => null,
      recipients: ({dealer}) => (left.includes(dealer) ? new Set([1, 2, 3]) : everybody),
    });
    expect(shown(verdicts, serving([2]))).to.deep.equal(["134", ""]);
    expect(shown(verdicts, serving([2, 3]))).to.deep.equal(["1234", ""]);
    expect(shown(verdicts.slice(0, 3), serving([2]))).to.deep.equal(["1234", ""]);
    expect(shown(verdicts, judged(null, null))).to.equal(null);
  });

  it("is compared by its accusations", () => {
    const [silent, accusing] = [verdict(1, "ooo."), verdict(1, "oooc")];
    expect(accusesMore(accusing, silent)).to.equal(true);
    expect(accusesMore(silent, accusing)).to.equal(false);
    expect(accusesMore(verdict(1, "oooo"), silent)).to.equal(false);
  });
});

describe("what is agreed on", () => {
  const ref = fc.record({recipient: fc.integer({min: 1, max: 4}), revision: fc.nat(255), seed: fc.nat(1000)});

  it("survives being written and read", () => {
    fc.assert(
      fc.property(fc.uniqueArray(ref, {selector: ({recipient}) => recipient, maxLength: 4}), (raw) => {
        const refs: VerdictRef[] = raw.map(({recipient, revision, seed}) => ({recipient, revision, hash: hash(seed)}));
        const sorted = [...refs].sort((a, b) => a.recipient - b.recipient);
        expect(decodeRefs(ceremony, encodeRefs(refs))).to.deep.equal(sorted);
      }),
      {numRuns: 100, seed: 1},
    );
  });

  it("has one spelling: anything else is nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 200}), (bytes) => {
        const refs = decodeRefs(ceremony, bytes);
        if (refs !== null) expect(encodeRefs(refs)).to.deep.equal(bytes);
      }),
      {numRuns: 500, seed: 2},
    );
    const one = encodeRefs([{recipient: 2, revision: 0, hash: hash(1)}]);
    expect(decodeRefs(ceremony, new Uint8Array([...one, ...one]))).to.equal(null);
    expect(decodeRefs(ceremony, one.with(0, 5))).to.equal(null);
    expect(decodeRefs(ceremony, one.with(0, 0))).to.equal(null);
    expect(decodeRefs(ceremony, new Uint8Array(34 * 5))).to.equal(null);
  });
});
