import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {MemoryOperatorLink} from "../../../src/adapters/operator-link/memory.js";
import {parsePeerIdText} from "../../../src/core/bytes.js";
import type {PleiadesEvent} from "../../../src/ports/observer.js";
import {operatorLinkContract} from "../../contract/operator-link.js";
import {codeFrom, FakeOperator, never, requestOf} from "../../support/link.js";

const peerIdOf = (n: number) => parsePeerIdText(`12D3KooW${String(n + 1).repeat(44)}`);

function setUp(count: number) {
  const clock = new ManualClock();
  const events: PleiadesEvent[] = [];
  const operators = Array.from({length: count}, (_, n) => ({
    peerId: peerIdOf(n + 1),
    addresses: [`/ip4/127.0.0.1/tcp/${9000 + n}`],
    fake: new FakeOperator(),
  }));
  const link = new MemoryOperatorLink(
    {clock, observer: (event) => events.push(event)},
    {self: peerIdOf(0), operators: new Map(operators.map(({peerId, fake}) => [peerId, fake]))},
  );
  return {clock, events, operators, link, self: peerIdOf(0)};
}

operatorLinkContract("in memory", async (count) => {
  const {link, operators, ...rest} = setUp(count);
  return {
    ...rest,
    link,
    operators,
    stop: async (n) => link.disconnect(operators[n]!.peerId),
    start: async (n) => link.reconnect(operators[n]!.peerId),
    close: () => link.close(),
  };
});

describe("the in-memory link's faults", () => {
  it("delays answers by the clock", async () => {
    const {link, clock, operators} = setUp(1);
    link.setPeers(operators);
    const {peerId} = operators[0]!;
    link.setFaults(peerId, {delayMs: 800});
    let settled = false;
    const reply = link.requestPartial(peerId, requestOf(1), never()).finally(() => {
      settled = true;
    });
    await new Promise(setImmediate);
    clock.advance(799);
    await new Promise(setImmediate);
    expect(settled).to.equal(false);
    clock.advance(1);
    expect((await reply).kind).to.equal("signed");
  });

  it("forgets the delayed answer of an aborted request", async () => {
    const {link, clock, operators} = setUp(1);
    link.setPeers(operators);
    const {peerId} = operators[0]!;
    link.setFaults(peerId, {delayMs: 800});
    const deadline = new AbortController();
    const reply = codeFrom(link.requestPartial(peerId, requestOf(1), deadline.signal));
    await new Promise(setImmediate);
    deadline.abort();
    expect(await reply).to.equal("LINK_ABORTED");
    expect(clock.pending()).to.equal(0);
  });

  it("loses what it is told to lose, and nothing else", async () => {
    const {link, operators} = setUp(1);
    link.setPeers(operators);
    const {peerId, fake} = operators[0]!;
    link.setFaults(peerId, {drop: (request) => request !== "watermarks" && request.priority === 1});
    const deadline = new AbortController();
    const lost = codeFrom(link.requestPartial(peerId, requestOf(1, {priority: 1}), deadline.signal));
    expect((await link.requestPartial(peerId, requestOf(2), never())).kind).to.equal("signed");
    deadline.abort();
    expect(await lost).to.equal("LINK_ABORTED");
    expect(fake.asked.length).to.equal(1);
  });

  it("changes a partial on its way", async () => {
    const {link, operators} = setUp(1);
    link.setPeers(operators);
    const {peerId} = operators[0]!;
    link.setFaults(peerId, {
      tamper: (reply) => (reply.kind === "signed" ? {...reply, partial: new Uint8Array(192)} : reply),
    });
    const reply = await link.requestPartial(peerId, requestOf(1), never());
    expect(reply.kind === "signed" && reply.partial.every((byte) => byte === 0)).to.equal(true);
  });
});
