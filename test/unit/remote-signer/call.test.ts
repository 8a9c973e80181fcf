import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {codeOf} from "../../../src/core/errors.js";
import {ABORT_GRACE_MS} from "../../../src/remote-signer/bounds.js";
import {Calls} from "../../../src/remote-signer/call.js";

const never = new Promise<never>(() => {});
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a call", () => {
  it("gives what the work gives and leaves no timer", async () => {
    const clock = new ManualClock();
    const calls = new Calls({clock});
    const call = calls.open(100);
    expect(await call.race(Promise.resolve("signature"))).to.equal("signature");
    call.end();
    expect(clock.pending()).to.equal(0);
    expect(calls.size).to.equal(0);
  });

  it("aborts at its deadline and leaves the work a short grace to say why", async () => {
    const clock = new ManualClock();
    const call = new Calls({clock}).open(100);
    const work = new Promise<never>((_, reject) => {
      call.signal.addEventListener("abort", () => reject(new Error("operator 3 is slow")));
    });
    const result = call.race(work).catch((error: Error) => error.message);
    clock.advance(99);
    expect(call.signal.aborted).to.equal(false);
    clock.advance(1);
    expect(await result).to.equal("operator 3 is slow");
    call.end();
    await turn();
    expect(clock.pending()).to.equal(0);
  });

  it("does not hang on work that ignores its signal", async () => {
    const clock = new ManualClock();
    const call = new Calls({clock}).open(100);
    const result = call.race(never).catch(codeOf);
    clock.advance(100 + ABORT_GRACE_MS);
    expect(await result).to.equal("HTTP_DEADLINE");
  });

  it("ends at once when the client has gone or the signer closes", async () => {
    for (const reason of ["HTTP_CLIENT_GONE", "HTTP_SHUTTING_DOWN"] as const) {
      const calls = new Calls({clock: new ManualClock()});
      const call = calls.open(100);
      const result = call.race(never).catch(codeOf);
      calls.cutAll(reason);
      expect(await result).to.equal(reason);
    }
  });

  it("keeps the first reason", () => {
    const clock = new ManualClock();
    const call = new Calls({clock}).open(100);
    call.cut("HTTP_CLIENT_GONE");
    clock.advance(100);
    expect(codeOf(call.signal.reason)).to.equal("HTTP_CLIENT_GONE");
  });

  it("whose time was used up by its body still ends", async () => {
    const clock = new ManualClock();
    const call = new Calls({clock}).open(-5);
    const result = call.race(never).catch(codeOf);
    clock.advance(ABORT_GRACE_MS);
    expect(await result).to.equal("HTTP_DEADLINE");
  });
});
