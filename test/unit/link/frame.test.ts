import {expect} from "chai";
import fc from "fast-check";
import {encodeFrame, FrameDecoder} from "../../../src/adapters/operator-link/frame.js";
import {MAX_FRAME_BYTES} from "../../../src/adapters/operator-link/limits.js";
import {codeOf} from "../../../src/core/errors.js";

const header = (length: number): Uint8Array => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
};
const refusal = (chunk: Uint8Array) => {
  try {
    return [...new FrameDecoder().push(chunk)];
  } catch (error) {
    return codeOf(error);
  }
};

describe("frames", () => {
  it("come out as they went in, however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({minLength: 1, maxLength: 40, unit: "grapheme"}), {maxLength: 8}),
        fc.array(fc.integer({min: 1, max: 17}), {minLength: 1, maxLength: 6}),
        (texts, cuts) => {
          const bytes = Buffer.concat(texts.map(encodeFrame));
          const decoder = new FrameDecoder();
          const out: string[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const end = at + cuts[i % cuts.length]!;
            out.push(...decoder.push(bytes.subarray(at, end)));
            at = end;
          }
          expect(out).to.deep.equal(texts);
        },
      ),
      {numRuns: 200},
    );
  });

  it("are as long as the bound at most, which is seen from the first four bytes", () => {
    const largest = "x".repeat(MAX_FRAME_BYTES);
    expect([...new FrameDecoder().push(encodeFrame(largest))]).to.deep.equal([largest]);
    expect(() => encodeFrame(`${largest}x`)).to.throw(/larger than/);
    expect(refusal(header(MAX_FRAME_BYTES + 1))).to.equal("LINK_FRAME");
    expect(refusal(header(0xffffffff))).to.equal("LINK_FRAME");
    expect(refusal(header(MAX_FRAME_BYTES))).to.deep.equal([]);
  });

  it("are never empty", () => {
    expect(refusal(header(0))).to.equal("LINK_FRAME");
  });

  it("must be UTF-8", () => {
    expect(refusal(Buffer.concat([header(2), Buffer.from([0xc3, 0x28])]))).to.equal("LINK_FRAME");
  });
});
