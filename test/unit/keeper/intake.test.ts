import {expect} from "chai";
import {PRIORITY, type Priority} from "../../../src/core/duty/sign-request.js";
import {Intake, urgencyOf} from "../../../src/keeper/intake.js";

describe("the intake of requests", () => {
  it("orders what arrives together by urgency, then by arrival", async () => {
    const intake = new Intake({clock: {monotonic: () => 0}});
    const order: string[] = [];
    const read = async (priority: Priority, name: string): Promise<void> => {
      await intake.turn(priority);
      order.push(name);
    };
    await Promise.all([
      read(PRIORITY.rest, "rest"),
      read(PRIORITY.attestation, "vote 1"),
      read(PRIORITY.attestation, "vote 2"),
      read(PRIORITY.block, "block"),
    ]);
    expect(order).to.deep.equal(["block", "vote 1", "vote 2", "rest"]);
  });

  it("lets the event loop turn when a slice is over, and a block that arrived then goes first", async () => {
    let now = 0;
    const intake = new Intake({clock: {monotonic: () => now}});
    const order: string[] = [];
    const votes = Array.from({length: 5}, async (_, i) => {
      await intake.turn(PRIORITY.attestation);
      now++;
      order.push(`vote ${i}`);
    });
    const block = new Promise<void>((resolve) =>
      setImmediate(() => {
        void intake.turn(PRIORITY.block).then(() => {
          order.push("block");
          resolve();
        });
      }),
    );
    await Promise.all([...votes, block]);
    expect(order.indexOf("block")).to.equal(2);
  });

  it("goes on after it ran empty", async () => {
    const intake = new Intake({clock: {monotonic: () => 0}});
    await intake.turn(PRIORITY.rest);
    await new Promise((resolve) => setImmediate(resolve));
    await intake.turn(PRIORITY.rest);
  });

  it("takes what names no type of ours for the least urgent", () => {
    expect(urgencyOf({type: "BLOCK_V2"})).to.equal(PRIORITY.block);
    for (const shape of [null, undefined, 7, "BLOCK_V2", [], {}, {type: "toString"}, {type: {}}]) {
      expect(urgencyOf(shape)).to.equal(PRIORITY.rest);
    }
  });
});
