import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {generateIdentity} from "../../../src/adapters/libp2p/identity.js";
import {createNode} from "../../../src/adapters/libp2p/node.js";
import type {Stream} from "../../../src/adapters/libp2p/operator-hub.js";
import {PROTOCOL_ID} from "../../../src/adapters/operator-link/messages.js";
import {encodeFrame, type Frame, frameDecoder, KIND} from "../../../src/adapters/peer-messages/frames.js";
import {RATE} from "../../../src/adapters/peer-messages/limits.js";
import {type PeerIdText, parsePeerIdText} from "../../../src/core/bytes.js";
import {startLink} from "../../support/libp2p-link.js";
import {codeFrom, never, requestOf} from "../../support/link.js";
import {type PeerNodeOptions, startPeerNode} from "../../support/peer-node.js";
import {rawCoordinator} from "../../support/raw-peer.js";
import {waitFor} from "../../support/wait.js";

const PROTOCOL = "/pleiades/plugin/test/1";
const NOTHING = new Uint8Array();
const body = (text: string): Uint8Array => Buffer.from(text);

/** Keeps what comes on a stream, and says whatever a test wants. */
function raw(stream: Stream) {
  const decoder = frameDecoder();
  const heard: Frame[] = [];
  const state = {ended: stream.status !== "open"};
  stream.addEventListener("message", ({data}) => {
    for (const chunk of data instanceof Uint8Array ? [data] : data) heard.push(...decoder.push(chunk));
  });
  for (const kind of ["close", "remoteCloseWrite"] as const) {
    stream.addEventListener(kind, () => {
      state.ended = true;
    });
  }
  return {
    heard,
    ended: () => state.ended,
    bytes: (bytes: Uint8Array) => void (state.ended || stream.send(bytes)),
    say: (kind: Frame["kind"], text: Uint8Array = NOTHING, id = 0) =>
      void (state.ended || stream.send(encodeFrame(kind, id, text))),
  };
}

