import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {RankedRequests} from "../../../src/committee/ranked-requests.js";
import type {PartialReply} from "../../../src/ports/operator-link.js";
import {hashOf, keyOf} from "../../support/link.js";
import {settle} from "../../support/signing.js";

const SIGNED: PartialReply = {kind: "signed", committeeHash: hashOf(1), partial: new Uint8Array(192)};

function setUp() {
  const clock = new ManualClock();
  const ranked = new RankedRequests({clock}, {signerDelayMs: 500});
  const asked: string[] = [];
  const ask = (
    rank: number,
    root: string,
    {
      duty = "ATTESTATION 9",
      gone,
      reply = SIGNED,
      key = 1,
    }: {duty?: string; gone?: AbortSignal; reply?: PartialReply | Error; key?: number} = {},
  ): Promise<string> =>
    ranked
      .request(
        {key: keyOf(key), claim: {duty, root}, rank},
        async () => {
          asked.push(`${rank}${root}`);
          if (reply instanceof Error) throw reply;
          return reply;
        },
        gone,
      )
      .then((answer) => (answer.kind === "signed" ? "signed" : answer.code));
  return {clock, ranked, asked, ask};
}

describe("RankedRequests", () => {
  it("asks the keeper for the first signer at once and for the second after its delay, and keeps no timer", async () => {
    const {clock, ranked, asked, ask} = setUp();
    expect(await ask(0, "a")).to.equal("signed");
    const later = ask(1, "b", {duty: "ATTESTATION 10"});
    const latest = ask(2, "c", {duty: "ATTESTATION 11"});
    clock.advance(499);
    expect(asked).to.deep.equal(["0a"]);
    expect(ranked.held).to.equal(2);
    clock.advance(1);
    expect(await later).to.equal("signed");
    clock.advance(499);
    expect(asked).to.deep.equal(["0a", "1b"]);
    clock.advance(1);
    expect(await latest).to.equal("signed");
    expect([ranked.held, clock.pending()]).to.deep.equal([0, 0]);
  });

  it("refuses what an earlier-ranked signer has another message for, held or asked afterwards", async () => {
    const {clock, ranked, asked, ask} = setUp();
    const held = ask(1, "b");
    expect(await ask(0, "a")).to.equal("signed");
    expect(await held).to.equal("OPERATOR_OUTRANKED");
    expect(await ask(1, "b")).to.equal("OPERATOR_OUTRANKED");
    expect(await ask(1, "a")).to.equal("signed");
    expect(asked).to.deep.equal(["0a", "1a"]);
    expect([ranked.held, clock.pending()]).to.deep.equal([0, 0]);
  });

  it("keeps keys and duties apart", async () => {
    const {clock, ask} = setUp();
    expect(await ask(0, "a")).to.equal("signed");
    const others = [ask(1, "b", {key: 2}), ask(1, "b", {duty: "BLOCK_V2 9"})];
    clock.advance(500);
    expect(await Promise.all(others)).to.deep.equal(["signed", "signed"]);
  });

  it("forgets a held request when its signer's connection ends", async () => {
    const {clock, ranked, asked, ask} = setUp();
    const gone = new AbortController();
    const held = ask(1, "b", {gone: gone.signal});
    gone.abort();
    expect(await held).to.equal("LINK_DISCONNECTED");
    expect(await ask(1, "b", {gone: gone.signal})).to.equal("LINK_DISCONNECTED");
    expect([ranked.held, clock.pending()]).to.deep.equal([0, 0]);
    expect(asked).to.deep.equal([]);
  });

  it("does not mind a connection that ends after the keeper was asked", async () => {
    const {clock, asked, ask} = setUp();
    const gone = new AbortController();
    const held = ask(1, "b", {gone: gone.signal});
    clock.advance(500);
    gone.abort();
    expect(await held).to.equal("signed");
    expect(asked).to.deep.equal(["1b"]);
  });

  it("hands on a failure, and lets the next one have the turn", async () => {
    const {clock, ask} = setUp();
    const failed = ask(0, "a", {reply: new Error("no keeper")}).catch((error: Error) => error.message);
    const held = ask(1, "b");
    expect(await failed).to.equal("no keeper");
    clock.advance(500);
    expect(await held).to.equal("signed");
  });

  it("bounds what one signer may have waiting for one duty, and never holds up the first signer", async () => {
    const {clock, ranked, ask} = setUp();
    const flood = Array.from({length: 10}, (_, i) => ask(1, `b${i}`));
    await settle();
    expect(ranked.held).to.equal(4);
    expect((await Promise.all(flood.slice(4))).every((code) => code === "LINK_OVERLOADED")).to.equal(true);
    expect(await ask(0, "a")).to.equal("signed");
    expect(await Promise.all(flood.slice(0, 4))).to.deep.equal(new Array(4).fill("OPERATOR_OUTRANKED"));
    expect(clock.pending()).to.equal(0);
  });

  it("bounds what is held in all, but never holds up the first signer", async () => {
    const {ranked, ask} = setUp();
    const gone = new AbortController();
    const flood = Array.from({length: 4 * 4096}, (_, i) => ask(1, "b", {duty: `ATTESTATION ${i}`, gone: gone.signal}));
    expect(await ask(2, "c", {duty: "BLOCK_V2 1"})).to.equal("LINK_OVERLOADED");
    expect(await ask(0, "a", {duty: "BLOCK_V2 1"})).to.equal("signed");
    gone.abort();
    await Promise.all(flood);
    expect(ranked.held).to.equal(0);
  });

  it("bounds what is remembered, and leaves to the keeper what is forgotten", async () => {
    const {clock, asked, ask} = setUp();
    for (let i = 0; i <= 4096; i++) await ask(0, "a", {duty: `ATTESTATION ${i}`});
    expect(await ask(1, "c", {duty: "ATTESTATION 1"}), "remembered").to.equal("OPERATOR_OUTRANKED");
    const reply: PartialReply = {kind: "refused", code: "SLASHING_DOUBLE_VOTE", message: "by the keeper"};
    const forgotten = ask(1, "c", {duty: "ATTESTATION 0", reply});
    clock.advance(500);
    expect(await forgotten).to.equal("SLASHING_DOUBLE_VOTE");
    expect(asked.at(-1)).to.equal("1c");
  });
});
