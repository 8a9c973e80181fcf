import {expect} from "chai";
import {PRIORITY} from "../../../src/core/duty/sign-request.js";
import {SignQueue} from "../../../src/keeper/sign-queue.js";

describe("the queue of signatures", () => {
  it("takes the most urgent first, and lets a block pass attestations that came before it", async () => {
    const queue = new SignQueue({}, {concurrency: 1});
    const order: string[] = [];
    let block: Promise<unknown> = Promise.resolve();
    const attestations = Array.from({length: 5}, (_, i) =>
      queue.add(PRIORITY.attestation, () => {
        order.push(`attestation ${i}`);
        if (i === 1) block = queue.add(PRIORITY.block, () => order.push("block"));
      }),
    );
    const rest = queue.add(PRIORITY.rest, () => order.push("rest"));
    await Promise.all([...attestations, rest]);
    await block;
    const votes = [2, 3, 4].map((i) => `attestation ${i}`);
    expect(order).to.deep.equal(["attestation 0", "attestation 1", "block", ...votes, "rest"]);
  });

  it("runs no more at a time than it may", async () => {
    let running = 0;
    let most = 0;
    const queue = new SignQueue({}, {concurrency: 2});
    const work = async (): Promise<void> => {
      running++;
      most = Math.max(most, running);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    await Promise.all(Array.from({length: 9}, () => queue.add(PRIORITY.rest, work)));
    expect(most).to.equal(2);
    expect(queue.size).to.equal(0);
  });

  it("hands a failure to the one who asked and goes on", async () => {
    const queue = new SignQueue({}, {concurrency: 1});
    const failing = queue.add(PRIORITY.rest, () => {
      throw new Error("broken");
    });
    expect(await failing.catch((error: Error) => error.message)).to.equal("broken");
    expect(await queue.add(PRIORITY.rest, () => 7)).to.equal(7);
  });
});
