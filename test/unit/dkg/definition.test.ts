import {expect} from "chai";
import {generateIdentity} from "../../../src/adapters/libp2p/identity.js";
import {parseEpoch, parseRootHex} from "../../../src/core/bytes.js";
import {ceremonyOf} from "../../../src/core/dkg/ceremony.js";
import {
  ceremonyId,
  formatDefinition,
  parseDefinition,
  participantsOf,
  type SignedDefinition,
} from "../../../src/core/dkg/definition.js";
import {nodePublicKey, pluginMessage, verifyNodeSignature} from "../../../src/core/dkg/node-signature.js";
import {testDraft, testKey} from "../../support/committees.js";
import {consented, testCeremony, testDefinition, testNode} from "../../support/dkg.js";
import {anyFailure} from "../../support/errors.js";

const parse = (text: string): SignedDefinition => parseDefinition(text, verifyNodeSignature);
const nodes = [1, 2, 3, 4].map(testNode);
const edit = (text: string, change: (json: Record<string, unknown>) => void): string => {
  const json = JSON.parse(text) as Record<string, unknown>;
  change(json);
  return JSON.stringify(json);
};
const previousOf = (n: number, first: number) => ({
  generation: 2,
  threshold: testDraft([testKey(1, {n})], {n}).threshold,
  operators: testDefinition(Array.from({length: n}, (_, i) => testNode(first + i))).operators,
  validators: testDraft([testKey(1, {n})], {n}).validators,
  handoverEpoch: parseEpoch("500"),
});

const ESCROW = {publicKey: parseRootHex(`0x${"09".repeat(32)}`), name: "A holder"};

