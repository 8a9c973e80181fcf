import {expect} from "chai";
import type {PeerIdText} from "../../src/core/bytes.js";
import type {PleiadesEvent} from "../../src/ports/observer.js";
import type {OperatorLink, PartialReply} from "../../src/ports/operator-link.js";
import {codeFrom, type FakeOperator, keyOf, never, partialFor, requestOf, signedFor} from "../support/link.js";
import {waitFor} from "../support/wait.js";

export interface LinkHarness {
  readonly link: OperatorLink;
  /** The peer id under which operators know this link. */
  readonly self: PeerIdText;
  readonly operators: readonly {peerId: PeerIdText; addresses: readonly string[]; fake: FakeOperator}[];
  readonly events: readonly PleiadesEvent[];
  /** Takes an operator down, and up again at the same address. */
  stop(operator: number): Promise<void>;
  start(operator: number): Promise<void>;
  close(): Promise<void>;
}

/** What every OperatorLink does; `create` gives a fresh link that has no peers yet, and running operators. */
export function operatorLinkContract(name: string, create: (operators: number) => Promise<LinkHarness>): void {
  describe(`operator link contract: ${name}`, function () {
    this.timeout(20_000);
    let harness: LinkHarness;
    const peer = (n: number) => harness.operators[n]!;
    const connected = () => harness.link.peers().filter((status) => status.connected).length;

    beforeEach(async () => {
      harness = await create(2);
      harness.link.setPeers(harness.operators);
      await waitFor("both operators connected", () => connected() === 2);
    });
    afterEach(() => harness.close());

    it("answers a request with what the operator says, and tells the operator who asks", async () => {
      const request = requestOf(1);
      const reply = await harness.link.requestPartial(peer(0).peerId, request, never());
      expect(reply.kind === "signed" && [...reply.partial]).to.deep.equal([...partialFor(request)]);
      expect(reply.kind === "signed" && reply.committeeHash).to.equal(request.committeeHash);
      expect(peer(0).fake.asked).to.deep.equal([{peer: harness.self, request}]);
      expect(peer(1).fake.asked).to.deep.equal([]);
    });

    it("tells round trip and clock offset of a connected operator, and that it signs", async () => {
      await waitFor("measured", () => harness.link.peers().every(({roundTripMs}) => roundTripMs !== null));
      for (const {roundTripMs, clockOffsetMs, stopCode} of harness.link.peers()) {
        expect(roundTripMs).to.be.within(0, 5_000);
        // One machine, one clock: off by half the round trip at most, and the millisecond of rounding.
        expect(Math.abs(clockOffsetMs ?? Number.NaN)).to.be.at.most((roundTripMs ?? 0) / 2 + 1);
        expect(stopCode).to.equal(null);
      }
    });

    it("passes a refusal on with its code and message", async () => {
      peer(0).fake.answer = () => ({kind: "refused", code: "OPERATOR_UNKNOWN_KEY", message: "not here"});
      const reply = await harness.link.requestPartial(peer(0).peerId, requestOf(1), never());
      expect(reply).to.deep.equal({kind: "refused", code: "OPERATOR_UNKNOWN_KEY", message: "not here"});
    });

    it("gives each of many requests its own answer, in whatever order they come", async () => {
      const waiting: (() => void)[] = [];
      peer(0).fake.answer = (request) =>
        new Promise((resolve) => {
          waiting.push(() => resolve(signedFor(request)));
        });
      const requests = Array.from({length: 50}, (_, n) => requestOf(n));
      const replies = requests.map((request) => harness.link.requestPartial(peer(0).peerId, request, never()));
      await waitFor("all asked", () => waiting.length === 50);
      for (const answer of waiting.reverse()) answer();
      for (const [n, reply] of (await Promise.all(replies)).entries()) {
        expect(reply.kind === "signed" && [...reply.partial]).to.deep.equal([...partialFor(requests[n]!)]);
      }
    });

    it("fetches watermarks, bigints and nulls intact", async () => {
      peer(1).fake.marks = [
        {key: keyOf(1), slot: 2n ** 63n, epoch: 5n},
        {key: keyOf(2), slot: null, epoch: null},
      ];
      expect(await harness.link.watermarks(peer(1).peerId, never())).to.deep.equal(peer(1).fake.marks);
      expect(await harness.link.watermarks(peer(0).peerId, never())).to.deep.equal([]);
    });

    it("fetches more watermarks than fit into one message", async () => {
      peer(0).fake.marks = Array.from({length: 5000}, (_, n) => ({key: keyOf(n), slot: BigInt(n), epoch: null}));
      expect(await harness.link.watermarks(peer(0).peerId, never())).to.deep.equal(peer(0).fake.marks);
    });

    it("rejects with LINK_ABORTED when the signal aborts, and drops the late reply", async () => {
      let answer: (reply: PartialReply) => void = () => undefined;
      peer(0).fake.answer = () => new Promise((resolve) => (answer = resolve));
      const deadline = new AbortController();
      const late = codeFrom(harness.link.requestPartial(peer(0).peerId, requestOf(1), deadline.signal));
      await waitFor("asked", () => peer(0).fake.asked.length === 1);
      deadline.abort();
      expect(await late).to.equal("LINK_ABORTED");
      answer(signedFor(requestOf(1)));
      peer(0).fake.answer = signedFor;
      expect((await harness.link.requestPartial(peer(0).peerId, requestOf(2), never())).kind).to.equal("signed");
    });

    it("rejects a request whose signal has aborted already, without asking the operator", async () => {
      const gone = AbortSignal.abort();
      expect(await codeFrom(harness.link.requestPartial(peer(0).peerId, requestOf(1), gone))).to.equal("LINK_ABORTED");
      expect(await codeFrom(harness.link.watermarks(peer(0).peerId, gone))).to.equal("LINK_ABORTED");
      expect((await harness.link.requestPartial(peer(0).peerId, requestOf(2), never())).kind).to.equal("signed");
      expect(peer(0).fake.asked.length).to.equal(1);
    });

    it("is not held up by an operator that hangs", async () => {
      peer(0).fake.answer = () => new Promise(() => undefined);
      const deadline = new AbortController();
      const hung = codeFrom(harness.link.requestPartial(peer(0).peerId, requestOf(1), deadline.signal));
      expect((await harness.link.requestPartial(peer(1).peerId, requestOf(1), never())).kind).to.equal("signed");
      deadline.abort();
      expect(await hung).to.equal("LINK_ABORTED");
    });

    it("rejects with LINK_DISCONNECTED what was asked of an operator that goes away, and at once what is asked then", async () => {
      peer(0).fake.answer = () => new Promise(() => undefined);
      const lost = codeFrom(harness.link.requestPartial(peer(0).peerId, requestOf(1), never()));
      await waitFor("asked", () => peer(0).fake.asked.length === 1);
      await harness.stop(0);
      expect(await lost).to.equal("LINK_DISCONNECTED");
      await waitFor("seen as gone", () => connected() === 1);
      expect(await codeFrom(harness.link.requestPartial(peer(0).peerId, requestOf(2), never()))).to.equal(
        "LINK_DISCONNECTED",
      );
      expect(await codeFrom(harness.link.watermarks(peer(0).peerId, never()))).to.equal("LINK_DISCONNECTED");
    });

    it("reconnects by itself when the operator is back, and tells the observer of each change", async () => {
      await harness.stop(0);
      await waitFor("gone", () => connected() === 1);
      await harness.start(0);
      await waitFor("back", () => connected() === 2);
      expect((await harness.link.requestPartial(peer(0).peerId, requestOf(1), never())).kind).to.equal("signed");
      const kinds = harness.events
        .filter((event) => "peerId" in event && event.peerId === peer(0).peerId)
        .map(({kind}) => kind);
      expect(kinds).to.deep.equal(["operator-connected", "operator-disconnected", "operator-connected"]);
    });

    it("lets an operator know when the coordinator it works for is gone, and not before", async () => {
      peer(0).fake.answer = () => new Promise(() => undefined);
      const lost = codeFrom(harness.link.requestPartial(peer(0).peerId, requestOf(1), never()));
      await waitFor("asked", () => peer(0).fake.asked.length === 1);
      const {gone} = peer(0).fake;
      expect(gone?.aborted).to.equal(false);
      harness.link.setPeers([peer(1)]);
      await waitFor("told", () => gone!.aborted);
      expect(await lost).to.equal("LINK_DISCONNECTED");
      harness.link.setPeers(harness.operators);
      await waitFor("both again", () => connected() === 2);
      peer(0).fake.answer = signedFor;
      await harness.link.requestPartial(peer(0).peerId, requestOf(2), never());
      expect(peer(0).fake.gone?.aborted).to.equal(false);
    });

    it("drops the peers that are no longer wanted and keeps the others", async () => {
      harness.link.setPeers([peer(1)]);
      expect(harness.link.peers().map(({peerId}) => peerId)).to.deep.equal([peer(1).peerId]);
      expect(await codeFrom(harness.link.requestPartial(peer(0).peerId, requestOf(1), never()))).to.equal(
        "LINK_DISCONNECTED",
      );
      expect((await harness.link.requestPartial(peer(1).peerId, requestOf(1), never())).kind).to.equal("signed");
      harness.link.setPeers(harness.operators);
      await waitFor("both again", () => connected() === 2);
      const ofSecond = harness.events.filter((event) => "peerId" in event && event.peerId === peer(1).peerId);
      expect(ofSecond.length).to.equal(1);
    });

    it("knows what software a connected peer runs", () => {
      for (const {software} of harness.link.peers()) expect(software).to.be.a("string").and.not.equal("");
    });

    it("rejects everything and takes no peers once it is closed, and may be closed twice", async () => {
      peer(0).fake.answer = () => new Promise(() => undefined);
      const lost = codeFrom(harness.link.requestPartial(peer(0).peerId, requestOf(1), never()));
      await harness.link.close();
      await harness.link.close();
      expect(await lost).to.equal("LINK_DISCONNECTED");
      harness.link.setPeers(harness.operators);
      expect(harness.link.peers()).to.deep.equal([]);
      expect(await codeFrom(harness.link.requestPartial(peer(1).peerId, requestOf(1), never()))).to.equal(
        "LINK_DISCONNECTED",
      );
    });
  });
}
