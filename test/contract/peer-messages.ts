import {expect} from "chai";
import {type PeerIdText, parsePeerIdText} from "../../src/core/bytes.js";
import {PleiadesError} from "../../src/core/errors.js";
import type {PeerHandler, PeerMessages} from "../../src/ports/peer-messages.js";
import {codeFrom} from "../support/link.js";
import {waitFor} from "../support/wait.js";

export interface PeerNode {
  readonly self: PeerIdText;
  readonly addresses: readonly string[];
  readonly messages: PeerMessages;
  /** What the node logged as errors. */
  errors(): readonly string[];
}
export interface PeerHarness {
  /** By number; `stop` and `start` may put another object in the place. */
  node(n: number): PeerNode;
  stop(n: number): Promise<void>;
  start(n: number): Promise<void>;
  close(): Promise<void>;
}

const text = (body: Uint8Array): string => Buffer.from(body).toString("utf8");
const bytes = (body: string): Uint8Array => Buffer.from(body);

/** What every PeerMessages does; `create` gives nodes that have named nobody yet. */
export function peerMessagesContract(name: string, create: (count: number) => Promise<PeerHarness>): void {
  describe(`peer messages contract: ${name}`, function () {
    this.timeout(30_000);
    let harness: PeerHarness;
    let heard: {peer: PeerIdText; body: string}[] = [];
    const node = (n: number): PeerNode => harness.node(n);
    const named = (n: number) => ({peerId: node(n).self, addresses: node(n).addresses});
    const isConnected = (from: number, to: number) =>
      node(from)
        .messages.peers()
        .some(({peerId, connected}) => connected && peerId === node(to).self);
    const connected = (a: number, b: number) =>
      waitFor(`${a} and ${b} connected`, () => isConnected(a, b) && isConnected(b, a));
    const meet = async (a: number, b: number) => {
      node(a).messages.setPeers([named(b)]);
      node(b).messages.setPeers([named(a)]);
      await connected(a, b);
    };
    const listen = (n: number, more: PeerHandler = {}) =>
      node(n).messages.handle({
        message: (peer, body) => void heard.push({peer, body: text(body)}),
        request: (_, body) => bytes(`${text(body)}, answered`),
        ...more,
      });

    beforeEach(async () => {
      heard = [];
      harness = await create(3);
    });
    afterEach(() => harness.close());

    it("carries a message with the sender's peer id, and nothing to anybody else", async () => {
      listen(0);
      listen(1);
      listen(2);
      for (const n of [0, 1, 2]) node(n).messages.setPeers([0, 1, 2].map(named));
      await Promise.all([connected(0, 1), connected(1, 2), connected(0, 2)]);
      await node(0).messages.send(node(1).self, bytes("one way"));
      await waitFor("heard", () => heard.length > 0);
      expect(heard).to.deep.equal([{peer: node(0).self, body: "one way"}]);
    });

    it("answers requests both ways over one connection, each with its own answer", async () => {
      listen(0);
      listen(1);
      await meet(0, 1);
      const ask = (from: number, to: number, body: string) =>
        node(from).messages.request(node(to).self, bytes(body)).then(text);
      const answers = await Promise.all([0, 1, 2, 3, 4].flatMap((n) => [ask(0, 1, `a${n}`), ask(1, 0, `b${n}`)]));
      expect(answers).to.deep.equal([0, 1, 2, 3, 4].flatMap((n) => [`a${n}, answered`, `b${n}, answered`]));
    });

    it("keeps the order of one peer's messages", async () => {
      listen(1);
      await meet(0, 1);
      const sent = Array.from({length: 100}, (_, n) => String(n));
      await Promise.all(sent.map((body) => node(0).messages.send(node(1).self, bytes(body))));
      await waitFor("all heard", () => heard.length === sent.length);
      expect(heard.map(({body}) => body)).to.deep.equal(sent);
    });

    it("carries an empty message, and the largest, unharmed", async () => {
      const largest = new Uint8Array(2 ** 20).map((_, i) => i % 251);
      node(1).messages.handle({request: (_, body) => body});
      await meet(0, 1);
      expect(await node(0).messages.request(node(1).self, new Uint8Array())).to.have.length(0);
      const back = await node(0).messages.request(node(1).self, largest);
      expect(Buffer.compare(back, largest)).to.equal(0);
    });

    it("refuses a larger message before it leaves", async () => {
      await meet(0, 1);
      const tooLarge = new Uint8Array(2 ** 20 + 1);
      expect(await codeFrom(node(0).messages.send(node(1).self, tooLarge))).to.equal("LINK_TOO_LARGE");
      expect(await codeFrom(node(0).messages.request(node(1).self, tooLarge))).to.equal("LINK_TOO_LARGE");
      expect(isConnected(0, 1)).to.equal(true);
    });

    it("connects only those who have named each other, whoever was first", async () => {
      listen(1);
      node(0).messages.setPeers([named(1), named(2)]);
      node(2).messages.setPeers([named(0)]);
      await connected(0, 2);
      expect(isConnected(0, 1)).to.equal(false);
      expect(await codeFrom(node(0).messages.send(node(1).self, bytes("x")))).to.equal("LINK_DISCONNECTED");
      node(1).messages.setPeers([named(0)]);
      await connected(0, 1);
      expect(heard).to.deep.equal([]);
    });

    it("does not write to a peer that was not named, and cuts off one that is no longer", async () => {
      const gone: PeerIdText[] = [];
      listen(1, {disconnected: (peer) => void gone.push(peer)});
      expect(await codeFrom(node(0).messages.send(node(1).self, bytes("x")))).to.equal("PEER_UNKNOWN");
      await meet(0, 1);
      node(0).messages.setPeers([]);
      expect(await codeFrom(node(0).messages.request(node(1).self, bytes("x")))).to.equal("PEER_UNKNOWN");
      await waitFor("cut off", () => gone.length > 0);
      expect(isConnected(1, 0)).to.equal(false);
    });

    it("tells of connections as they come and go, and finds a peer again that was away", async () => {
      const told: string[] = [];
      node(0).messages.handle({
        connected: () => void told.push("connected"),
        disconnected: () => void told.push("disconnected"),
      });
      listen(1);
      await meet(0, 1);
      await waitFor("told of the connection", () => told.length === 1);
      await harness.stop(1);
      await waitFor("told of its end", () => told.length === 2);
      expect(await codeFrom(node(0).messages.send(node(1).self, bytes("x")))).to.equal("LINK_DISCONNECTED");
      expect(node(0).messages.peers()[0]?.code).to.be.a("string");
      await harness.start(1);
      listen(1);
      node(1).messages.setPeers([named(0)]);
      await connected(0, 1);
      expect(told).to.deep.equal(["connected", "disconnected", "connected"]);
      expect(text(await node(0).messages.request(node(1).self, bytes("back")))).to.equal("back, answered");
    });

    it("ends what is unanswered when the peer goes", async () => {
      let asked = 0;
      node(1).messages.handle({
        request: () => {
          asked++;
          return new Promise<never>(() => undefined);
        },
      });
      await meet(0, 1);
      const answer = codeFrom(node(0).messages.request(node(1).self, bytes("x")));
      await waitFor("asked", () => asked === 1);
      await harness.stop(1);
      expect(await answer).to.equal("LINK_DISCONNECTED");
    });

    it("passes on a refusal's code; any other failure is PEER_FAILED, and neither disturbs the connection", async () => {
      const failures = [new PleiadesError({code: "KEEPER_GONE"}), new TypeError("secret of the plugin"), undefined];
      node(1).messages.handle({
        request: () => {
          const failure = failures.shift();
          if (failure === undefined) return "no bytes" as unknown as Uint8Array;
          throw failure;
        },
        message: () => Promise.reject(new Error("a message's failure")),
      });
      await meet(0, 1);
      const codes: string[] = [];
      for (let n = 0; n < 3; n++) {
        const answer = node(0).messages.request(node(1).self, bytes("x"));
        codes.push(await codeFrom(answer));
        expect(String(await answer.catch(String))).not.to.contain("secret");
      }
      expect(codes).to.deep.equal(["KEEPER_GONE", "PEER_FAILED", "PEER_FAILED"]);
      await node(0).messages.send(node(1).self, bytes("x"));
      await waitFor("logged", () => node(1).errors().length === 3);
      expect(isConnected(0, 1)).to.equal(true);
    });

    it("a peer without a handler refuses requests and drops messages", async () => {
      await meet(0, 1);
      await node(0).messages.send(node(1).self, bytes("x"));
      expect(await codeFrom(node(0).messages.request(node(1).self, bytes("x")))).to.equal("PEER_FAILED");
    });

    it("forgets a request whose signal aborts, and takes no request whose signal has", async () => {
      listen(1, {request: () => new Promise<never>(() => undefined)});
      await meet(0, 1);
      const caller = new AbortController();
      const answer = codeFrom(node(0).messages.request(node(1).self, bytes("x"), caller.signal));
      caller.abort();
      expect(await answer).to.equal("LINK_ABORTED");
      expect(await codeFrom(node(0).messages.request(node(1).self, bytes("x"), caller.signal))).to.equal(
        "LINK_ABORTED",
      );
      expect(await codeFrom(node(0).messages.send(node(1).self, bytes("x"), caller.signal))).to.equal("LINK_ABORTED");
    });

    it("reads a peer no faster than its messages are worked off, and holds a bounded amount for one that does not read", async () => {
      let release = (): void => undefined;
      const free = new Promise<void>((resolve) => {
        release = resolve;
      });
      let inHand = 0;
      let most = 0;
      node(1).messages.handle({
        message: async () => {
          most = Math.max(most, ++inHand);
          await free;
          inHand--;
        },
      });
      await meet(0, 1);
      const large = new Uint8Array(2 ** 20);
      const sent: Promise<string>[] = [];
      let overloaded = false;
      while (!overloaded && sent.length < 64) {
        sent.push(
          codeFrom(node(0).messages.send(node(1).self, large)).then((code) => {
            overloaded ||= code === "LINK_OVERLOADED";
            return code;
          }),
        );
        await new Promise(setImmediate);
      }
      expect(overloaded, "more than 64 MiB were taken").to.equal(true);
      await waitFor("as much in hand as may be", () => inHand >= 2);
      expect(most).to.be.at.most(8);
      release();
      const outcomes = await Promise.all(sent);
      expect(outcomes.filter((code) => code !== "LINK_OVERLOADED" && code !== "resolved")).to.deep.equal([]);
      await waitFor("worked off", () => inHand === 0);
      expect(await codeFrom(node(0).messages.send(node(1).self, large))).to.equal("resolved");
    });

    it("refuses addresses it cannot use and more peers than it may have, and leaves the peers as they were", async () => {
      await meet(0, 1);
      const {messages} = node(0);
      expect(() => messages.setPeers([{peerId: node(2).self, addresses: ["/ip4/127.0.0.1/udp/1"]}]))
        .to.throw(PleiadesError)
        .with.property("code", "LINK_ADDRESS");
      const many = Array.from({length: 65}, (_, n) => ({peerId: numbered(n), addresses: []}));
      expect(() => messages.setPeers(many))
        .to.throw(PleiadesError)
        .with.property("code", "PEER_TOO_MANY");
      expect(messages.peers().map(({peerId}) => peerId)).to.deep.equal([node(1).self]);
      expect(isConnected(0, 1)).to.equal(true);
    });
  });
}

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** Shaped like a peer id. */
const numbered = (n: number): PeerIdText =>
  parsePeerIdText(`12D3KooW${"A".repeat(42)}${ALPHABET[Math.floor(n / 58)]}${ALPHABET[n % 58]}`);
