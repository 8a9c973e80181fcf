import {expect} from "chai";
import {asEpoch, asSlot, rootHex} from "../../../src/core/bytes.js";
import {codeOf} from "../../../src/core/errors.js";
import {checkHandoverEpoch, firstHandoverEpoch} from "../../../src/core/handover/bounds.js";
import {
  bindTenure,
  decideTenure,
  effectiveRecord,
  isOver,
  lastEpoch,
  refreshedTenure,
  releaseTenure,
  retireTenure,
  succeed,
  type Tenure,
  UNBOUNDED,
  waitingTenure,
} from "../../../src/core/handover/tenure.js";
import {decideSlashing, EMPTY_RECORD} from "../../../src/core/slashing/decide.js";

const [A, B] = [1, 2].map((byte) => rootHex(new Uint8Array(32).fill(byte)));
const H = 100n;
const ROOT = rootHex(new Uint8Array(32).fill(3));
const answer = (tenure: Tenure, epoch: bigint | null, now: bigint | null): string => {
  const decided = decideTenure(tenure, {epoch, now});
  return decided.answer === "deny" ? decided.code : decided.next === null ? "approve" : "approve and release";
};
const changed = (change: ReturnType<typeof retireTenure>): Tenure => {
  if (change.answer === "deny") throw new Error(change.code);
  return change.tenure;
};
const codeIn = (change: ReturnType<typeof retireTenure>): string =>
  change.answer === "deny" ? change.code : change.answer;

