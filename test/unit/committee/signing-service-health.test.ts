import {expect} from "chai";
import {publicKeyOf, testCommittee, testKey, testPeerId, testScalar} from "../../support/committees.js";
import {failure, rejection} from "../../support/errors.js";
import {rootOf, settle, signingBench, waitOut} from "../../support/signing.js";

describe("CommitteeSigningService: health", () => {
  it("takes an operator for down after three missed deadlines, and back after a timely answer", async () => {
    const {sign, expected, link, clock, service, eventsOf} = signingBench({behaviours: {1: {kind: "hang"}}});
    const missesOf = () => service.health()[0]!.operators[0]!;
    for (let i = 1; i <= 3; i++) {
      expect(missesOf()).to.include({healthy: true, consecutiveMisses: i - 1});
      // Unmeasured, it stays among the first asked.
      expect(await waitOut(clock, sign(rootOf(i)))).to.equal(expected(rootOf(i)));
      clock.advance(1000);
      await settle();
    }
    expect(missesOf()).to.include({connected: true, healthy: false, consecutiveMisses: 3});
    expect(eventsOf("operator-answered").filter(({outcome}) => outcome === "COMMITTEE_NO_ANSWER")).to.have.length(3);
    const before = link.asked.length;
    const now = clock.monotonic();
    await waitOut(clock, sign(rootOf(10)));
    expect(link.askedIds(before)).not.to.include(1);
    expect(clock.monotonic()).to.equal(now);
    // Nobody needs it, so it is asked besides the others after a while.
    link.behaviours.clear();
    clock.advance(5000);
    await waitOut(clock, sign(rootOf(11)));
    await settle();
    expect(missesOf()).to.include({healthy: true, consecutiveMisses: 0});
  });

  it("asks an operator that is down again by the hedge", async () => {
    const {sign, link, clock, service} = signingBench({behaviours: {1: {kind: "hang"}}});
    for (let i = 1; i <= 3; i++) {
      await waitOut(clock, sign(rootOf(i)));
      clock.advance(1000);
      await settle();
    }
    link.behaviours.set(1, {kind: "sign"});
    link.behaviours.set(2, {kind: "hang"});
    await waitOut(clock, sign(rootOf(4)));
    expect(service.health()[0]!.operators[0]).to.include({healthy: true, consecutiveMisses: 0});
  });

  it("learns from answers that come after the signature, and is not appeased by late ones", async () => {
    const {sign, link, clock, service} = signingBench({behaviours: {1: {kind: "sign", afterMs: 800}}});
    await waitOut(clock, sign(rootOf(1)));
    expect(service.health()[0]!.operators[0]!.latencyMs).to.equal(null);
    clock.advance(750);
    await settle();
    expect(service.health()[0]!.operators[0]!.latencyMs).to.equal(800);
    // Slower than its deadline: measured while somebody still waits, but a miss all the same.
    link.behaviours.set(1, {kind: "sign", afterMs: 1500});
    link.behaviours.set(2, {kind: "gone"});
    link.behaviours.set(3, {kind: "sign", afterMs: 2000});
    await waitOut(clock, sign(rootOf(2)));
    const [one, , three] = service.health()[0]!.operators;
    expect(one).to.include({latencyMs: 800 + 700 / 8, consecutiveMisses: 1});
    expect(three!.consecutiveMisses).to.equal(1);
  });

  it("counts no miss against operators when a client leaves early", async () => {
    const {sign, clock, service} = signingBench({
      behaviours: {1: {kind: "sign", afterMs: 100}, 2: {kind: "sign", afterMs: 100}},
    });
    const client = new AbortController();
    const signature = sign(rootOf(1), client.signal);
    await settle();
    client.abort();
    await rejection("COMMITTEE_TIMEOUT", signature);
    clock.advance(100);
    await settle();
    clock.advance(5000);
    await settle();
    expect(service.health()[0]!.operators.map(({consecutiveMisses}) => consecutiveMisses)).to.deep.equal([0, 0, 0, 0]);
  });

  it("tells sizes, connections and latencies", async () => {
    const {service} = signingBench({n: 7, behaviours: {2: {kind: "gone"}}});
    const [health] = service.health();
    expect(health).to.include({keys: 1, n: 7, threshold: 5, healthyOperators: 6});
    expect(health!.operators[1]).to.deep.equal({
      peerId: testPeerId(2),
      connected: false,
      software: "test/1",
      roundTripMs: 1,
      clockOffsetMs: 0,
      stopCode: null,
      operatorId: 2,
      healthy: false,
      convicted: false,
      latencyMs: null,
      consecutiveMisses: 0,
    });
  });
});

