import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {setFlagsFromString} from "node:v8";
import {runInNewContext} from "node:vm";
import {expect} from "chai";
import {PleiadesError, type ReasonCode} from "../../../src/core/errors.js";
import {type FuzzResult, fuzz} from "../../support/fuzz/run.js";
import {type FuzzTarget, outcomeOf} from "../../support/fuzz/target.js";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

describe("the fuzzer", function () {
  this.timeout(30_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "pleiades-fuzz-"));
  });
  after(() => rmSync(folder, {recursive: true, force: true}));

  const run = (parse: (text: string) => unknown, more: Partial<FuzzTarget> = {}): Promise<FuzzResult> =>
    fuzz(
      {
        input: (random) => Buffer.from(Array.from({length: 40}, () => random.int(0x20, 0x7e))),
        run: (input) => outcomeOf(() => parse(input.toString("latin1"))),
        healthy: async () => {},
        close: async () => {},
        ...more,
      },
      {seed: 7, inputs: 400, seconds: 20, currentFile: join(folder, "current"), gc, inputBoundMs: 200},
    );

  it("finds nothing where nothing is wrong", async () => {
    const {failure, inputs, outcomes} = await run((text) => {
      if (text.includes("a")) throw new PleiadesError({code: "CODEC_HEX"});
    });
    expect(failure).to.equal(null);
    expect(inputs).to.equal(400);
    expect(Object.keys(outcomes)).to.have.members(["ok", "CODEC_HEX"]);
  });

  it("finds an error that is none of ours, and reduces the input to what does it", async () => {
    const {failure} = await run((text) => {
      if (text.includes("Z")) throw new TypeError("planted");
    });
    expect(failure?.what).to.include("planted");
    expect(Buffer.from(failure?.input ?? "", "base64").toString()).to.equal("Z");
  });

  it("finds a code that is not known, and one that says nothing", async () => {
    for (const code of ["NO_SUCH_CODE", "INTERNAL"] as const) {
      const {failure} = await run(() => {
        throw Object.assign(new PleiadesError({code: "INTERNAL"}), {code: code as ReasonCode});
      });
      expect(failure?.what).to.include("not a known code");
    }
  });

  it("finds an input that is never done with", async () => {
    const {failure} = await run((text) => (text.includes("Z") ? new Promise(() => {}) : null));
    expect(failure?.what).to.include("not within 200 ms");
  });

  it("finds memory that grows with every input", async () => {
    const kept: Buffer[] = [];
    const {failure} = await run(() => kept.push(Buffer.alloc(2 ** 18, 1)));
    expect(failure?.what).to.match(/memory grew by \d+ bytes/);
  });

  it("finds a service that serves nobody afterwards", async () => {
    let inputs = 0;
    const {failure} = await run(() => inputs++, {
      healthy: async () => {
        if (inputs > 10) throw new Error("gone");
      },
    });
    expect(failure?.what).to.include("gone");
  });
});
