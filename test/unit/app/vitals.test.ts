import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {sampleKeeper, sampleSigner} from "../../../src/app/vitals.js";
import type {KeeperStatus} from "../../../src/ports/keeper.js";
import type {PleiadesEvent} from "../../../src/ports/observer.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const status = {
  pid: 1,
  signing: true,
  code: null,
  keys: 3,
  queued: 2,
  sequence: 9n,
  flooredAt: null,
} satisfies KeeperStatus;

describe("samples of a node's vitals", () => {
  it("are taken at once, then every five seconds, until the end", async () => {
    const clock = new ManualClock();
    const seen: PleiadesEvent[] = [];
    const end = sampleSigner({clock, observer: (event) => seen.push(event)}, {health: () => []}, () => ({
      running: 1,
      waiting: 0,
    }));
    await turn();
    expect(seen).to.deep.equal([{kind: "signer-sampled", committees: [], running: 1, waiting: 0}]);
    clock.advance(5000);
    await turn();
    expect(seen).to.have.length(2);
    await end();
    clock.advance(60_000);
    await turn();
    expect(seen).to.have.length(2);
  });

  it("say that a keeper that does not answer does not sign, and go on", async () => {
    const clock = new ManualClock();
    const seen: PleiadesEvent[] = [];
    const answers: (() => Promise<KeeperStatus>)[] = [() => Promise.reject(new Error("late")), async () => status];
    const end = sampleKeeper({clock, observer: (event) => seen.push(event)}, {status: () => answers.shift()!()});
    await turn();
    clock.advance(5000);
    await turn();
    expect(seen).to.deep.equal([
      {kind: "keeper-sampled", signing: false, waiting: 0, keys: 0},
      {kind: "keeper-sampled", signing: true, waiting: 2, keys: 3},
    ]);
    await end();
  });

  it("are not told any more when the answer comes after the end", async () => {
    const seen: PleiadesEvent[] = [];
    let answer: (value: KeeperStatus) => void = () => {};
    const late = new Promise<KeeperStatus>((resolve) => {
      answer = resolve;
    });
    const end = sampleKeeper({clock: new ManualClock(), observer: (event) => seen.push(event)}, {status: () => late});
    await end();
    answer(status);
    await turn();
    expect(seen).to.deep.equal([]);
  });
});
