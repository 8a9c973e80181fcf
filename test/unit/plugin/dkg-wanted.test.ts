import {expect} from "chai";
import {rootHex} from "../../../src/core/bytes.js";
import {WantedChunks} from "../../../src/plugin/dkg/wanted.js";

const hash = (byte: number) => rootHex(new Uint8Array(32).fill(byte));
const [OURS, THEIRS] = [hash(101), hash(102)];

describe("chunks that peers are asked for", () => {
  function wanted(): WantedChunks {
    const chunks = new WantedChunks();
    chunks.want(hash(1), {dealing: OURS, chunk: 0});
    chunks.want(hash(2), {dealing: THEIRS, chunk: 0});
    chunks.want(hash(3), {dealing: THEIRS, chunk: 1});
    return chunks;
  }

  it("are asked first of whoever dealt them, then of anybody", () => {
    expect(wanted().from(new Set([THEIRS]))).to.deep.equal([hash(2), hash(3), hash(1)]);
    expect(wanted().from(new Set())).to.deep.equal([hash(1), hash(2), hash(3)]);
  });

  it("are asked of nobody else once they are here, and count as settled only when worked off", async () => {
    const chunks = wanted();
    const arrived = chunks.arrive(hash(2));
    expect(arrived?.place).to.deep.equal({dealing: THEIRS, chunk: 0});
    expect([chunks.arrive(hash(2)), chunks.arrive(hash(9))]).to.deep.equal([null, null]);
    expect(chunks.from(new Set())).to.deep.equal([hash(1), hash(3)]);
    let settled = false;
    const done = arrived!.done.then(() => {
      settled = true;
    });
    chunks.workedOff({dealing: THEIRS, chunk: 1}, () => false);
    await Promise.resolve();
    expect(settled).to.equal(false);
    chunks.workedOff({dealing: THEIRS, chunk: 0}, ({chunk}) => chunk === 0);
    await done;
    expect(chunks.from(new Set())).to.deep.equal([hash(3)]);
  });

  it("are asked for again when what came was something else", async () => {
    const chunks = wanted();
    const {done} = chunks.arrive(hash(1))!;
    chunks.workedOff({dealing: OURS, chunk: 0}, () => false);
    await done;
    expect(chunks.from(new Set())).to.include(hash(1));
  });

  it("keep nobody waiting when the ceremony stops", async () => {
    const chunks = wanted();
    const waiting = [hash(1), hash(2)].map((one) => chunks.arrive(one)!.done);
    chunks.drop();
    await Promise.all(waiting);
  });
});
