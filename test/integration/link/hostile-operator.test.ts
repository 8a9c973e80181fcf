import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {generateIdentity} from "../../../src/adapters/libp2p/identity.js";
import {MAX_OUTSTANDING} from "../../../src/adapters/operator-link/limits.js";
import {PROTOCOL_VERSION} from "../../../src/adapters/operator-link/messages.js";
import type {PeerIdText} from "../../../src/core/bytes.js";
import type {Clock} from "../../../src/ports/clock.js";
import {startLink, startServer} from "../../support/libp2p-link.js";
import {codeFrom, never, requestOf, signedFor} from "../../support/link.js";
import {type RawStream, rawOperator} from "../../support/raw-peer.js";
import {waitFor} from "../../support/wait.js";

/** A request has come; hello and ping come before it. */
const wasAsked = ({heard}: RawStream): boolean => heard.some((one) => (one as {type?: unknown}).type === "request");

describe("a coordinator's link", function () {
  // Longer than the bounds of the waits within, so that a wait says what it waited for.
  this.timeout(20_000);
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function coordinate({clock}: {clock?: Clock} = {}) {
    const coordinator = await startLink(clock === undefined ? {} : {clock});
    closers.push(() => coordinator.link.close());
    const status = (peerId: PeerIdText) => coordinator.link.peers().find((peer) => peer.peerId === peerId);
    return {...coordinator, connected: (peerId: PeerIdText) => status(peerId)?.connected === true};
  }
  async function honest(self: PeerIdText) {
    const server = await startServer({allowed: new Set([self])});
    closers.push(() => server.server.close());
    return server;
  }
  async function hostile(onStream?: (stream: RawStream) => void) {
    const operator = await rawOperator(onStream);
    closers.push(() => operator.close());
    return operator;
  }

  it("does not talk to another node at a peer's address, and reaches the others", async () => {
    const {link, self, codes, connected} = await coordinate();
    const server = await honest(self);
    const {peerId: expected} = await generateIdentity();
    link.setPeers([{peerId: expected, addresses: server.addresses}, server]);
    await waitFor("wrong peer noticed", () => codes().includes("LINK_WRONG_PEER"));
    await waitFor("the right one connected", () => connected(server.peerId));
    expect(connected(expected)).to.equal(false);
  });

  it("finds a peer at the one of its addresses that works", async () => {
    const {link, self, connected} = await coordinate();
    const [server, other] = [await honest(self), await honest(self)];
    link.setPeers([{peerId: server.peerId, addresses: [...other.addresses, ...server.addresses]}]);
    await waitFor("connected", () => connected(server.peerId));
  });

  it("warns once about a peer that stays unreachable, and tries again and again", async () => {
    const {link, logger} = await coordinate();
    const {peerId} = await generateIdentity();
    const gone = await hostile();
    await gone.close();
    const plain = gone.addresses.map((address) => address.replace(/\/p2p\/.*/, ""));
    link.setPeers([{peerId, addresses: plain}]);
    const lines = () => logger.lines.filter(({fields}) => fields.code === "LINK_UNREACHABLE").map(({level}) => level);
    await waitFor("three attempts", () => lines().length >= 3);
    expect(lines().slice(0, 3)).to.deep.equal(["warn", "debug", "debug"]);
    expect(await codeFrom(link.requestPartial(peerId, requestOf(1), never()))).to.equal("LINK_DISCONNECTED");
  });

  it("says which versions do not fit, and keeps away from that operator", async () => {
    const {link, logger, connected} = await coordinate();
    const future = await hostile((stream) => stream.hello(PROTOCOL_VERSION + 1));
    link.setPeers([future]);
    await waitFor("mismatch", () => logger.lines.some(({fields}) => fields.code === "LINK_VERSION"));
    const line = logger.lines.find(({fields}) => fields.code === "LINK_VERSION");
    expect(line?.level).to.equal("warn");
    expect(line?.fields).to.include({ours: PROTOCOL_VERSION, theirs: PROTOCOL_VERSION + 1, software: "test/raw"});
    expect(connected(future.peerId)).to.equal(false);
  });

  it("takes a node without the protocol for one of another version", async () => {
    const {link, codes} = await coordinate();
    link.setPeers([await hostile()]);
    await waitFor("mismatch", () => codes().includes("LINK_VERSION"));
  });

  it("gives up an operator that never greets, after the handshake's time", async () => {
    const clock = new ManualClock();
    const {link, codes} = await coordinate({clock});
    const streams: RawStream[] = [];
    link.setPeers([await hostile((stream) => void streams.push(stream))]);
    await waitFor("greeted by the coordinator", () => (streams[0]?.heard.length ?? 0) > 0);
    clock.advance(10_000);
    await waitFor("given up", () => codes().includes("LINK_SILENT"));
  });

  it("takes an operator for lost that is connected and silent, and then asks no more of it", async () => {
    const clock = new ManualClock();
    const {link, codes, connected} = await coordinate({clock});
    const hung = await hostile((stream) => stream.hello());
    link.setPeers([hung]);
    await waitFor("connected", () => connected(hung.peerId));
    const lost = codeFrom(link.requestPartial(hung.peerId, requestOf(1), never()));
    for (let n = 0; n < 3; n++) clock.advance(5_000);
    expect(connected(hung.peerId)).to.equal(true);
    clock.advance(5_000);
    expect(await lost).to.equal("LINK_DISCONNECTED");
    await waitFor("logged", () => codes().includes("LINK_SILENT"));
  });

  it("keeps an idle operator that answers pings", async () => {
    const clock = new ManualClock();
    const {link, self, connected} = await coordinate({clock});
    const server = await honest(self);
    link.setPeers([server]);
    await waitFor("connected", () => connected(server.peerId));
    for (let n = 0; n < 10; n++) {
      clock.advance(5_000);
      // The pong is real: the next request's answer comes behind it.
      expect((await link.requestPartial(server.peerId, requestOf(n), never())).kind).to.equal("signed");
    }
    expect(server.fake.asked.length).to.equal(10);
  });

  it("bounds what waits for an operator that stops reading, without delay to the others", async () => {
    const {link, self, connected} = await coordinate();
    const server = await honest(self);
    const hung = await hostile((stream) => {
      stream.hello();
      stream.stopReading();
    });
    link.setPeers([hung, server]);
    await waitFor("connected", () => connected(hung.peerId) && connected(server.peerId));
    const deadline = new AbortController();
    const codes = Array.from({length: MAX_OUTSTANDING + 10}, (_, n) =>
      codeFrom(link.requestPartial(hung.peerId, requestOf(n), deadline.signal)),
    );
    expect((await link.requestPartial(server.peerId, requestOf(1), never())).kind).to.equal("signed");
    expect(await Promise.all(codes.slice(MAX_OUTSTANDING))).to.deep.equal(Array(10).fill("LINK_OVERLOADED"));
    deadline.abort();
    expect(new Set(await Promise.all(codes.slice(0, MAX_OUTSTANDING)))).to.deep.equal(new Set(["LINK_ABORTED"]));
    // Aborted requests make room again.
    const again = new AbortController();
    const more = codeFrom(link.requestPartial(hung.peerId, requestOf(1), again.signal));
    again.abort();
    expect(await more).to.equal("LINK_ABORTED");
  });

  for (const [what, answer] of Object.entries({
    "an answer to what was never asked": (stream: RawStream) =>
      stream.say({type: "reply", items: [{id: 99, kind: "refused", code: "INTERNAL", message: ""}]}),
    "a request of its own": (stream: RawStream) => stream.say({type: "request", items: [{id: 1, op: "watermarks"}]}),
    garbage: (stream: RawStream) => stream.bytes(Buffer.from([0, 0, 0, 1, 0x21])),
    "a frame that is too long": (stream: RawStream) => stream.bytes(Buffer.from([0x7f, 0, 0, 0])),
  })) {
    it(`drops the operator that sends ${what}`, async () => {
      const {link, codes, connected} = await coordinate();
      const liar = await hostile((stream) => {
        stream.hello();
        const wait = () => (wasAsked(stream) ? answer(stream) : setImmediate(wait));
        if (!stream.ended) wait();
      });
      link.setPeers([liar]);
      await waitFor("connected", () => connected(liar.peerId));
      expect(await codeFrom(link.requestPartial(liar.peerId, requestOf(1), never()))).to.equal("LINK_DISCONNECTED");
      await waitFor("logged", () => codes().includes("LINK_FRAME"));
    });
  }

  it("takes a malformed answer for a refusal, keeps the connection, and drops repeated answers", async () => {
    const {link, connected} = await coordinate();
    const request = requestOf(1);
    const good = signedFor(request);
    const partial = good.kind === "signed" ? Buffer.from(good.partial).toString("hex") : "";
    const liar = await hostile((stream) => {
      stream.hello();
      const answer = () => {
        if (!wasAsked(stream)) return setImmediate(answer);
        const item = {kind: "signed", committeeHash: request.committeeHash, partial};
        stream.say({type: "reply", items: [{...item, id: 1, partial: "00"}]});
        return stream.say({
          type: "reply",
          items: [
            {...item, id: 1},
            {...item, id: 2},
            {...item, id: 2},
          ],
        });
      };
      answer();
    });
    link.setPeers([liar]);
    await waitFor("connected", () => connected(liar.peerId));
    const [first, second] = await Promise.all([
      link.requestPartial(liar.peerId, request, never()),
      link.requestPartial(liar.peerId, request, never()),
    ]);
    expect(first.kind === "refused" && first.code).to.equal("LINK_BAD_REPLY");
    expect(second.kind).to.equal("signed");
    expect(connected(liar.peerId)).to.equal(true);
  });

  it("sends what is asked in one turn in one frame, urgent first, and not what was aborted before it left", async () => {
    const {link, connected} = await coordinate();
    const streams: RawStream[] = [];
    const operator = await hostile((stream) => {
      stream.hello();
      streams.push(stream);
    });
    link.setPeers([operator]);
    await waitFor("connected", () => connected(operator.peerId));
    const deadline = new AbortController();
    const aborted = new AbortController();
    const priorities = [3, 1, 3, 0, 2] as const;
    const codes = priorities.map((priority, n) =>
      codeFrom(
        link.requestPartial(operator.peerId, requestOf(n, {priority}), n === 2 ? aborted.signal : deadline.signal),
      ),
    );
    await Promise.resolve();
    aborted.abort();
    const requests = () => ((streams[0]?.heard ?? []) as {type: string}[]).filter(({type}) => type === "request");
    await waitFor("frame", () => requests().length === 1);
    const frame = requests()[0] as unknown as {items: {id: number; priority: number}[]};
    expect(frame.items.map(({id, priority}) => [id, priority])).to.deep.equal([
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 3],
    ]);
    deadline.abort();
    expect(new Set(await Promise.all(codes))).to.deep.equal(new Set(["LINK_ABORTED"]));
  });

  it("refuses to send what no operator would take", async () => {
    const {link, self, connected} = await coordinate();
    const server = await honest(self);
    link.setPeers([server]);
    await waitFor("connected", () => connected(server.peerId));
    const huge = requestOf(1, {request: {type: "GENERIC", junk: "x".repeat(2 ** 17)}});
    expect(await codeFrom(link.requestPartial(server.peerId, huge, never()))).to.equal("LINK_TOO_LARGE");
    expect(connected(server.peerId)).to.equal(true);
  });

  it("names an address it cannot use and leaves its peers as they were", async () => {
    const {link, self, connected} = await coordinate();
    const server = await honest(self);
    link.setPeers([server]);
    await waitFor("connected", () => connected(server.peerId));
    const {peerId} = await generateIdentity();
    for (const address of [
      "localhost:9000",
      "/ip4/1.2.3.4/udp/9000",
      "/ip4/1.2.3.4",
      `/ip4/1.2.3.4/tcp/1/p2p/${self}`,
    ]) {
      expect(() => link.setPeers([{peerId, addresses: [address]}])).to.throw(/multiaddr/);
    }
    expect(link.peers().map((peer) => peer.peerId)).to.deep.equal([server.peerId]);
    expect(connected(server.peerId)).to.equal(true);
  });
});
