import {expect} from "chai";
import fc from "fast-check";
import {parseEpoch, parseRootHex, parseSlot, type RootHex} from "../../../src/core/bytes.js";
import type {SlashingSubject} from "../../../src/core/duty/slashing-subject.js";
import {decideSlashing, EMPTY_RECORD, floorRecord, raise} from "../../../src/core/slashing/decide.js";
import type {SlashingRecord} from "../../../src/core/slashing/record.js";

const root = (byte: number): RootHex => parseRootHex(`0x${byte.toString(16).padStart(2, "0").repeat(32)}`);
const block = (slot: number): SlashingSubject => ({kind: "block", slot: parseSlot(String(slot))});
const vote = (source: number, target: number): SlashingSubject => ({
  kind: "attestation",
  source: parseEpoch(String(source)),
  target: parseEpoch(String(target)),
});

/** Signs one message after the other; the answers. */
function signAll(start: SlashingRecord, messages: readonly (readonly [SlashingSubject, number])[]): string[] {
  let record = start;
  return messages.map(([subject, byte]) => {
    const decision = decideSlashing(record, subject, root(byte));
    if (decision.answer === "deny") return decision.code;
    record = decision.record;
    return decision.answer;
  });
}

describe("decideSlashing", () => {
  it("lets a key that never signed sign the genesis epoch with source = target = 0", () => {
    expect(signAll(EMPTY_RECORD, [[vote(0, 0), 1]])).to.deep.equal(["approve"]);
    expect(signAll(EMPTY_RECORD, [[block(0), 1]])).to.deep.equal(["approve"]);
  });

  it("refuses a second block at the same slot and repeats the same one", () => {
    const answers = signAll(EMPTY_RECORD, [
      [block(5), 1],
      [block(5), 1],
      [block(5), 2],
      [block(4), 1],
      [block(6), 2],
    ]);
    expect(answers).to.deep.equal(["approve", "repeat", "SLASHING_DOUBLE_BLOCK", "SLASHING_LOW_BLOCK", "approve"]);
  });

  it("refuses a double vote, a surrounding and a surrounded vote", () => {
    const answers = signAll(EMPTY_RECORD, [
      [vote(3, 5), 1],
      [vote(3, 5), 2],
      [vote(2, 5), 1],
      [vote(2, 6), 3],
      [vote(4, 4), 4],
      [vote(3, 6), 5],
    ]);
    expect(answers).to.deep.equal([
      "approve",
      "SLASHING_DOUBLE_VOTE",
      "SLASHING_DOUBLE_VOTE",
      "SLASHING_LOW_SOURCE",
      "SLASHING_LOW_TARGET",
      "approve",
    ]);
  });

  it("refuses a source above its target", () => {
    expect(signAll(EMPTY_RECORD, [[vote(2, 1), 1]])).to.deep.equal(["SLASHING_SOURCE_AFTER_TARGET"]);
  });

  it("signs nothing slashable with a disabled key, not even a repeat", () => {
    const [first] = [decideSlashing(EMPTY_RECORD, block(5), root(1))];
    if (first?.answer !== "approve") throw new Error("not approved");
    const disabled = {...first.record, disabled: true};
    expect(signAll(disabled, [[block(5), 1]])).to.deep.equal(["SLASHING_DISABLED"]);
    expect(signAll(disabled, [[vote(1, 2), 1]])).to.deep.equal(["SLASHING_DISABLED"]);
  });

  it("starts above the next epoch from the floor", () => {
    const floor = floorRecord({epoch: 10n, slotsPerEpoch: 32});
    expect(signAll(floor, [[block(12 * 32 - 1), 1]])).to.deep.equal(["SLASHING_DOUBLE_BLOCK"]);
    expect(signAll(floor, [[block(12 * 32), 1]])).to.deep.equal(["approve"]);
    expect(signAll(floor, [[vote(10, 11), 1]])).to.deep.equal(["SLASHING_DOUBLE_VOTE"]);
    expect(signAll(floor, [[vote(10, 12), 1]])).to.deep.equal(["SLASHING_LOW_SOURCE"]);
    expect(signAll(floor, [[vote(11, 12), 1]])).to.deep.equal(["approve"]);
  });

  it("never approves a set of messages that a brute-force oracle calls slashable", () => {
    const message = fc.oneof(
      fc.record({kind: fc.constant("block" as const), slot: fc.nat(6), byte: fc.nat(2)}),
      fc.record({kind: fc.constant("vote" as const), source: fc.nat(6), target: fc.nat(6), byte: fc.nat(2)}),
    );
    let approvals = 0;
    fc.assert(
      fc.property(fc.array(message, {maxLength: 30}), (messages) => {
        const signed: typeof messages = [];
        let record: SlashingRecord = EMPTY_RECORD;
        for (const one of messages) {
          const subject = one.kind === "block" ? block(one.slot) : vote(one.source, one.target);
          const decision = decideSlashing(record, subject, root(one.byte));
          if (decision.answer === "deny") continue;
          record = decision.record;
          signed.push(one);
          approvals++;
        }
        for (const [i, a] of signed.entries()) {
          for (const b of signed.slice(i + 1)) expect(isSlashablePair(a, b), JSON.stringify([a, b])).to.equal(false);
        }
      }),
      {numRuns: 3000},
    );
    expect(approvals).to.be.greaterThan(1000);
  });
});