describe("a share's tenure", () => {
  const bound = changed(bindTenure(UNBOUNDED, {ceremony: A!, epoch: H, now: 90n}));
  const retired = changed(retireTenure(bound, {ceremony: A!, epoch: H, last: 95n}));

  it("ends with the handover epoch while the ceremony runs, and goes on when that came to nothing", () => {
    expect(answer(bound, H, 99n)).to.equal("approve");
    expect(answer(bound, H + 1n, 100n)).to.equal("KEEPER_HANDOVER_PAST");
    expect(answer(bound, H + 1n, 101n)).to.equal("approve and release");
    expect(answer(bound, H + 1n, null)).to.equal("KEEPER_HANDOVER_PAST");
    expect(releaseTenure(bound, A!)).to.deep.equal(UNBOUNDED);
    expect(releaseTenure(bound, B!)).to.equal(bound);
    expect(bindTenure(bound, {ceremony: A!, epoch: H, now: 99n})).to.deep.equal({answer: "change", tenure: bound});
    expect(codeIn(bindTenure(bound, {ceremony: B!, epoch: H, now: 99n}))).to.equal("KEEPER_HANDOVER_UNDER_WAY");
    expect(codeIn(bindTenure(bound, {ceremony: B!, epoch: 150n, now: 101n}))).to.equal("change");
  });

  it("ends once for good, for one ceremony, whatever comes later", () => {
    expect(answer(retired, H, 120n)).to.equal("approve");
    expect(answer(retired, H + 1n, 120n)).to.equal("KEEPER_HANDOVER_PAST");
    expect(releaseTenure(retired, A!)).to.equal(retired);
    expect(changed(retireTenure(retired, {ceremony: A!, epoch: 200n, last: 150n}))).to.equal(retired);
    expect(codeIn(retireTenure(retired, {ceremony: B!, epoch: 200n, last: 95n}))).to.equal("KEEPER_HANDOVER_OTHER");
    expect(codeIn(bindTenure(retired, {ceremony: B!, epoch: 200n, now: 120n}))).to.equal("KEEPER_HANDOVER_OTHER");
    expect([isOver(retired, 101n), isOver(retired, 102n), isOver(bound, 200n)]).to.deep.equal([false, true, false]);
  });

  it("that was used beyond the agreed epoch ends after what was signed", () => {
    const late = changed(retireTenure(UNBOUNDED, {ceremony: A!, epoch: H, last: 107n}));
    expect(late.end?.epoch).to.equal(107n);
    // Nor before its own time began: those before it signed until then.
    const young = refreshedTenure(150n, UNBOUNDED);
    expect(changed(retireTenure(young, {ceremony: A!, epoch: H, last: 95n})).end?.epoch).to.equal(150n);
    expect(codeIn(bindTenure(young, {ceremony: A!, epoch: 150n, now: 95n}))).to.equal("KEEPER_HANDOVER_UNDER_WAY");
    const slot = asSlot(108n * 32n);
    expect(lastEpoch({...EMPTY_RECORD, block: {slot, signingRoot: null}}, 32)).to.equal(108n);
    expect(lastEpoch(EMPTY_RECORD, 32)).to.equal(null);
  });

  it("of a successor begins when enough have retired, after the last of the lowest that are enough", () => {
    const waiting = waitingTenure(H);
    expect(answer(waiting, H + 1n, 200n)).to.equal("KEEPER_HANDOVER_WAITING");
    expect(codeIn(retireTenure(waiting, {ceremony: A!, epoch: 200n, last: null}))).to.equal("KEEPER_HANDOVER_WAITING");
    expect(codeIn(bindTenure(waiting, {ceremony: A!, epoch: 200n, now: 99n}))).to.equal("KEEPER_HANDOVER_WAITING");
    expect(codeIn(succeed(waiting, {epochs: [H, H], needed: 3}))).to.equal("KEEPER_HANDOVER_RETIREMENTS");
    const next = changed(succeed(waiting, {epochs: [500n, H, 103n, H], needed: 3}));
    expect(answer(next, 103n, 200n)).to.equal("KEEPER_HANDOVER_NOT_YET");
    expect(answer(next, 104n, 200n)).to.equal("approve");
    expect(changed(succeed(next, {epochs: [], needed: 3}))).to.equal(next);
  });

  it("of a successor has it decide as if everything before had been signed; a refresh knows better", () => {
    const next = {...waitingTenure(H), waiting: false};
    const subject = (source: bigint, target: bigint) =>
      ({kind: "attestation", source: asEpoch(source), target: asEpoch(target)}) as const;
    const floored = effectiveRecord(next, EMPTY_RECORD, 32);
    expect(decideSlashing(floored, subject(99n, 101n), ROOT)).to.include({code: "SLASHING_LOW_SOURCE"});
    expect(decideSlashing(floored, subject(100n, 101n), ROOT)).to.include({answer: "approve"});
    expect(floored?.block?.slot).to.equal(101n * 32n - 1n);
    expect(effectiveRecord(next, undefined, 32)).to.equal(undefined);
    expect(effectiveRecord(refreshedTenure(H, UNBOUNDED), EMPTY_RECORD, 32)).to.equal(EMPTY_RECORD);
    // A floor outlives refreshes: what others signed before stays signed.
    expect(effectiveRecord(refreshedTenure(200n, next), EMPTY_RECORD, 32)).to.deep.equal(floored);
  });

  it("leaves what belongs to no epoch to the old share until its time is over, then to the new one", () => {
    const next = {...waitingTenure(H), waiting: false};
    expect([answer(bound, null, 120n), answer(retired, null, 100n)]).to.deep.equal(["approve", "approve"]);
    expect(answer(retired, null, 101n)).to.equal("KEEPER_HANDOVER_PAST");
    expect(answer(next, null, 100n)).to.equal("KEEPER_HANDOVER_NOT_YET");
    expect(answer(next, null, 101n)).to.equal("approve");
  });
});

describe("a handover epoch", () => {
  const check = (epoch: bigint, deadline: bigint | null = 100n) =>
    codeFrom(() => checkHandoverEpoch(epoch, {now: 100n, deadline}));

  it("is at least two ahead and not years, and the ceremony ends before it is over", () => {
    expect([102n, 10_100n].map((epoch) => check(epoch))).to.deep.equal([null, null]);
    expect([101n, 10_101n].map((epoch) => check(epoch))).to.deep.equal(["DKG_HANDOVER_EPOCH", "DKG_HANDOVER_EPOCH"]);
    expect([check(102n, 102n), check(102n, 103n)]).to.deep.equal([null, "DKG_HANDOVER_EPOCH"]);
    expect(check(102n, null)).to.equal("DKG_HANDOVER_EPOCH");
  });

  it("is the one after the deadline where nobody names another, and what is named first is allowed", () => {
    for (const deadline of [100n, 101n, 102n, 200n]) {
      const first = firstHandoverEpoch({now: 100n, deadline});
      expect(check(first, deadline)).to.equal(null);
    }
    expect(firstHandoverEpoch({now: 100n, deadline: 100n})).to.equal(102n);
    expect(firstHandoverEpoch({now: 100n, deadline: 200n})).to.equal(201n);
  });
});

function codeFrom(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (error) {
    return codeOf(error);
  }
}
