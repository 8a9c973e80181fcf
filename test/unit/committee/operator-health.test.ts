import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {hedgeDelay} from "../../../src/committee/hedging.js";
import {OperatorHealth} from "../../../src/committee/operator-health.js";
import type {PeerIdText} from "../../../src/core/bytes.js";
import {testPeerId} from "../../support/committees.js";

const OPERATORS = [1, 2, 3, 4].map((id) => ({id, peerId: testPeerId(id)}));
const [ONE, TWO, THREE, FOUR] = OPERATORS.map(({peerId}) => peerId) as [PeerIdText, PeerIdText, PeerIdText, PeerIdText];

function setUp(disconnected: readonly PeerIdText[] = []) {
  const clock = new ManualClock();
  const logger = new MemoryLogger();
  const peers = OPERATORS.map(({peerId}) => ({
    peerId,
    connected: !disconnected.includes(peerId),
    software: null,
    roundTripMs: null,
    clockOffsetMs: null,
    stopCode: null,
  }));
  const link = {peers: () => peers};
  const health = new OperatorHealth({link, clock, logger}, {downAfterMisses: 2, probeIntervalMs: 100});
  return {clock, logger, health, order: () => health.order(OPERATORS, health.connectedPeers()).map(({id}) => id)};
}

describe("OperatorHealth", () => {
  it("orders healthy before down or disconnected before convicted, and leaves nobody out", () => {
    const {health, order} = setUp([TWO]);
    health.convict(ONE);
    health.missed(THREE);
    health.missed(THREE);
    expect(order()).to.deep.equal([4, 2, 3, 1]);
    const connected = health.connectedPeers();
    expect(OPERATORS.map(({peerId}) => health.isHealthy(peerId, connected))).to.deep.equal([false, false, false, true]);
  });

  it("puts the quicker first and lets those within a factor of two take turns", () => {
    const {health, order} = setUp();
    health.answered(ONE, 100, true);
    health.answered(TWO, 5, true);
    health.answered(THREE, 6, true);
    health.answered(FOUR, 7, true);
    expect(order()).to.deep.equal([2, 3, 4, 1]);
    health.asked(TWO);
    expect(order()).to.deep.equal([3, 4, 2, 1]);
    health.asked(THREE);
    expect(order()).to.deep.equal([4, 2, 3, 1]);
  });

  it("smooths latency and deviation", () => {
    const {health} = setUp();
    health.answered(ONE, 80, true);
    expect(health.standing(ONE)).to.include({latencyMs: 80, deviationMs: 40});
    health.answered(ONE, 160, true);
    expect(health.standing(ONE)).to.include({latencyMs: 90, deviationMs: 50});
  });

  it("says when an operator goes down and comes back, once each", () => {
    const {health, logger} = setUp();
    for (let i = 0; i < 4; i++) health.missed(ONE);
    health.answered(ONE, 2000, false);
    expect(health.standing(ONE).consecutiveMisses).to.equal(4);
    health.answered(ONE, 20, true);
    health.answered(ONE, 20, true);
    expect(health.standing(ONE).consecutiveMisses).to.equal(0);
    expect(logger.lines.map(({level}) => level)).to.deep.equal(["warn", "info"]);
  });

  it("probes the connected operator that waited longest, once the interval is over", () => {
    const {health, clock} = setUp([ONE]);
    const due = () => health.dueForProbe(OPERATORS, health.connectedPeers())?.id;
    for (const peerId of [ONE, TWO, THREE, FOUR]) health.asked(peerId);
    clock.advance(50);
    health.asked(TWO);
    clock.advance(49);
    expect(due()).to.equal(undefined);
    clock.advance(1);
    expect(due()).to.equal(3);
    health.asked(THREE);
    health.asked(FOUR);
    expect(due()).to.equal(undefined);
    clock.advance(50);
    expect(due()).to.equal(2);
  });
});

describe("hedgeDelay", () => {
  it("is the slowest chosen operator's latency and four deviations, within bounds", () => {
    const standing = (latencyMs: number | null, deviationMs = 0) => ({latencyMs, deviationMs});
    expect(hedgeDelay([standing(20, 5), standing(30, 10), standing(5)])).to.equal(70);
    expect(hedgeDelay([standing(1), standing(2, 1)])).to.equal(25);
    expect(hedgeDelay([standing(900, 100)])).to.equal(500);
    expect(hedgeDelay([standing(3), standing(null)])).to.equal(250);
  });
});