describe("CommitteeSigningService: committees", () => {
  it("lists keys in the order of the files and tells the link whom to keep", () => {
    const {service, link, groupKey, committee} = signingBench();
    expect(service.publicKeys()).to.deep.equal([groupKey]);
    expect(link.keptPeers.map(({peerId}) => peerId)).to.deep.equal([1, 2, 3, 4].map(testPeerId));
    const more = testCommittee([testKey(51, {n: 4}), testKey(50, {n: 4})], {n: 4});
    service.setCommittees([more, committee]);
    expect(service.publicKeys()).to.deep.equal([...more.validators.map((v) => v.groupPublicKey), groupKey]);
    expect(link.keptPeers).to.have.length(4);
  });

  it("refuses a key in two committees and keeps the old ones", () => {
    const {service, groupKey, committee} = signingBench();
    failure("COMMITTEE_DUPLICATE_KEY", () => service.setCommittees([committee, committee]));
    expect(service.publicKeys()).to.deep.equal([groupKey]);
  });

  it("finishes what is under way when the committees are replaced", async () => {
    const {service, sign, expected, clock} = signingBench({behaviours: {1: {kind: "sign", afterMs: 20}}});
    const signature = sign(rootOf(1));
    await settle();
    service.setCommittees([testCommittee([testKey(51, {n: 4})], {n: 4})]);
    await rejection("COMMITTEE_UNKNOWN_KEY", sign(rootOf(2)));
    expect(await waitOut(clock, signature)).to.equal(expected(rootOf(1)));
  });
});

describe("CommitteeSigningService: high watermark", () => {
  it("is the highest slot and epoch of its own keys over the operators that answer", async () => {
    const {service, link, groupKey} = signingBench({behaviours: {4: {kind: "gone"}}});
    const stranger = publicKeyOf(testScalar(5));
    link.marks.set(1, [{key: groupKey, slot: 10n, epoch: null}]);
    link.marks.set(2, [{key: groupKey, slot: 2n ** 60n, epoch: 3n}]);
    link.marks.set(3, [{key: stranger, slot: 2n ** 63n, epoch: 99n}]);
    link.marks.set(4, [{key: groupKey, slot: 2n ** 62n, epoch: 98n}]);
    expect(await service.highWatermark(new AbortController().signal)).to.deep.equal({slot: 2n ** 60n, epoch: 3n});
  });

  it("is null when nothing is recorded", async () => {
    const {service, clock} = signingBench();
    expect(await service.highWatermark(new AbortController().signal)).to.deep.equal({slot: null, epoch: null});
    expect(clock.pending()).to.equal(0);
  });

  it("leaves out an operator that does not answer in time, or when the caller leaves", async () => {
    const {service, link, groupKey, clock} = signingBench({behaviours: {2: {kind: "hang"}}});
    link.marks.set(1, [{key: groupKey, slot: 7n, epoch: 1n}]);
    expect(await waitOut(clock, service.highWatermark(new AbortController().signal))).to.deep.equal({
      slot: 7n,
      epoch: 1n,
    });
    const caller = new AbortController();
    const answer = service.highWatermark(caller.signal);
    caller.abort();
    expect(await answer).to.deep.equal({slot: 7n, epoch: 1n});
  });
});
