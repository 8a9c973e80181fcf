import {expect} from "chai";
import fc from "fast-check";
import {blstDkgGroup} from "../../../src/adapters/bls/blst.js";
import {type AnyItem, type Bodies, type Item, type ItemKind, signItem} from "../../../src/core/dkg/items.js";
import {claimedCeremony, decodeItem} from "../../../src/core/dkg/items-codec.js";
import {encodeItem} from "../../../src/core/dkg/items-json.js";
import {PleiadesError} from "../../../src/core/errors.js";
import {testCeremony, testSeed} from "../../support/dkg.js";
import {announceOf, dealingOf} from "../../support/dkg-dealings.js";
import {anyFailure} from "../../support/errors.js";

const {ceremony, nodes} = testCeremony(4);
const other = testCeremony(4, {nonce: 2}).ceremony;
const announces = nodes.map((node, i) => announceOf(blstDkgGroup, ceremony, i + 1, {seed: testSeed(i + 1)}, node));
const {item: deal} = dealingOf(blstDkgGroup, ceremony, 1, {seed: testSeed(1)}, {announces, node: nodes[0]!});
const {item: deal2} = dealingOf(blstDkgGroup, ceremony, 1, {seed: testSeed(9)}, {announces, node: nodes[0]!});
const made = <K extends ItemKind>(author: number, kind: K, body: Bodies[K], sequence = 0): Item<K> =>
  signItem(ceremony, {author, kind, sequence, body}, nodes[author - 1]!.sign);
const signedHash = ({hash, signature}: Item) => ({hash, signature});
const pair = [signedHash(deal), signedHash(deal2)].sort((a, b) => (a.hash < b.hash ? -1 : 1));
const entry = {dealer: 1, dealing: deal.hash, signature: deal.signature};
const secret = announces[0]!.hash;
const samples: readonly Item[] = [
  announces[0]!,
  deal,
  made(
    2,
    "verdict",
    {
      entries: [{...entry, outcome: {kind: "complaint", chunk: 0, secret}}],
      equivocations: [{participant: 1, kind: "deal", sequence: 0, items: [pair[0]!, pair[1]!]}],
    },
    3,
  ),
  made(3, "verdict", {entries: [{...entry, outcome: {kind: "ok"}}], equivocations: []}),
  made(3, "verdict", {entries: [{...entry, outcome: {kind: "malformed", chunk: null}}], equivocations: []}),
  made(4, "agree", {message: "anything"}, 7),
  made(4, "abort", {reason: "the operator wants it"}),
];
const decode = (item: Item | string): AnyItem =>
  decodeItem(ceremony, typeof item === "string" ? item : encodeItem(item));

describe("an item of a ceremony", () => {
  it("survives being written and read", () => {
    for (const item of samples) expect(decode(item)).to.deep.equal(item);
    expect(claimedCeremony(encodeItem(deal))).to.equal(ceremony.id);
  });

  it("is refused with a code when any byte of it is changed", () => {
    for (const item of samples) {
      const text = encodeItem(item);
      fc.assert(
        fc.property(fc.nat(text.length - 1), fc.integer({min: 32, max: 126}), (at, code) => {
          const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
          if (changed === text) return;
          const error = anyFailure(() => decode(changed));
          expect(error).to.be.instanceOf(PleiadesError);
          expect(error.code).to.match(/^(DKG_ITEM_|CODEC_)/);
        }),
        {numRuns: 60, seed: 4},
      );
    }
  });

  it("is refused when cut off, with spaces, or of another ceremony", () => {
    const text = encodeItem(announces[0]!);
    expect(anyFailure(() => decode(text.slice(0, -1))).code).to.equal("DKG_ITEM_MALFORMED");
    expect(anyFailure(() => decode(`${text} `)).code).to.equal("DKG_ITEM_MALFORMED");
    expect(anyFailure(() => decode(text.replace(/"sealing_keys":\["0x/, '"sealing_keys":["0X'))).code).to.equal(
      "DKG_ITEM_MALFORMED",
    );
    expect(anyFailure(() => decode(" ".repeat(2 ** 20 + 1))).code).to.equal("DKG_ITEM_MALFORMED");
    expect(anyFailure(() => decodeItem(other, text)).code).to.equal("DKG_ITEM_OTHER_CEREMONY");
    expect(anyFailure(() => decode(text.replace(ceremony.id, other.id))).code).to.equal("DKG_ITEM_OTHER_CEREMONY");
    // Replayed under the other ceremony's name: the signature names the ceremony.
    expect(anyFailure(() => decodeItem(other, text.replace(ceremony.id, other.id))).code).to.equal(
      "DKG_ITEM_SIGNATURE",
    );
  });

  it("is refused under another author's name", () => {
    const text = encodeItem(samples[5]!).replace('"author":4', '"author":3');
    expect(anyFailure(() => decode(text)).code).to.equal("DKG_ITEM_SIGNATURE");
  });

  it("is refused with announces that are forged, too few, twice or without the dealer's own", () => {
    const refused = (list: readonly Item<"announce">[]): string =>
      anyFailure(() => decode(made(1, "deal", {...deal.body, announces: list}))).code;
    expect(refused(announces.slice(0, 3))).to.equal("DKG_ITEM_MALFORMED");
    expect(refused([...announces].reverse())).to.equal("DKG_ITEM_MALFORMED");
    const forged = {...announces[1]!, signature: announces[0]!.signature};
    expect(refused([announces[0]!, forged, ...announces.slice(2)])).to.equal("DKG_ITEM_SIGNATURE");
  });

  it("is refused with a verdict on what its dealer has not signed, or an equivocation that is none", () => {
    const forged = {...entry, dealing: secret, outcome: {kind: "ok"} as const};
    expect(anyFailure(() => decode(made(2, "verdict", {entries: [forged], equivocations: []}))).code).to.equal(
      "DKG_ITEM_SIGNATURE",
    );
    const same = {participant: 1, kind: "deal", sequence: 0, items: [pair[0]!, pair[0]!]} as const;
    expect(anyFailure(() => decode(made(2, "verdict", {entries: [], equivocations: [same]}))).code).to.equal(
      "DKG_ITEM_MALFORMED",
    );
  });

  it("is refused with sealing keys of small order or one key twice", () => {
    const {sealingKeys, commitment} = announces[0]!.body;
    const zero = `0x${"00".repeat(32)}` as (typeof sealingKeys)[number];
    for (const keys of [
      [zero, ...sealingKeys.slice(1)],
      [sealingKeys[1]!, ...sealingKeys.slice(1)],
    ]) {
      const error = anyFailure(() => decode(made(1, "announce", {sealingKeys: keys, commitment})));
      expect(error.code).to.equal("DKG_ITEM_MALFORMED");
    }
  });
});
