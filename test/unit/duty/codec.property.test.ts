import {expect} from "chai";
import fc from "fast-check";
import {decidePolicy, EMPTY_POLICY} from "../../../src/core/duty/policy.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {parseSignRequest, toWire} from "../../../src/core/duty/request-codec.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import {PleiadesError} from "../../../src/core/errors.js";
import {arbitraryRequest, atSlot, KEY, NETWORK, UNPINNED} from "./fixtures.js";

describe("the codec, for every request", () => {
  for (const preset of Object.values(PRESETS)) {
    it(`reads back what it writes, through JSON text (${preset.name})`, () => {
      fc.assert(
        fc.property(arbitraryRequest(preset), (request) => {
          const text = JSON.stringify(toWire(request, preset));
          expect(parseSignRequest(JSON.parse(text), preset)).to.deep.equal({request, claimedRoot: null});
        }),
        {numRuns: 150},
      );
    });
  }

  it("answers hostile JSON with a codec error and nothing else", () => {
    const hostile = fc.oneof(
      arbitraryRequest(PRESETS.minimal).chain((request) => mutated(toWire(request, PRESETS.minimal))),
      fc.jsonValue(),
      fc.anything(),
    );
    fc.assert(
      fc.property(hostile, (raw) => {
        try {
          parseSignRequest(raw, PRESETS.minimal);
        } catch (error) {
          expect(error).to.be.instanceOf(PleiadesError);
          expect((error as PleiadesError).code).to.match(/^CODEC_/);
          JSON.stringify(error);
        }
      }),
      {numRuns: 1000},
    );
  });

  it("yields requests that the signing root and the policy can always answer", () => {
    fc.assert(
      fc.property(arbitraryRequest(PRESETS.minimal), fc.constantFrom(NETWORK, UNPINNED), (request, network) => {
        try {
          const {signingRoot, objectRoot} = computeSigningRoot(request, network);
          expect(signingRoot.length).to.equal(32);
          decidePolicy({key: KEY, request, objectRoot, network, nowMs: atSlot(100), policy: EMPTY_POLICY});
        } catch (error) {
          expect(error).to.be.instanceOf(PleiadesError);
          expect((error as PleiadesError).code).to.match(/^POLICY_/);
        }
      }),
      {numRuns: 300},
    );
  });
});

const junk = fc.oneof(
  fc.constantFrom<unknown>(
    "",
    "0x",
    "0x10",
    "-1",
    "1e3",
    "01",
    "18446744073709551616",
    "9223372036854775808",
    "0xzz",
    null,
  ),
  fc.constantFrom<unknown>(
    undefined,
    true,
    0,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    [],
    {},
    [[]],
    "__proto__",
  ),
  fc.string(),
  fc.jsonValue(),
);

/** A copy with one to three members replaced, removed or joined by a `__proto__`, anywhere in the tree. */
function mutated(json: unknown): fc.Arbitrary<unknown> {
  const step = fc.record({at: fc.nat(), kind: fc.constantFrom("replace", "remove", "proto"), value: junk});
  return fc.array(step, {minLength: 1, maxLength: 3}).map((steps) => {
    const copy = structuredClone(json);
    for (const {at, kind, value} of steps) {
      const places = membersOf(copy);
      if (places.length === 0) break;
      const [parent, key] = places[at % places.length]!;
      if (kind === "replace") parent[key] = value;
      else if (kind === "remove") delete parent[key];
      else Object.defineProperty(parent, "__proto__", {value, enumerable: true, configurable: true, writable: true});
    }
    return copy;
  });
}

type Node = {[key: string]: unknown};
function membersOf(json: unknown): [Node, string][] {
  if (typeof json !== "object" || json === null) return [];
  return Object.entries(json).flatMap(([key, value]) => [[json as Node, key], ...membersOf(value)] as [Node, string][]);
}
