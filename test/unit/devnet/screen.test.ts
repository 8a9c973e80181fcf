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
  convictions: 0,
  lying: false,
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
    slashed: [],
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
    expect(text).to.match(/^4 +up +104 /m);
    expect(text.endsWith("12:00:01 two")).to.equal(true);
  });

  it("shows who lies, and afterwards that the signer has caught it", () => {
    const shown = (liar: Partial<OperatorNow>): string => {
      const {signer, ...rest} = status();
      const operators = [operator(1, "up"), {...operator(4, "up"), ...liar}];
      const faults: Fault[] = [{kind: "lie", how: "all", operatorId: 4, fromSlot: 40, toSlot: 48}];
      const picture = {...view, status: {...rest, faults, signer: {...signer!, operators}}};
      return [statusLine(picture), ...render(picture, {columns: 140, rows: 40})].join("\n");
    };
    expect(shown({lying: true, convictions: 3}))
      .to.contain("1:up 4:lying")
      .and.match(/^4 +lying .* lie, slots 40-48$/m);
    expect(shown({convictions: 3}))
      .to.contain("1:up 4:convicted")
      .and.match(/^4 +convicted /m);
    expect(shown({convictions: 3, state: "down"})).to.contain("4:down");
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

  it("is bad when a validator was slashed", () => {
    expect(summarise({...status(), slashed: [3, 5]}).problems).to.deep.equal(["validators 3, 5 were slashed"]);
  });

  it("is bad after one failed request", () => {
    const failedRequests = new Map([["ATTESTATION COMMITTEE_TIMEOUT", 2]]);
    expect(summarise({...status(), failedRequests}).problems).to.deep.equal(["2 signing requests failed"]);
  });

  it("is bad when a liar was not caught, or somebody else was blamed", () => {
    const lie: Fault = {kind: "lie", how: "all", operatorId: 4, fromSlot: 40, toSlot: 43};
    const judged = (convictions: readonly number[], fault = lie): readonly string[] => {
      const {signer, ...rest} = status();
      const operators = convictions.map((count, i) => ({...operator(i + 1, "up"), convictions: count}));
      return summarise({...rest, faults: [fault], signer: {...signer!, operators}}).problems;
    };
    expect(judged([0, 0, 0, 2])).to.deep.equal([]);
    expect(judged([0, 0, 0, 0])).to.deep.equal(["operator 4 lied and was not caught"]);
    expect(judged([1, 0, 0, 2])).to.deep.equal(["operator 1 was blamed for a lie it did not tell"]);
    expect(judged([0, 0, 0, 0], {...lie, toSlot: 60}), "its time is not over").to.deep.equal([]);
  });

  it("is bad when finality stays behind, but not before the first finality is due", () => {
    expect(summarise(status({slot: 48, finalised: 2})).ok).to.equal(false);
    expect(summarise(status({slot: 48, finalised: 3})).ok).to.equal(true);
    expect(summarise(status({slot: 30, finalised: 0})).ok).to.equal(true);
  });
});
