import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {CLOCK_SKEW_MS, judgeClocks, OperatorWatch} from "../../../src/committee/operator-watch.js";
import type {PeerStatus} from "../../../src/ports/operator-link.js";
import {testPeerId} from "../../support/committees.js";

const peer = (n: number, clockOffsetMs: number | null, changes: Partial<PeerStatus> = {}): PeerStatus => ({
  peerId: testPeerId(n),
  connected: true,
  software: "test/1",
  roundTripMs: 2,
  clockOffsetMs,
  stopCode: null,
  ...changes,
});
const verdict = (...peers: PeerStatus[]) => {
  const {own, peers: off} = judgeClocks(peers);
  return [own, [...off]];
};

describe("whose clock is wrong", () => {
  it("is the operator's that differs from this one while another agrees", () => {
    expect(verdict(peer(1, 900), peer(2, 3), peer(3, -700))).to.deep.equal([false, [testPeerId(1), testPeerId(3)]]);
  });

  it("is this node's when all operators differ from it in one direction", () => {
    expect(verdict(peer(1, -900), peer(2, -880))).to.deep.equal([true, []]);
    expect(verdict(peer(1, 900), peer(2, -880)), "they do not agree").to.deep.equal([
      false,
      [testPeerId(1), testPeerId(2)],
    ]);
    expect(verdict(peer(1, -900)), "one alone proves nothing").to.deep.equal([false, [testPeerId(1)]]);
  });

  it("is nobody's within the bound, within what the round trip leaves open, or before it is known", () => {
    expect(verdict(peer(1, CLOCK_SKEW_MS), peer(2, 0))).to.deep.equal([false, []]);
    expect(verdict(peer(1, 900, {roundTripMs: 1000}), peer(2, 0))).to.deep.equal([false, []]);
    expect(verdict(peer(1, null), peer(2, 0))).to.deep.equal([false, []]);
    expect(verdict(peer(1, 900, {connected: false}), peer(2, 0))).to.deep.equal([false, []]);
  });
});

describe("a signer's watch over its operators", () => {
  function watch(...first: PeerStatus[]) {
    const clock = new ManualClock();
    const logger = new MemoryLogger();
    let peers = first;
    const watching = new OperatorWatch({link: {peers: () => peers}, clock, logger});
    const codes = (...next: PeerStatus[]) => {
      peers = next;
      const before = logger.lines.length;
      clock.advance(5_000);
      return logger.lines.slice(before).map(({level, fields}) => `${level} ${String(fields.code)}`);
    };
    return {watching, codes, logger};
  }

  it("says once per episode that a clock is wrong, and when that is over", () => {
    const {codes} = watch();
    expect(codes(peer(1, 900), peer(2, 0))).to.deep.equal(["warn LINK_CLOCK_SKEW"]);
    expect(codes(peer(1, 950), peer(2, 0))).to.deep.equal([]);
    expect(codes(peer(1, 450), peer(2, 0)), "just below the bound").to.deep.equal([]);
    expect(codes(peer(1, 600), peer(2, 0))).to.deep.equal([]);
    expect(codes(peer(1, 100), peer(2, 0))).to.deep.equal(["info LINK_CLOCK_SKEW"]);
    expect(codes(peer(1, 900), peer(2, 0))).to.deep.equal(["warn LINK_CLOCK_SKEW"]);
  });

  it("blames its own clock when all operators agree", () => {
    const {codes} = watch();
    expect(codes(peer(1, 900), peer(2, 890), peer(3, 910))).to.deep.equal(["warn SIGNER_CLOCK_SKEW"]);
    expect(codes(peer(1, 0), peer(2, 1), peer(3, 2))).to.deep.equal(["info SIGNER_CLOCK_SKEW"]);
  });

  it("says which operator signs nothing and why, and what to do about it", () => {
    const {codes, logger, watching} = watch();
    expect(codes(peer(1, 0, {stopCode: "KEEPER_SECOND_COPY"}), peer(2, 0))).to.deep.equal(["warn KEEPER_SECOND_COPY"]);
    expect(logger.lines.at(-1)?.fields)
      .to.include({peerId: testPeerId(1)})
      .and.to.have.property("action");
    expect(codes(peer(1, 0, {stopCode: "KEEPER_SECOND_COPY"}), peer(2, 0))).to.deep.equal([]);
    expect(codes(peer(1, 0), peer(2, 0))).to.deep.equal(["info KEEPER_SECOND_COPY"]);
    watching.stop();
    expect(codes(peer(1, 900), peer(2, 0))).to.deep.equal([]);
  });
});