describe("a ceremony definition", () => {
  const {signed} = testCeremony(4, {validators: 3});
  const text = formatDefinition(signed);

  it("survives being written and read", () => {
    expect(parse(text)).to.deep.equal(signed);
    expect(formatDefinition(parse(text))).to.equal(text);
  });

  it("has an id that every value but addresses and signatures goes into", () => {
    const id = ceremonyId(signed.definition);
    const operators = signed.definition.operators.map((one) => ({...one, addresses: []}));
    expect(ceremonyId({...signed.definition, operators})).to.equal(id);
    const others = [
      {validators: 4},
      {deadline: 1},
      {require: 3},
      {depositAmounts: []},
      {coordinators: []},
      {feeRecipient: signed.definition.feeRecipient.replace("cd", "ce") as typeof signed.definition.feeRecipient},
      {withdrawal: {kind: "dkg-key", changeTo: signed.definition.feeRecipient} as const},
      {network: {...signed.definition.network, name: "mainnet"}},
      {nonce: signed.definition.network.genesisValidatorsRoot},
      {escrow: ESCROW},
      {escrow: {...ESCROW, name: "Zoë & sons"}},
      {escrow: {...ESCROW, publicKey: parseRootHex(`0x${"0a".repeat(32)}`)}},
    ].map((change) => ceremonyId({...signed.definition, ...change}));
    expect(new Set([id, ...others]).size).to.equal(others.length + 1);
  });

  it("has the id it always had when it names no escrow holder, and survives with one", () => {
    expect(text).not.to.include("escrow");
    expect(ceremonyId({...signed.definition, escrow: null})).to.equal(ceremonyId(signed.definition));
    const named = consented({...signed.definition, escrow: ESCROW}, nodes);
    expect(parse(formatDefinition(named))).to.deep.equal(named);
  });

  it("is refused when anything was changed after it was signed", () => {
    const changed = edit(text, (json) => {
      json.fee_recipient = `0x${"00".repeat(20)}`;
    });
    expect(anyFailure(() => parse(changed)).code).to.equal("DKG_DEFINITION_SIGNATURE");
    const swapped = edit(text, (json) => {
      const [first, second] = json.signatures as {signature: string}[];
      [first!.signature, second!.signature] = [second!.signature, first!.signature];
    });
    expect(anyFailure(() => parse(swapped)).code).to.equal("DKG_DEFINITION_SIGNATURE");
  });

  it("may be moved to other addresses without signing again", () => {
    const moved = edit(text, (json) => {
      (json.operators as {addresses: string[]}[])[0]!.addresses = ["/dns4/other.example/tcp/9000"];
    });
    expect(parse(moved).definition.operators[0]!.addresses).to.deep.equal(["/dns4/other.example/tcp/9000"]);
  });

  it("does not run before all have signed, and says who has not", () => {
    const partly = consented(signed.definition, nodes.slice(0, 2));
    const error = anyFailure(() => ceremonyOf(partly, verifyNodeSignature));
    expect([error.code, error.data.participants]).to.deep.equal(["DKG_DEFINITION_UNSIGNED", "3,4"]);
  });

  const refusals: [string, string, (json: Record<string, unknown>) => void][] = [
    ["another version", "DKG_DEFINITION_VERSION", (json) => Object.assign(json, {version: 2})],
    ["an unknown field", "DKG_DEFINITION_MALFORMED", (json) => Object.assign(json, {more: 1})],
    ["a missing field", "DKG_DEFINITION_MALFORMED", (json) => delete json.nonce],
    ["an unknown kind", "DKG_DEFINITION_MALFORMED", (json) => Object.assign(json, {kind: "other"})],
    ["no validators", "DKG_DEFINITION_MALFORMED", (json) => Object.assign(json, {validators: 0})],
    [
      "more validators than one ceremony takes",
      "DKG_DEFINITION_MALFORMED",
      (json) => Object.assign(json, {validators: 1001}),
    ],
    [
      "another threshold without consent",
      "COMMITTEE_THRESHOLD",
      (json) => Object.assign(json, {threshold: 2, require: 2}),
    ],
    ["fewer required than the threshold", "DKG_DEFINITION_MALFORMED", (json) => Object.assign(json, {require: 2})],
    ["a previous committee of a fresh key", "DKG_DEFINITION_MALFORMED", (json) => Object.assign(json, {previous: {}})],
    [
      "a refresh without previous committee",
      "DKG_DEFINITION_MALFORMED",
      (json) => Object.assign(json, {kind: "refresh"}),
    ],
    ...[
      {public_key: ESCROW.publicKey},
      {public_key: ESCROW.publicKey, name: ""},
      {public_key: ESCROW.publicKey, name: " edge"},
      {public_key: ESCROW.publicKey, name: "two\nlines"},
      {public_key: ESCROW.publicKey, name: "turned \u202e round"},
      {public_key: ESCROW.publicKey, name: "x".repeat(65)},
      {public_key: `0x${"00".repeat(32)}`, name: "everybody"},
      {public_key: ESCROW.publicKey, name: "a", more: 1},
      "somebody",
    ].map((escrow): (typeof refusals)[number] => [
      `the escrow holder ${JSON.stringify(escrow)}`,
      "DKG_DEFINITION_MALFORMED",
      (json) => Object.assign(json, {escrow}),
    ]),
    ["a deposit below 1 ETH", "DKG_DEFINITION_MALFORMED", (json) => Object.assign(json, {deposit_amounts: ["5"]})],
    [
      "one operator twice",
      "COMMITTEE_DUPLICATE_PEER",
      (json) => {
        const operators = json.operators as {peer_id: string}[];
        operators[1]!.peer_id = operators[0]!.peer_id;
      },
    ],
    [
      "operators out of order",
      "COMMITTEE_OPERATOR_IDS",
      (json) => {
        (json.operators as unknown[]).reverse();
      },
    ],
  ];
  for (const [what, code, change] of refusals) {
    it(`refuses ${what}`, () => {
      expect(anyFailure(() => parse(edit(text, change))).code).to.equal(code);
    });
  }

  it("refuses what is no JSON, too long, or cut off anywhere", () => {
    expect(anyFailure(() => parse(" ".repeat(2 ** 22))).code).to.equal("DKG_DEFINITION_MALFORMED");
    for (let length = 0; length < text.length - 2; length += 97) {
      expect(anyFailure(() => parse(text.slice(0, length))).code).to.equal("DKG_DEFINITION_MALFORMED");
    }
  });

  it("of a reshare numbers new operators first, then old ones that leave, and does without some old signatures", () => {
    const previous = previousOf(4, 3);
    const definition = testDefinition(nodes, {kind: "reshare", previous, depositAmounts: []});
    const shown = participantsOf(definition).map(({dealer, recipient}) => [dealer, recipient]);
    expect(shown).to.deep.equal([
      [null, 1],
      [null, 2],
      [1, 3],
      [2, 4],
      [3, null],
      [4, null],
    ]);
    const all = [1, 2, 3, 4, 5, 6].map(testNode);
    expect(parse(formatDefinition(consented(definition, all))).definition).to.deep.equal(definition);
    ceremonyOf(consented(definition, all.slice(0, 5)), verifyNodeSignature);
    const error = anyFailure(() => ceremonyOf(consented(definition, all.slice(0, 4)), verifyNodeSignature));
    expect(error.code).to.equal("DKG_DEFINITION_UNSIGNED");
  });

  it("of a refresh has the same operators and threshold", () => {
    const previous = previousOf(4, 1);
    const definition = testDefinition(nodes, {kind: "refresh", previous, depositAmounts: []});
    expect(parse(formatDefinition(consented(definition, nodes))).definition).to.deep.equal(definition);
    const others = {...definition, operators: testDefinition([2, 1, 3, 4].map(testNode)).operators};
    expect(anyFailure(() => formatDefinition(consented(others, nodes))).data.field).to.equal("operators");
  });
});

describe("a node's signature", () => {
  it("verifies with the key that the peer id contains, as libp2p makes it", async () => {
    const identity = await generateIdentity();
    const message = Buffer.from("message");
    const signature = await identity.privateKey().sign(pluginMessage("dkg", message));
    expect(Buffer.from(nodePublicKey(identity.peerId)!)).to.deep.equal(
      Buffer.from(identity.privateKey().publicKey.raw),
    );
    expect(verifyNodeSignature(identity.peerId, message, signature)).to.equal(true);
    expect(verifyNodeSignature(testNode(1).peerId, message, signature)).to.equal(false);
    expect(verifyNodeSignature(identity.peerId, Buffer.from("massage"), signature)).to.equal(false);
    expect(verifyNodeSignature(identity.peerId, message, signature.slice(1))).to.equal(false);
  });
});