describe("a node whose plugin has peers", function () {
  this.timeout(30_000);
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function start(options: PeerNodeOptions = {}) {
    const node = await startPeerNode(options);
    closers.push(() => node.close());
    return node;
  }
  type Node = Awaited<ReturnType<typeof start>>;
  const isConnected = ({messages}: Node, peerId: PeerIdText): boolean =>
    messages.peers().some((peer) => peer.connected && peer.peerId === peerId);

  /** A peer made by hand that has dialled the node, which names it if `named`. */
  async function dialler(node: Node, {named = true, beside = []}: {named?: boolean; beside?: PeerIdText[]} = {}) {
    const peer = await rawCoordinator();
    closers.push(() => peer.close());
    if (named) node.messages.setPeers([peer.peerId, ...beside].map((peerId) => ({peerId, addresses: []})));
    const {connection} = await peer.dial(node.addresses[0]!, node.self);
    return {
      peerId: peer.peerId,
      connection,
      open: async (protocol = PROTOCOL) => raw(await connection.newStream(protocol)),
    };
  }
  async function greeted(node: Node) {
    const peer = await dialler(node);
    const stream = await peer.open();
    stream.say(KIND.hello);
    await waitFor("taken", () => isConnected(node, peer.peerId));
    return {...peer, stream};
  }

  it("lets an unnamed peer no further than noise, and says so", async () => {
    const node = await start();
    const peer = await dialler(node, {named: false});
    await waitFor("hung up", () => peer.connection.status !== "open");
    expect(node.codes()).to.include("OPERATOR_NOT_COORDINATOR");
  });

  it("never lets a plugin's peer at the signing protocol, and hangs up when it tries", async () => {
    const node = await start();
    const {link, self} = await startLink();
    closers.push(() => link.close());
    node.messages.setPeers([{peerId: self, addresses: []}]);
    link.setPeers([{peerId: node.self, addresses: node.addresses}]);
    await waitFor("refused", () => node.codes().includes("OPERATOR_NOT_COORDINATOR"));
    expect(await codeFrom(link.requestPartial(node.self, requestOf(1), never()))).to.equal("LINK_DISCONNECTED");
    const {open, connection} = await greeted(node);
    await open(PROTOCOL_ID).catch(() => undefined);
    await waitFor("hung up", () => connection.status !== "open");
    expect(node.signing.asked).to.deep.equal([]);
  });

  it("never lets a coordinator at a plugin that has not named it", async () => {
    const coordinators = new Set<PeerIdText>();
    const node = await start({coordinators});
    const other = await start();
    node.messages.setPeers([{peerId: other.self, addresses: []}]);
    let asked = 0;
    node.messages.handle({message: () => void asked++});
    const peer = await rawCoordinator();
    closers.push(() => peer.close());
    coordinators.add(peer.peerId);
    const {connection} = await peer.dial(node.addresses[0]!, node.self);
    const stream = raw(await connection.newStream(PROTOCOL));
    stream.say(KIND.hello);
    stream.say(KIND.message, body("x"));
    await waitFor("hung up", () => stream.ended());
    expect(asked).to.equal(0);
  });

  const violations: {readonly [what: string]: (stream: ReturnType<typeof raw>) => void} = {
    "a frame longer than any may be": ({bytes}) => bytes(Buffer.from("7fffffff00", "hex")),
    "a frame without a kind": ({bytes}) => bytes(Buffer.from("0000000102", "hex")),
    "a kind that does not exist": ({bytes}) => bytes(Buffer.from("00000005ff00000000", "hex")),
    "a second hello": ({say}) => say(KIND.hello),
  };
  for (const [what, violate] of Object.entries(violations)) {
    it(`hangs up on ${what}`, async () => {
      const node = await start();
      const {stream} = await greeted(node);
      violate(stream);
      await waitFor("hung up", () => stream.ended());
      expect(node.codes()).to.include("LINK_FRAME");
    });
  }

  it("hangs up on a stream that begins without a hello, and hands nothing of it on", async () => {
    const node = await start();
    let handed = 0;
    node.messages.handle({message: () => void handed++});
    const {open} = await dialler(node);
    const stream = await open();
    stream.say(KIND.message, body("x"));
    await waitFor("hung up", () => stream.ended());
    expect(handed).to.equal(0);
  });

  it("drops answers to nothing", async () => {
    const node = await start();
    const {stream, peerId} = await greeted(node);
    stream.say(KIND.reply, body("to what?"), 77);
    stream.say(KIND.refusal, body("PEER_FAILED"), 78);
    stream.say(KIND.request, body("x"), 1);
    await waitFor("answered", () => stream.heard.some(({kind}) => kind === KIND.refusal));
    expect(isConnected(node, peerId)).to.equal(true);
  });

  it("does not take a refusal's code that nobody knows for one that it does", async () => {
    const node = await start();
    const {stream, peerId} = await greeted(node);
    const code = codeFrom(node.messages.request(peerId, body("x")));
    await waitFor("asked", () => stream.heard.some(({kind}) => kind === KIND.request));
    stream.say(KIND.refusal, body("A_NEW_CODE"), stream.heard.find(({kind}) => kind === KIND.request)?.id);
    expect(await code).to.equal("LINK_UNKNOWN_REASON");
  });

  it("reads a flood of messages no faster than its rate, and all other peers meanwhile", async () => {
    const clock = new ManualClock();
    const node = await start({clock});
    const {peerId, stream} = await greeted(node);
    const other = await dialler(node, {beside: [peerId]});
    const calm = await other.open();
    calm.say(KIND.hello);
    const counts = new Map<PeerIdText, number>();
    node.messages.handle({message: (peer) => void counts.set(peer, (counts.get(peer) ?? 0) + 1)});
    const flood = 3 * RATE.burst;
    for (let n = 0; n < flood; n++) stream.say(KIND.message, body("x"));
    await waitFor("the burst", () => counts.get(peerId) === RATE.burst);
    calm.say(KIND.message, body("x"));
    await waitFor("the other peer", () => counts.get(other.peerId) === 1);
    expect(counts.get(peerId)).to.equal(RATE.burst);
    clock.advance(1_000);
    await waitFor("a second's worth", () => (counts.get(peerId) ?? 0) >= RATE.burst + RATE.perSecond - 1);
    await new Promise(setImmediate);
    expect(counts.get(peerId)).to.be.within(RATE.burst + RATE.perSecond - 1, RATE.burst + RATE.perSecond + 1);
  });

  it("hangs up on a peer that falls silent, and says that it lives itself", async () => {
    const clock = new ManualClock();
    const node = await start({clock});
    const {stream} = await greeted(node);
    for (let beats = 1; beats <= 3; beats++) {
      clock.advance(5_000);
      await waitFor("a beat", () => stream.heard.filter(({kind}) => kind === KIND.beat).length === beats);
    }
    expect(stream.ended()).to.equal(false);
    clock.advance(5_000);
    await waitFor("hung up", () => stream.ended());
    expect(node.codes()).to.include("LINK_SILENT");
  });

  it("gives up on a stream whose hello does not come", async () => {
    const clock = new ManualClock();
    const node = await start({clock});
    const {open} = await dialler(node);
    const stream = await open();
    await waitFor("a stream that waits", () => clock.pending() >= 2);
    clock.advance(10_000);
    await waitFor("hung up", () => stream.ended());
  });

  it("gives up on a request that is never answered, and keeps the connection", async () => {
    const clock = new ManualClock();
    const node = await start({clock});
    const {stream, peerId} = await greeted(node);
    const code = codeFrom(node.messages.request(peerId, body("x")));
    await waitFor("asked", () => stream.heard.some(({kind}) => kind === KIND.request));
    for (let beats = 1; beats <= 6; beats++) {
      stream.say(KIND.request, body("alive"), beats);
      await waitFor("heard", () => stream.heard.filter(({kind}) => kind === KIND.refusal).length === beats);
      clock.advance(5_000);
    }
    expect(await code).to.equal("PEER_TIMEOUT");
    expect(isConnected(node, peerId)).to.equal(true);
  });

  it("does not dial a peer that hangs up at once in a hot loop", async () => {
    const identity = await generateIdentity();
    const peer = await createNode({identity}, {listen: ["/ip4/127.0.0.1/tcp/0"], gater: {}});
    let streams = 0;
    await peer.handle(PROTOCOL, (stream) => {
      streams++;
      stream.send(encodeFrame(KIND.hello, 0, NOTHING));
      setImmediate(() => stream.abort(new Error("test")));
    });
    await peer.start();
    closers.push(() => peer.stop());
    const clock = new ManualClock();
    const node = await start({clock});
    node.messages.setPeers([{peerId: parsePeerIdText(identity.peerId), addresses: peer.getMultiaddrs().map(String)}]);
    // Whichever of the two has the lower id: a second of patience at most.
    clock.advance(1_000);
    await waitFor("dialled", () => streams === 1);
    // The reset may overtake the hello.
    const ends = ["LINK_DISCONNECTED", "LINK_REJECTED"];
    await waitFor("hung up", () => ends.includes(node.messages.peers()[0]?.code ?? ""));
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    expect(streams).to.equal(1);
    clock.advance(2_500);
    await waitFor("dialled again", () => streams === 2);
  });

  it("says of a peer whose node does not run the plugin that it does not", async () => {
    const identity = await generateIdentity();
    const peer = await createNode({identity}, {listen: ["/ip4/127.0.0.1/tcp/0"], gater: {}});
    await peer.start();
    closers.push(() => peer.stop());
    const node = await start();
    node.messages.setPeers([{peerId: identity.peerId, addresses: peer.getMultiaddrs().map(String)}]);
    await waitFor("told", () => node.messages.peers()[0]?.code === "PEER_NO_PLUGIN");
  });

  it("meets a peer when only one of the two can be dialled, whichever has the lower id", async () => {
    const [a, b] = await Promise.all([start(), start()]);
    for (const [dialled, other] of [
      [a, b],
      [b, a],
    ] as const) {
      dialled.messages.setPeers([{peerId: other.self, addresses: []}]);
      other.messages.setPeers([{peerId: dialled.self, addresses: dialled.addresses}]);
      await waitFor("met", () => isConnected(dialled, other.self) && isConnected(other, dialled.self));
      dialled.messages.setPeers([]);
      other.messages.setPeers([]);
    }
  });

  it("keeps the messages of two plugins apart, over one connection", async () => {
    const plugins = ["one", "two"];
    const [a, b] = await Promise.all([start({plugins}), start({plugins})]);
    const heard: string[] = [];
    for (const [n, {name, port}] of plugins.map((name, n) => ({name, port: b.plugins[n]!})).entries()) {
      port.handle({message: (_, text) => void heard.push(`${name} heard ${Buffer.from(text)}`)});
      a.plugins[n]!.setPeers([{peerId: b.self, addresses: b.addresses}]);
      port.setPeers([{peerId: a.self, addresses: a.addresses}]);
    }
    await waitFor("both met", () => a.plugins.every((port) => port.peers()[0]?.connected === true));
    await a.plugins[0]!.send(b.self, body("the first"));
    await a.plugins[1]!.send(b.self, body("the second"));
    await waitFor("both heard", () => heard.length === 2);
    expect(heard.sort()).to.deep.equal(["one heard the first", "two heard the second"]);
    // What one plugin does with its peers is none of the other's business.
    b.plugins[0]!.setPeers([]);
    await waitFor("cut off", () => a.plugins[0]!.peers()[0]?.connected === false);
    await a.plugins[1]!.send(b.self, body("the third"));
    await waitFor("heard", () => heard.length === 3);
  });
});
