import {expect} from "chai";
import {backoffMs} from "../../../src/adapters/operator-link/backoff.js";
import {Outbox, type Parcel} from "../../../src/adapters/operator-link/outbox.js";

const parcel = (text: string, priority: Parcel["priority"] = 3): Parcel => ({text, priority});
const room = {items: 100, bytes: 1000, overhead: 0};

describe("the outbox", () => {
  it("gives the urgent first, and the oldest first among equals", () => {
    const outbox = new Outbox({capacity: 100});
    for (const [text, priority] of [
      ["a", 3],
      ["b", 1],
      ["c", 0],
      ["d", 1],
    ] as const)
      outbox.add(parcel(text, priority));
    expect(outbox.take(room).map(({text}) => text)).to.deep.equal(["c", "b", "d", "a"]);
    expect(outbox.take(room)).to.deep.equal([]);
  });

  it("gives no more items and bytes than fit into a frame, counted as UTF-8", () => {
    const outbox = new Outbox({capacity: 100});
    for (const text of ["ä", "b", "c"]) outbox.add(parcel(text));
    expect(outbox.take({items: 1, bytes: 100, overhead: 0}).map(({text}) => text)).to.deep.equal(["ä"]);
    for (const text of ["ä", "ü"]) outbox.add(parcel(text));
    expect(outbox.take({items: 10, bytes: 7, overhead: 1}).map(({text}) => text)).to.deep.equal(["b", "c", "ä"]);
    expect(outbox.take({items: 10, bytes: 1, overhead: 1}).map(({text}) => text)).to.deep.equal(["ü"]);
  });

  it("takes nothing beyond its capacity, and has room again for what left or was taken back", () => {
    const outbox = new Outbox({capacity: 4});
    const first = parcel("abc");
    expect(outbox.add(first)).to.equal(true);
    expect(outbox.add(parcel("de"))).to.equal(false);
    expect(outbox.delete(first)).to.equal(true);
    expect(outbox.delete(first)).to.equal(false);
    expect(outbox.waiting).to.equal(0);
    expect(outbox.add(parcel("defg"))).to.equal(true);
    outbox.take(room);
    expect(outbox.waiting).to.equal(0);
  });
});

describe("the backoff", () => {
  it("tries at once, then after 250 ms doubling to 1 s, spread over half of that", () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 1000].map((attempt) => backoffMs(attempt, 0))).to.deep.equal([
      0, 250, 500, 1000, 1000, 1000, 1000, 1000, 1000,
    ]);
    expect([1, 2, 6].map((attempt) => backoffMs(attempt, 0.999999)).map(Math.round)).to.deep.equal([250, 250, 500]);
  });
});
