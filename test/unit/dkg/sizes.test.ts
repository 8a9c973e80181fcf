import {expect} from "chai";
import {pubkeyHex, rootHex} from "../../../src/core/bytes.js";
import {chunkLayout} from "../../../src/core/dkg/chunk.js";
import {formatDefinition, parseDefinition} from "../../../src/core/dkg/definition.js";
import {type Item, signItem} from "../../../src/core/dkg/items.js";
import {decodeItem, MAX_ITEM_CHARACTERS} from "../../../src/core/dkg/items-codec.js";
import {encodeItem} from "../../../src/core/dkg/items-json.js";
import {CHUNK_VALIDATORS, chunkCount, validatorsOf} from "../../../src/core/dkg/plan.js";
import {sealingKeys} from "../../../src/core/dkg/seed.js";
import {transparentDkgGroup as group} from "../../simulation/transparent-group.js";
import {cheapNode, consented, testCeremony, testDefinition, testSeed, verifyCheaply} from "../../support/dkg.js";

/** The largest there is: 1,000 validators of 13 operators. */
describe("the largest ceremony", () => {
  const {ceremony, nodes} = testCeremony(13, {cheap: true, validators: 1000});
  const {plan} = ceremony;

  it("has every validator in one chunk, and chunks that one message holds", () => {
    const all = Array.from({length: chunkCount(plan)}, (_, chunk) => validatorsOf(plan, chunk)).flat();
    expect(all).to.deep.equal(Array.from({length: 1000}, (_, v) => v));
    const sizes = Array.from({length: chunkCount(plan)}, (_, chunk) => chunkLayout(plan, chunk, 13).totalBytes);
    expect(sizes.length).to.equal(1000 / CHUNK_VALIDATORS);
    expect(Math.max(...sizes)).to.be.lessThan(64 * 1024);
    expect(chunkCount({...plan, validators: 1})).to.equal(1);
    expect(validatorsOf({...plan, validators: 51}, 1)).to.deep.equal([50]);
  });

  it("has headers and results that the codec takes", () => {
    const hash = rootHex(testSeed(1));
    const hashes = Array.from({length: chunkCount(plan)}, () => hash);
    const announces = nodes.map((node, i): Item<"announce"> => {
      const keys = sealingKeys(testSeed(i), plan, i + 1).map((key) => rootHex(key));
      const body = {sealingKeys: keys, commitment: hash};
      return signItem(ceremony, {author: i + 1, kind: "announce", sequence: 0, body}, node.sign);
    });
    const body = {announces, ephemerals: nodes.map(() => hash), publicHashes: hashes, chunkHashes: hashes};
    const deal = signItem(ceremony, {author: 1, kind: "deal", sequence: 0, body}, nodes[0]!.sign);
    expect(decodeItem(ceremony, encodeItem(deal))).to.deep.equal(deal);
    // Four deposits each would be four times this and something.
    expect(1000 * 4 * 197).to.be.lessThan(MAX_ITEM_CHARACTERS);
  });

  it("of a reshare has a definition that can be read", () => {
    const operators = nodes.slice(0, 13);
    const key = (i: number) => pubkeyHex(group.publicKeys.bytes(group.base(BigInt(i + 1))));
    const validators = Array.from({length: 1000}, (_, v) => ({
      groupPublicKey: key(v),
      sharePublicKeys: Array.from({length: 13}, (_, i) => key(v * 13 + i)),
    }));
    const previous = {
      generation: 1,
      threshold: 9,
      operators: testDefinition(operators).operators,
      validators,
      handoverEpoch: 100n,
    };
    const definition = testDefinition(operators, {kind: "refresh", previous, depositAmounts: [], validators: 1000});
    const signed = consented(
      definition,
      Array.from({length: 13}, (_, i) => cheapNode(i + 1)),
    );
    const text = formatDefinition(signed);
    expect(text.length).to.be.lessThan(2 ** 21);
    expect(parseDefinition(text, verifyCheaply)).to.deep.equal(signed);
  });
});
