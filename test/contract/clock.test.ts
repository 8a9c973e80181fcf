import {expect} from "chai";
import {ManualClock} from "../../src/adapters/clock/manual.js";
import {systemClock} from "../../src/adapters/clock/system.js";
import type {Clock} from "../../src/ports/clock.js";
import {Process, SimulatedClock} from "../simulation/process.js";
import {Scheduler} from "../simulation/scheduler.js";

/** What every clock must do; `pass` lets so many milliseconds pass. */
function clockContract(clock: Clock, pass: (ms: number) => Promise<void>): void {
  it("goes on, on both scales, by what has passed", async () => {
    const [now, monotonic] = [clock.now(), clock.monotonic()];
    await pass(20);
    // A wall clock counts whole milliseconds and timers round down.
    expect(clock.now() - now).to.be.within(18, 5_000);
    expect(clock.monotonic() - monotonic).to.be.within(18, 5_000);
  });

  it("calls back once, not before its time", async () => {
    const start = clock.monotonic();
    const calls: number[] = [];
    clock.after(10, () => calls.push(clock.monotonic() - start));
    expect(calls).to.deep.equal([]);
    await pass(60);
    expect(calls).to.have.length(1);
    expect(calls[0]).to.be.at.least(9);
  });

  it("calls back in order of time", async () => {
    const order: string[] = [];
    clock.after(30, () => order.push("later"));
    clock.after(5, () => order.push("sooner"));
    await pass(80);
    expect(order).to.deep.equal(["sooner", "later"]);
  });

  it("does not call back what was cancelled, and may be told twice", async () => {
    let called = false;
    const cancel = clock.after(5, () => {
      called = true;
    });
    cancel();
    cancel();
    await pass(40);
    expect(called).to.equal(false);
  });
}

describe("the system's clock", () => {
  clockContract(systemClock, (ms) => new Promise((resolve) => setTimeout(resolve, ms)));
});

describe("a clock moved by hand", () => {
  const clock = new ManualClock(1_700_000_000_000);
  clockContract(clock, async (ms) => clock.advance(ms));
});

describe("a simulated clock", () => {
  const scheduler = new Scheduler();
  const clock = new SimulatedClock({scheduler, process: new Process(scheduler, "test")}, () => -5000);
  clockContract(clock, async (ms) => void (await scheduler.run(scheduler.now + ms)));
});
