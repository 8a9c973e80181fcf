import {expect} from "chai";
import {blstDkgGroup as group} from "../../../src/adapters/bls/blst.js";
import {asEpoch, parseRootHex} from "../../../src/core/bytes.js";
import {ceremonyOf} from "../../../src/core/dkg/ceremony.js";
import {formatDefinition, parseDefinition} from "../../../src/core/dkg/definition.js";
import {type Item, type RetireBody, signItem} from "../../../src/core/dkg/items.js";
import {decodeItem} from "../../../src/core/dkg/items-codec.js";
import {encodeItem} from "../../../src/core/dkg/items-json.js";
import {verifyNodeSignature} from "../../../src/core/dkg/node-signature.js";
import {isRetirement, proveRetirement, retirementMessage} from "../../../src/core/dkg/retirement.js";
import {testDraft, testKey} from "../../support/committees.js";
import {consented, testCeremony, testDefinition, testNode} from "../../support/dkg.js";
import {anyFailure} from "../../support/errors.js";

const TRANSCRIPT = parseRootHex(`0x${"7a".repeat(32)}`);
const OTHER = parseRootHex(`0x${"7b".repeat(32)}`);

describe("a retirement", () => {
  const keys = [testKey(5, {n: 4}), testKey(6, {n: 4})];
  const old = [1, 2, 3, 4].map(testNode);
  // The first old operator stays, the others leave.
  const nodes = [1, 11, 12, 13].map(testNode);
  const {validators, threshold} = testDraft(keys, {n: 4});
  const {operators} = testDefinition(old);
  const previous = {generation: 0, threshold, operators, validators, handoverEpoch: asEpoch(100n)};
  const definition = testDefinition(nodes, {kind: "reshare", previous, depositAmounts: [], validators: 2});
  const ceremony = ceremonyOf(consented(definition, [...nodes, ...old]), verifyNodeSignature);
  const shares = (dealer: number) =>
    keys.map((key) => BigInt(`0x${Buffer.from(key.shares[dealer - 1]!.secret).toString("hex")}`));
  const said = (epoch: bigint, dealer = 2): RetireBody =>
    proveRetirement(group, ceremony.id, {transcript: TRANSCRIPT, epoch: asEpoch(epoch)}, shares(dealer));
  // Participants 5, 6 and 7 are the old operators 2, 3 and 4.
  const item = (body: RetireBody, author = 5): Item<"retire"> => {
    const {peerId} = ceremony.participants[author - 1]!;
    const node = [...nodes, ...old].find((one) => one.peerId === peerId)!;
    return signItem(ceremony, {author, kind: "retire", sequence: 0, body}, node.sign);
  };
  const decode = (one: Item) => decodeItem(ceremony, encodeItem(one));

  it("is an old operator's word for one outcome and one epoch, with its old shares", () => {
    const one = item(said(100n));
    expect(decode(one)).to.deep.equal(one);
    expect(isRetirement(group, ceremony, TRANSCRIPT, one)).to.equal(true);
    expect(isRetirement(group, ceremony, OTHER, one)).to.equal(false);
    expect(isRetirement(group, ceremony, TRANSCRIPT, item({...said(100n), epoch: asEpoch(101n)}))).to.equal(false);
    // Signed with the node key of one operator and the shares of another.
    expect(isRetirement(group, ceremony, TRANSCRIPT, item(said(100n, 3)))).to.equal(false);
    expect(isRetirement(group, ceremony, TRANSCRIPT, item(said(100n, 1), 1))).to.equal(true);
  });

  it("may come late, but not before the handover epoch, nor from who does not leave", () => {
    expect(decode(item(said(120n))).body).to.deep.equal(said(120n));
    expect(anyFailure(() => decode(item(said(99n)))).data.field).to.equal("body.epoch");
    expect(anyFailure(() => decode(item(said(100n), 2))).data.field).to.equal("author");
    const fresh = testCeremony(4);
    const wrong = signItem(
      fresh.ceremony,
      {author: 1, kind: "retire", sequence: 0, body: said(100n)},
      fresh.nodes[0]!.sign,
    );
    expect(anyFailure(() => decodeItem(fresh.ceremony, encodeItem(wrong))).data.field).to.equal("author");
  });

  it("is no message that a validator signs", () => {
    expect(retirementMessage(ceremony.id, said(100n), 0).length).to.be.greaterThan(32);
  });

  it("is for a definition that may carry the one-off messages its new shares may sign", () => {
    const [first] = validators;
    const permit = {key: first!.groupPublicKey, type: "VOLUNTARY_EXIT" as const, objectRoot: OTHER};
    const carrying = {...definition, permits: [permit]};
    const text = formatDefinition(consented(carrying, [...nodes, ...old]));
    expect(parseDefinition(text, verifyNodeSignature).definition).to.deep.equal(carrying);
    const spelled = JSON.parse(text) as {permits: unknown[]};
    spelled.permits = [{type: "VOLUNTARY_EXIT", pubkey: permit.key, epoch: "7", validator_index: "3"}];
    expect(anyFailure(() => parseDefinition(JSON.stringify(spelled), verifyNodeSignature)).code).to.equal(
      "DKG_DEFINITION_SIGNATURE",
    );
    const foreign = {
      ...carrying,
      permits: [{...permit, key: testDraft([testKey(9, {n: 4})], {n: 4}).validators[0]!.groupPublicKey}],
    };
    expect(anyFailure(() => formatDefinition(consented(foreign, nodes))).data.field).to.equal("permits");
    const {permits: _, ...without} = carrying;
    expect(anyFailure(() => formatDefinition(consented({...without, permits: []}, nodes))).data.field).to.equal(
      "permits",
    );
    const fresh = {...testCeremony(4).signed.definition, permits: [permit]};
    expect(anyFailure(() => formatDefinition(consented(fresh, nodes))).data.field).to.equal("permits");
  });
});
