import {expect} from "chai";
import type {DevnetStatus} from "../../../devnet/src/devnet.js";
import type {Fault} from "../../../devnet/src/faults.js";
import {render, statusLine} from "../../../devnet/src/screen.js";
import type {OperatorNow} from "../../../devnet/src/signer.js";
import {summarise} from "../../../devnet/src/summary.js";

const operator = (id: number, state: OperatorNow["state"], delayMs = 0): OperatorNow => ({
  id,
  state,
  pid: state === "up" ? 100 + id : null,
  delayMs,
  participations: 10,
  failures: new Map(),
  answers: new Map(),
});
const fault: Fault = {kind: "crash", operatorId: 3, fromSlot: 20, toSlot: 28};

function status({missed = 0, slot = 44, finalised = 3} = {}): DevnetStatus {
  return {
    slot,
    slotSeconds: 2,
    headSlot: slot - 1,
    finality: {justified: finalised + 1, finalised},
    duties: {
      nextSlot: slot - 1,
      blocks: {due: 36, missed},
      attestations: {due: 35, missed: 0},
      syncMessages: {due: 1000, missed: 0},
      attestationsOpen: 1,
    },
    signer: {
      signed: 1234,
      failed: new Map(),
      durations: new Map([
        [0.01, 1234],
        [Infinity, 1234],
      ]),
      operators: [operator(1, "up"), operator(2, "up", 800), operator(3, "down"), operator(4, "up")],
    },
    url: "http://127.0.0.1:9000",
    threshold: 3,
    faults: [fault],
    failedRequests: new Map(),
  };
}
const rates = {
  signaturesPerSecond: 38.2,
  p50Ms: 6.04,
  p99Ms: 43,
  participation: new Map([[1, 0.98]]),
  answerMs: new Map([[2, 803.2]]),
};

describe("the devnet's view", () => {
  const view = {status: status(), rates, events: ["12:00:00 one", "12:00:01 two"]};

  it("shows the chain, the committee's speed, and what each operator does", () => {
    const text = render(view, {columns: 140, rows: 40}).join("\n");
    for (const part of [
      "slot 44",
      "epoch 5 (capella)",
      "finalised 3",
      "38.2/s",
      "p50 6.0 ms",
      "p99 43 ms",
      "0 of 36",
    ]) {
      expect(text).to.contain(part);
    }
    expect(text).to.match(/^1 +up +101 +98 % /m);
    expect(text).to.match(/^2 +slow +102 +- +803 ms/m);
    expect(text).to.match(/^3 +down +- .* crash, slots 20-28$/m);
    expect(text.endsWith("12:00:01 two")).to.equal(true);
  });

  it("never exceeds the terminal, dropping the oldest events first", () => {
    const lines = render(view, {columns: 40, rows: 14});
    expect(lines.length).to.be.at.most(13);
    expect(Math.max(...lines.map((line) => line.length))).to.be.at.most(39);
    expect(render(view, {columns: 10, rows: 3}).length).to.be.at.most(2);
  });

  it("has the same in one line for logs", () => {
    expect(statusLine(view)).to.contain("slot 44 epoch 5 capella | justified 4 finalised 3");
    expect(statusLine(view)).to.contain("operators 1:up 2:slow 3:down 4:up");
  });
});

describe("the verdict on a run", () => {
  it("is good when the chain finalised and nothing was missed", () => {
    expect(summarise(status())).to.deep.include({ok: true, problems: [], finalisedEpoch: 3});
  });

  it("is bad after one missed block", () => {
    expect(summarise(status({missed: 1})).problems).to.deep.equal(["1 of 36 blocks missed"]);
  });

  it("is bad when the beacon node stopped telling what happened", () => {
    const {duties, ...rest} = status();
    const problems = ["the beacon node told of slots up to 8 only"];
    expect(summarise({...rest, duties: {...duties, nextSlot: 9}}).problems).to.deep.equal(problems);
  });

  it("is bad after one failed request", () => {
    const failedRequests = new Map([["ATTESTATION COMMITTEE_TIMEOUT", 2]]);
    expect(summarise({...status(), failedRequests}).problems).to.deep.equal(["2 signing requests failed"]);
  });

  it("is bad when finality stays behind, but not before the first finality is due", () => {
    expect(summarise(status({slot: 48, finalised: 2})).ok).to.equal(false);
    expect(summarise(status({slot: 48, finalised: 3})).ok).to.equal(true);
    expect(summarise(status({slot: 30, finalised: 0})).ok).to.equal(true);
  });
});
