import {expect} from "chai";
import fc from "fast-check";
import {codeOf} from "../../../src/core/errors.js";
import {parseStrictJson} from "../../../src/remote-signer/json.js";

const parse = (text: string): unknown => parseStrictJson(Buffer.from(text));
const codeFor = (body: Buffer | string): string | null => {
  try {
    parseStrictJson(Buffer.from(body as string));
    return null;
  } catch (error) {
    return codeOf(error);
  }
};

describe("strict JSON", () => {
  it("reads whatever JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue({maxDepth: 6}), (value) => {
        const text = JSON.stringify(value);
        expect(parse(text)).to.deep.equal(JSON.parse(text));
      }),
      {numRuns: 200},
    );
  });

  it("finds a key named twice at any depth, among strings that look like keys", () => {
    expect(codeFor('{"type":"A","type":"B"}')).to.equal("CODEC_DUPLICATE_KEY");
    expect(codeFor('{"a":[{"b":{"c":1,"d":"\\"c\\":2","c":1}}]}')).to.equal("CODEC_DUPLICATE_KEY");
    expect(codeFor('{"a":"\\\\","a":":"}')).to.equal("CODEC_DUPLICATE_KEY");
    expect(codeFor('{"__proto__":1,"__proto__":2}')).to.equal("CODEC_DUPLICATE_KEY");
    // The same key written in two ways.
    expect(codeFor('{"a":1,"\\u0061":2}')).to.equal("CODEC_DUPLICATE_KEY");
  });

  it("takes equal keys in different objects, and colons and quotes in strings", () => {
    expect(parse('{"a":{"a":1},"b":[{"a":2},{"a":3}]}')).to.deep.equal({a: {a: 1}, b: [{a: 2}, {a: 3}]});
    expect(parse('{"a:":"::\\":{","b\\\\":"\\\\"}')).to.deep.equal({"a:": '::":{', "b\\": "\\"});
  });

  it("finds a duplicate in any object that names one of its keys again", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue({maxDepth: 2}), {minKeys: 1, noNullPrototype: true}),
        (object) => {
          const [key] = Object.keys(object);
          const text = `${JSON.stringify(object).slice(0, -1)},${JSON.stringify(key)}:0}`;
          expect(codeFor(text)).to.equal("CODEC_DUPLICATE_KEY");
        },
      ),
      {numRuns: 100},
    );
  });

  it("refuses what is not JSON with one code", () => {
    for (const text of ["", "{", "nul", '{"a":}', '"unfinished', '{"a":1}x', "{'a':1}", "\\", '"\\']) {
      expect(codeFor(text), text).to.equal("CODEC_JSON");
    }
  });

  it("refuses bytes that are not UTF-8 instead of replacing them", () => {
    expect(codeFor(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).to.equal("CODEC_JSON");
  });

  it("refuses deep nesting before it is parsed", () => {
    expect(codeFor("[".repeat(500_000))).to.equal("CODEC_JSON");
    expect(codeFor(`${"[".repeat(33)}${"]".repeat(33)}`)).to.equal("CODEC_JSON");
    expect(codeFor(`${"[".repeat(32)}${"]".repeat(32)}`)).to.equal(null);
  });

  it("never quotes the body in its error", () => {
    expect(() => parse('{"secret":tell-nobody}'))
      .to.throw()
      .with.property("message")
      .not.contain("tell");
  });
});