type Message =
  | {kind: "block"; slot: number; byte: number}
  | {kind: "vote"; source: number; target: number; byte: number};

/** The consensus specs' own definitions, over pairs. @see phase0/beacon-chain.md "is_slashable_attestation_data" */
function isSlashablePair(a: Message, b: Message): boolean {
  if (a.kind === "block" && b.kind === "block") return a.slot === b.slot && a.byte !== b.byte;
  if (a.kind !== "vote" || b.kind !== "vote") return false;
  const differ = a.byte !== b.byte || a.source !== b.source;
  const surrounds = (x: typeof a, y: typeof a): boolean => x.source < y.source && y.target < x.target;
  return (a.target === b.target && differ) || surrounds(a, b) || surrounds(b, a);
}

describe("raise", () => {
  const anyRecord: fc.Arbitrary<SlashingRecord> = fc.record({
    block: fc.option(fc.record({slot: fc.nat(4).map((n) => parseSlot(String(n))), signingRoot: anyRoot()})),
    attestation: fc.option(
      fc.record({
        source: fc.nat(4).map((n) => parseEpoch(String(n))),
        target: fc.nat(4).map((n) => parseEpoch(String(n))),
        signingRoot: anyRoot(),
      }),
    ),
    disabled: fc.boolean(),
  });
  function anyRoot(): fc.Arbitrary<RootHex | null> {
    return fc.option(fc.nat(1).map(root));
  }

  it("never lowers a field and never re-enables a key", () => {
    fc.assert(
      fc.property(anyRecord, anyRecord, (a, b) => {
        const raised = raise(a, b);
        for (const one of [a, b]) {
          if (one.block !== null) expect(raised.block!.slot >= one.block.slot).to.equal(true);
          if (one.attestation !== null) {
            expect(raised.attestation!.source >= one.attestation.source).to.equal(true);
            expect(raised.attestation!.target >= one.attestation.target).to.equal(true);
          }
          expect(raised.disabled || !one.disabled).to.equal(true);
        }
      }),
    );
  });

  it("forbids whatever either record forbids, but for a repeat both know", () => {
    const message = fc.oneof(
      fc.nat(5).map(block),
      fc.tuple(fc.nat(5), fc.nat(5)).map(([source, target]) => vote(source, target)),
    );
    fc.assert(
      fc.property(anyRecord, anyRecord, message, fc.nat(1), (a, b, subject, byte) => {
        const [left, right, both] = [a, b, raise(a, b)].map((one) => decideSlashing(one, subject, root(byte)).answer);
        if (both === "approve") expect([left, right]).to.deep.equal(["approve", "approve"]);
        if (both === "repeat") expect([left, right]).to.include("repeat");
      }),
      {numRuns: 2000},
    );
  });
});
