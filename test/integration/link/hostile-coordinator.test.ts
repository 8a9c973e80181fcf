import {connect, type Socket} from "node:net";
import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {generateIdentity, type Identity} from "../../../src/adapters/libp2p/identity.js";
import {MAX_OUTSTANDING} from "../../../src/adapters/operator-link/limits.js";
import {PROTOCOL_VERSION} from "../../../src/adapters/operator-link/messages.js";
import type {PeerIdText} from "../../../src/core/bytes.js";
import {PleiadesError} from "../../../src/core/errors.js";
import type {Clock} from "../../../src/ports/clock.js";
import {startLink, startServer} from "../../support/libp2p-link.js";
import {codeFrom, keyOf, never, requestOf} from "../../support/link.js";
import {rawCoordinator, signItem} from "../../support/raw-peer.js";
import {waitFor} from "../../support/wait.js";

describe("an operator's server", function () {
  // Longer than the bounds of the waits within, so that a wait says what it waited for.
  this.timeout(20_000);
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function serve(options: {clock?: Clock; identity?: Identity; listen?: string} = {}) {
    const allowed = new Set<PeerIdText>();
    const server = await startServer({...options, allowed});
    closers.push(() => server.server.close());
    return {...server, allowed};
  }
  async function coordinate(server: {peerId: PeerIdText; addresses: string[]}, allowed: Set<PeerIdText>) {
    const coordinator = await startLink();
    closers.push(() => coordinator.link.close());
    allowed.add(coordinator.self);
    coordinator.link.setPeers([server]);
    const works = async () => {
      await waitFor("connected", () => coordinator.link.peers()[0]?.connected === true);
      const reply = await coordinator.link.requestPartial(server.peerId, requestOf(1), never());
      expect(reply.kind).to.equal("signed");
    };
    return {...coordinator, works};
  }
  async function raw(server: {peerId: PeerIdText; addresses: string[]}, allowed: Set<PeerIdText>) {
    const coordinator = await rawCoordinator();
    closers.push(() => coordinator.close());
    allowed.add(coordinator.peerId);
    const {open, connection} = await coordinator.dial(server.addresses[0]!, server.peerId);
    return {open, connection, coordinator};
  }

  it("refuses a peer that is not on the allow-list, both say so, and lets it in once it is", async () => {
    const server = await serve();
    const {link, self, codes} = await startLink();
    closers.push(() => link.close());
    link.setPeers([server]);
    await waitFor("the coordinator's log", () => codes().includes("LINK_REJECTED"));
    await waitFor("the operator's log", () => server.codes().includes("OPERATOR_NOT_COORDINATOR"));
    expect(link.peers()[0]?.connected).to.equal(false);
    expect(server.fake.asked).to.deep.equal([]);
    server.allowed.add(self);
    await waitFor("let in", () => link.peers()[0]?.connected === true);
  });

  it("hangs up on a coordinator that was taken off the allow-list, at its next frame", async () => {
    const server = await serve();
    const {link, self, works, codes} = await coordinate(server, server.allowed);
    await works();
    server.allowed.delete(self);
    expect(await codeFrom(link.requestPartial(server.peerId, requestOf(2), never()))).to.equal("LINK_DISCONNECTED");
    expect(server.fake.asked.length).to.equal(1);
    await waitFor("refused from then on", () => codes().includes("LINK_REJECTED"));
  });

  it("hangs up on a silent coordinator that was taken off the allow-list, before long", async () => {
    const clock = new ManualClock();
    const server = await serve({clock});
    const {link, self, works} = await coordinate(server, server.allowed);
    await works();
    server.allowed.delete(self);
    clock.advance(5_000);
    await waitFor("hung up", () => link.peers()[0]?.connected === false);
  });

  it("is not harmed by garbage on its port and sockets that say nothing", async () => {
    const server = await serve();
    const before = await coordinate(server, server.allowed);
    await before.works();
    const sockets: Socket[] = [];
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    const payloads = [
      Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
      Buffer.alloc(100_000, 0xff),
      Buffer.from("\x13/multistream/1.0.0\n"),
      Buffer.from("\x13/multistream/1.0.0\n\x07/noise\nthis is not a noise handshake message"),
      Buffer.alloc(0),
    ];
    for (let n = 0; n < 20; n++) {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => undefined);
      const payload = payloads[n % payloads.length]!;
      if (payload.length > 0) socket.write(payload);
      sockets.push(socket);
    }
    await waitFor("sockets settled", () => sockets.every(({connecting}) => !connecting));
    await before.works();
    // Sockets per second and address are limited, so the newcomer may have to try again: by itself.
    const after = await coordinate(server, server.allowed);
    await after.works();
  });

  for (const [what, bytes] of Object.entries({
    "a frame that is too long": Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]),
    "a frame that is not JSON": Buffer.from([0, 0, 0, 2, 0x7b, 0x7b]),
    "a message that only an operator may send": Buffer.from('\0\0\0\x1d{"type":"reply","items":[{}]}'),
  })) {
    it(`resets the stream of a coordinator that sends ${what}, and goes on serving others`, async () => {
      const server = await serve();
      const honest = await coordinate(server, server.allowed);
      await honest.works();
      const hostile = await raw(server, server.allowed);
      const stream = await hostile.open();
      stream.hello();
      await waitFor("hello", () => stream.heard.length === 1);
      stream.bytes(bytes);
      await waitFor("reset", () => stream.ended);
      expect(server.codes()).to.include("LINK_FRAME");
      await waitFor("hung up", () => hostile.connection.status !== "open");
      await honest.works();
    });
  }

  it("tells its own version to a coordinator of another before it hangs up", async () => {
    const server = await serve();
    const {open} = await raw(server, server.allowed);
    const stream = await open();
    stream.hello(PROTOCOL_VERSION + 1);
    await waitFor("ended", () => stream.ended);
    expect(stream.heard).to.deep.equal([
      {type: "hello", protocol: PROTOCOL_VERSION, software: "test/operator", own: null, told: []},
    ]);
    const line = server.logger.lines.find(({fields}) => fields.code === "LINK_VERSION");
    expect(line?.fields).to.include({ours: PROTOCOL_VERSION, theirs: PROTOCOL_VERSION + 1, software: "test/raw"});
  });

  it("resets the stream of a coordinator that asks before its hello", async () => {
    const server = await serve();
    const {open} = await raw(server, server.allowed);
    const stream = await open();
    stream.say({type: "request", items: [signItem(1, requestOf(1))]});
    await waitFor("reset", () => stream.ended);
    expect(server.fake.asked).to.deep.equal([]);
  });

  it("refuses one malformed request and answers its neighbours", async () => {
    const server = await serve();
    const {open} = await raw(server, server.allowed);
    const stream = await open();
    stream.hello();
    stream.say({type: "request", items: [signItem(1, requestOf(1)), {id: 2, op: "sign"}, signItem(3, requestOf(3))]});
    const answers = () =>
      stream.heard.flatMap((message) => (message as {items?: {id: number; kind: string}[]}).items ?? []);
    await waitFor("three answers", () => answers().length === 3);
    expect(new Map(answers().map(({id, kind}) => [id, kind]))).to.deep.equal(
      new Map([
        [1, "signed"],
        [2, "refused"],
        [3, "signed"],
      ]),
    );
  });

  it("never answers an id twice: ids must rise", async () => {
    const server = await serve();
    const {open} = await raw(server, server.allowed);
    const stream = await open();
    stream.hello();
    stream.say({type: "request", items: [signItem(5, requestOf(1)), signItem(5, requestOf(2))]});
    await waitFor("reset", () => stream.ended);
  });

  it("refuses what goes beyond its bound of unanswered requests, and answers the rest", async () => {
    const server = await serve();
    const waiting: (() => void)[] = [];
    server.fake.answer = () =>
      new Promise((resolve) => {
        waiting.push(() => resolve({kind: "refused", code: "OPERATOR_UNKNOWN_KEY", message: ""}));
      });
    const {open} = await raw(server, server.allowed);
    const stream = await open();
    stream.hello();
    for (let first = 1; first <= MAX_OUTSTANDING + 4; first += 820) {
      stream.say({type: "request", items: Array.from({length: 820}, (_, n) => signItem(first + n, requestOf(1)))});
    }
    const codes = () =>
      stream.heard.flatMap((message) => (message as {items?: {code: string}[]}).items?.map(({code}) => code) ?? []);
    await waitFor("the refusals", () => codes().length === 4);
    expect(new Set(codes())).to.deep.equal(new Set(["LINK_OVERLOADED"]));
    expect(waiting.length).to.equal(MAX_OUTSTANDING);
    for (const answer of waiting) answer();
    await waitFor("the others", () => codes().length === MAX_OUTSTANDING + 4);
  });

  it("gives up a coordinator that asks and does not read, and goes on serving others", async () => {
    const server = await serve();
    const honest = await coordinate(server, server.allowed);
    server.fake.marks = Array.from({length: 5000}, (_, n) => ({key: keyOf(n), slot: 1n, epoch: 1n}));
    const {open} = await raw(server, server.allowed);
    const stream = await open();
    stream.hello();
    await waitFor("hello", () => stream.heard.length === 1);
    stream.stopReading();
    for (let id = 1; id <= 15; id++) {
      stream.say({type: "request", items: [{id, op: "watermarks"}]});
      await honest.works();
    }
    await waitFor("given up", () => server.codes().includes("LINK_SLOW_READER"));
    await honest.works();
  });

  it("takes one stream per connection", async () => {
    const server = await serve();
    const {open} = await raw(server, server.allowed);
    const first = await open();
    first.hello();
    await waitFor("hello", () => first.heard.length === 1);
    const second = await open().catch(() => null);
    if (second !== null) await waitFor("second reset", () => second.ended);
    expect(second?.heard ?? []).to.deep.equal([]);
    first.say({type: "ping", n: 1, told: []});
    await waitFor("pong", () => first.heard.length === 2);
  });

  it("keeps the newest connections of a coordinator that opens many", async () => {
    const server = await serve();
    const {coordinator, connection: oldest} = await raw(server, server.allowed);
    const later = [];
    for (let n = 0; n < 3; n++) later.push((await coordinator.dial(server.addresses[0]!, server.peerId)).connection);
    await waitFor("the oldest closed", () => oldest.status !== "open");
    expect(later.map(({status}) => status)).to.deep.equal(["open", "open", "open"]);
  });

  it("takes a coordinator for lost from which nothing is heard, and one that does not greet", async () => {
    const clock = new ManualClock();
    const server = await serve({clock});
    const {open} = await raw(server, server.allowed);
    const stream = await open();
    stream.hello();
    const {open: openMute} = await raw(server, server.allowed);
    const mute = await openMute();
    await waitFor("hellos", () => stream.heard.length === 1 && mute.heard.length === 1);
    for (let n = 0; n < 3; n++) clock.advance(5_000);
    await waitFor("the mute one given up", () => mute.ended);
    for (let n = 0; n < 3; n++) clock.advance(5_000);
    expect(stream.ended).to.equal(false);
    clock.advance(5_000);
    await waitFor("given up", () => stream.ended);
    expect(server.codes()).to.include("LINK_SILENT");
  });

  it("names the address when another program has its port", async () => {
    const server = await serve();
    const listen = `/ip4/127.0.0.1/tcp/${server.port}`;
    try {
      await startServer({allowed: server.allowed, listen});
      expect.fail("must not start");
    } catch (error) {
      expect(error).to.be.instanceOf(PleiadesError);
      expect((error as PleiadesError).code).to.equal("LINK_ADDRESS_IN_USE");
      expect((error as PleiadesError).data.address).to.equal(listen);
    }
    expect(await codeFrom(startServer({allowed: server.allowed, listen: "/ip4/192.0.2.1/tcp/0"}))).to.equal(
      "LINK_LISTEN_FAILED",
    );
    for (const listen of ["127.0.0.1:9000", "/ip4/127.0.0.1", "/ip4/127.0.0.1/udp/9000", ""]) {
      expect(await codeFrom(startServer({allowed: server.allowed, listen}))).to.equal("LINK_ADDRESS");
    }
  });

  it("has the same peer id and port after a restart", async () => {
    const identity = await generateIdentity();
    const first = await startServer({allowed: new Set(), identity});
    await first.server.close();
    const again = await serve({identity, listen: `/ip4/127.0.0.1/tcp/${first.port}`});
    expect([again.peerId, again.addresses]).to.deep.equal([first.peerId, first.addresses]);
  });
});
