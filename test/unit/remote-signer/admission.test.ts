import {expect} from "chai";
import fc from "fast-check";
import {PRIORITY, type Priority} from "../../../src/core/duty/sign-request.js";
import {codeOf} from "../../../src/core/errors.js";
import {Admission} from "../../../src/remote-signer/admission.js";

const open = new AbortController().signal;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A task that ends when told. */
function held() {
  let release: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    release = resolve;
  });
  return {task: () => done, release};
}

describe("admission", () => {
  it("runs at most maxConcurrent tasks and starts the next when one ends", async () => {
    const admission = new Admission({maxConcurrent: 2, maxQueued: 10});
    const tasks = [held(), held(), held()];
    const runs = tasks.map(({task}) => admission.run(PRIORITY.rest, open, task));
    expect([admission.running, admission.queued]).to.deep.equal([2, 1]);
    tasks[0]!.release();
    await runs[0];
    await turn();
    expect([admission.running, admission.queued]).to.deep.equal([2, 0]);
    for (const {release} of tasks) release();
    await Promise.all(runs);
    await turn();
    expect([admission.running, admission.queued]).to.deep.equal([0, 0]);
  });

  it("lets blocks go before attestations, those before selection proofs, and those before the rest", async () => {
    const admission = new Admission({maxConcurrent: 1, maxQueued: 10});
    const first = held();
    const runs = [admission.run(PRIORITY.rest, open, first.task)];
    const order: string[] = [];
    const arrivals: [Priority, string][] = [
      [PRIORITY.rest, "rest 1"],
      [PRIORITY.selectionProof, "selection proof"],
      [PRIORITY.attestation, "attestation 1"],
      [PRIORITY.block, "block"],
      [PRIORITY.attestation, "attestation 2"],
      [PRIORITY.rest, "rest 2"],
    ];
    for (const [priority, name] of arrivals) {
      runs.push(admission.run(priority, open, async () => void order.push(name)));
    }
    first.release();
    await Promise.all(runs);
    expect(order).to.deep.equal(["block", "attestation 1", "attestation 2", "selection proof", "rest 1", "rest 2"]);
  });

  it("refuses a newcomer when the queue is full", async () => {
    const admission = new Admission({maxConcurrent: 1, maxQueued: 1});
    const tasks = [held(), held()];
    const runs = tasks.map(({task}) => admission.run(PRIORITY.attestation, open, task));
    const refused = await admission.run(PRIORITY.attestation, open, held().task).catch(codeOf);
    expect(refused).to.equal("HTTP_OVERLOADED");
    for (const {release} of tasks) release();
    await Promise.all(runs);
  });

  it("makes room for a block by refusing something less urgent that waits", async () => {
    const admission = new Admission({maxConcurrent: 1, maxQueued: 1});
    const [running, block] = [held(), held()];
    const runs = [admission.run(PRIORITY.rest, open, running.task)];
    const registration = admission.run(PRIORITY.rest, open, held().task).catch(codeOf);
    runs.push(admission.run(PRIORITY.block, open, block.task));
    expect(await registration).to.equal("HTTP_OVERLOADED");
    expect(admission.queued).to.equal(1);
    for (const {release} of [running, block]) release();
    await Promise.all(runs);
  });

  it("lets a request leave the queue at its abort, with the abort's reason, and never runs it", async () => {
    const admission = new Admission({maxConcurrent: 1, maxQueued: 5});
    const running = held();
    const run = admission.run(PRIORITY.rest, open, running.task);
    const abort = new AbortController();
    let ran = false;
    const waiting = admission.run(PRIORITY.block, abort.signal, async () => {
      ran = true;
    });
    abort.abort(new Error("too late"));
    expect(await waiting.catch((error: Error) => error.message)).to.equal("too late");
    running.release();
    await run;
    await turn();
    expect(ran).to.equal(false);
    expect([admission.running, admission.queued]).to.deep.equal([0, 0]);
  });

  it("frees the place of a task that fails", async () => {
    const admission = new Admission({maxConcurrent: 1, maxQueued: 0});
    const failed = await admission.run(PRIORITY.rest, open, () => Promise.reject(new Error("no"))).catch(String);
    expect(failed).to.equal("Error: no");
    expect(await admission.run(PRIORITY.rest, open, async () => "yes")).to.equal("yes");
  });

  it("keeps its bounds and settles every request, whatever the order of arrivals, ends and aborts", async () => {
    const step = fc.oneof(
      fc.record({kind: fc.constant("arrive" as const), priority: fc.constantFrom(...Object.values(PRIORITY))}),
      fc.record({kind: fc.constantFrom("end" as const, "abort" as const), which: fc.nat(20)}),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, {maxLength: 40}), async (steps) => {
        const admission = new Admission({maxConcurrent: 2, maxQueued: 3});
        const all: {release: () => void; abort: AbortController; run: Promise<unknown>}[] = [];
        for (const action of steps) {
          if (action.kind === "arrive") {
            const {task, release} = held();
            const abort = new AbortController();
            const run = admission.run(action.priority, abort.signal, task).catch(() => null);
            all.push({release, abort, run});
          } else if (all.length > 0) {
            const chosen = all[action.which % all.length]!;
            if (action.kind === "end") chosen.release();
            else chosen.abort.abort(new Error("gone"));
          }
          expect(admission.running).to.be.within(0, 2);
          expect(admission.queued).to.be.within(0, 3);
          await turn();
        }
        for (const {release} of all) release();
        await Promise.all(all.map(({run}) => run));
        await turn();
        expect([admission.running, admission.queued]).to.deep.equal([0, 0]);
      }),
      {numRuns: 40},
    );
  });
});
