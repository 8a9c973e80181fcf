import {expect} from "chai";
import {blstDkgGroup} from "../../../src/adapters/bls/blst.js";
import {parseBytes4Hex} from "../../../src/core/bytes.js";
import {parseCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {parseDefinition} from "../../../src/core/dkg/definition.js";
import {verifyNodeSignature} from "../../../src/core/dkg/node-signature.js";
import {parsePresetName} from "../../../src/core/duty/network.js";
import {PleiadesError} from "../../../src/core/errors.js";
import {parseSealedExit} from "../../../src/core/escrow/sealed.js";
import {parseDepositFile} from "../../../src/core/mini-pool/deposit-file.js";
import {shown} from "../../../src/core/shown.js";
import {readBundleEnvelope} from "../../../src/keeper/bundle.js";

/** Objects of JSON that cannot be made into text by `String`. */
const ODD = ['{"toString":1}', '[{"toString":null,"valueOf":2}]', '{"toString":{"a":1}}'];

describe("a value that cannot be made into text", () => {
  it("is shown all the same, and cut", () => {
    for (const odd of ODD) expect(shown(JSON.parse(odd))).to.equal(odd);
    expect(shown("x".repeat(100), 8)).to.equal("xxxxxxxx");
    expect([shown(undefined), shown(null), shown(1n)]).to.deep.equal(["undefined", "null", "1"]);
    const round: {self?: object} = {};
    round.self = round;
    expect(shown(round)).to.equal("an object");
  });

  const row = (odd: string): string =>
    `[{"pubkey":"${"aa".repeat(48)}","withdrawal_credentials":"${"00".repeat(32)}","amount":32000000000,"signature":"${"bb".repeat(96)}",` +
    `"deposit_message_root":"${"00".repeat(32)}","deposit_data_root":"${"00".repeat(32)}","fork_version":"00000000","network_name":${odd},"deposit_cli_version":"2.7.0"}]`;
  const network = {name: "hoodi", genesisForkVersion: parseBytes4Hex("0x10000910")};
  const READERS: {readonly [what: string]: (odd: string) => unknown} = {
    "a committee file": (odd) => parseCommitteeFile(`{"version":${odd}}`, blstDkgGroup),
    "a definition": (odd) => parseDefinition(`{"version":${odd}}`, verifyNodeSignature),
    "a share bundle": (odd) => readBundleEnvelope(`{"format":"pleiades-share-bundle","version":${odd}}`),
    "a sealed exit": (odd) => parseSealedExit(`{"version":${odd}}`),
    "deposit data": (odd) => parseDepositFile(row(odd), {network, bls: blstDkgGroup}),
    "a preset": (odd) => parsePresetName(JSON.parse(odd)),
  };
  for (const [what, read] of Object.entries(READERS)) {
    it(`gets a code in ${what}`, () => {
      for (const odd of ODD) expect(() => read(odd)).to.throw(PleiadesError);
    });
  }
});
