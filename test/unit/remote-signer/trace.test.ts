import {expect} from "chai";
import {traceIdOf} from "../../../src/remote-signer/trace.js";

const ID = "4bf92f3577b34da6a3ce929d0e0e4736";

describe("the trace id of a request", () => {
  it("is the client's, when its traceparent header is well-formed", () => {
    expect(traceIdOf(`00-${ID}-00f067aa0ba902b7-01`)).to.equal(ID);
    expect(traceIdOf(`01-${ID}-00f067aa0ba902b7-01-more`)).to.equal(ID);
  });

  it("is a new one for every request without", () => {
    const ids = [undefined, undefined, ["a", "b"], ""].map(traceIdOf);
    for (const id of ids) expect(id).to.match(/^[0-9a-f]{32}$/);
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it("is never what a broken header says", () => {
    for (const header of [
      `ff-${ID}-00f067aa0ba902b7-01`,
      `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
      `00-${ID}-${"0".repeat(16)}-01`,
      `00-${ID.toUpperCase()}-00f067aa0ba902b7-01`,
      `00-${ID}-00f067aa0ba902b7-01${"x".repeat(200)}`,
      `00-${ID}`,
    ]) {
      expect(traceIdOf(header), header)
        .to.match(/^[0-9a-f]{32}$/)
        .and.not.equal(ID);
    }
  });
});
