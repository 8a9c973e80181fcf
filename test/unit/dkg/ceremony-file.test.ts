import {expect} from "chai";
import {blstDkgGroup, blstGroup} from "../../../src/adapters/bls/blst.js";
import {parseAddressHex, parseGwei, rootHex} from "../../../src/core/bytes.js";
import {parseCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {
  type CeremonyRecord,
  committeeFileOf,
  formatCeremonyFile,
  verifyCeremonyFile,
} from "../../../src/core/dkg/ceremony-file.js";
import {signItem} from "../../../src/core/dkg/items.js";
import {verifyNodeSignature} from "../../../src/core/dkg/node-signature.js";
import {addressCredentials, keyCredentials} from "../../../src/core/mini-pool/deposit-data.js";
import {formatDepositFile, parseDepositFile} from "../../../src/core/mini-pool/deposit-file.js";
import {testSeed} from "../../support/dkg.js";
import {type TestRecord, testRecord} from "../../support/dkg-record.js";
import {anyFailure, failure} from "../../support/errors.js";

const AMOUNTS = [parseGwei("1000000000"), parseGwei("31000000000")];
const modules = {group: blstDkgGroup, verify: verifyNodeSignature};
const check = (text: string) => verifyCeremonyFile(text, modules);

describe("a ceremony file", () => {
  let made: TestRecord;
  let text: string;
  before(() => {
    made = testRecord(4, {validators: 2, depositAmounts: AMOUNTS});
    text = formatCeremonyFile(made.record);
  });

  it("is verified from itself alone", () => {
    const verified = check(text);
    expect(verified.missing).to.deep.equal([]);
    expect(verified.transcript).to.equal(made.record.transcript);
    expect(verified.outcomes).to.deep.equal(made.record.outcomes);
    expect(formatCeremonyFile(verified)).to.equal(text);
  });

  it("gives the committee file and the deposits that the launchpad takes", () => {
    const verified = check(text);
    const committee = parseCommitteeFile(committeeFileOf(blstDkgGroup, verified), blstGroup);
    expect(committee).to.include({generation: 0, threshold: 3});
    expect(committee.validators.map(({groupPublicKey}) => groupPublicKey)).to.deep.equal(
      made.record.outcomes.keys.map(({groupPublicKey}) => groupPublicKey),
    );
    expect(committee.coordinators).to.deep.equal(made.ceremony.definition.coordinators);
    const {name, genesisForkVersion} = made.ceremony.definition.network;
    const network = {name, genesisForkVersion};
    const deposits = parseDepositFile(formatDepositFile(verified.deposits, {network, bls: blstGroup}), {
      network,
      bls: blstGroup,
    });
    expect(deposits.map(({amount}) => amount)).to.deep.equal([...AMOUNTS, ...AMOUNTS]);
    const credentials = addressCredentials(parseAddressHex(`0x${"ab".repeat(20)}`));
    expect(new Set(deposits.map(({withdrawalCredentials}) => withdrawalCredentials))).to.deep.equal(
      new Set([credentials]),
    );
  });

  it("deposits to the key itself where the definition says so", () => {
    const changeTo = parseAddressHex(`0x${"ef".repeat(20)}`);
    const {record} = testRecord(4, {withdrawal: {kind: "dkg-key", changeTo}});
    const [deposit] = check(formatCeremonyFile(record)).deposits;
    expect(deposit!.withdrawalCredentials).to.equal(keyCredentials(record.outcomes.keys[0]!.groupPublicKey));
  });

  it("names the operators that have not proved their shares, where not all are required", () => {
    const {record} = testRecord(4, {require: 3, results: [1, 3, 4]});
    expect(check(formatCeremonyFile(record)).missing).to.deep.equal([2]);
    const short = {...record, results: record.results.slice(1)};
    expect(failure("DKG_FILE_INCOMPLETE", () => check(formatCeremonyFile(short))).data.missing).to.equal("1, 2");
  });

  it("is the same for seven operators, of whom any five make the deposits", () => {
    for (const results of [
      [1, 2, 3, 4, 5],
      [2, 3, 5, 6, 7],
    ]) {
      const {record} = testRecord(7, {require: 5, results});
      expect(check(formatCeremonyFile(record)).deposits).to.have.length(1);
    }
  });

  it("is refused when anything in it was changed after it was signed", () => {
    const other = testRecord(4, {validators: 2, depositAmounts: AMOUNTS, nonce: 2} as object);
    const changes: readonly [string, Partial<CeremonyRecord>][] = [
      ["DKG_FILE_TRANSCRIPT", {transcript: rootHex(testSeed(1))}],
      [
        "DKG_FILE_TRANSCRIPT",
        {outcomes: {...made.record.outcomes, guilty: [{participant: 1, offence: "wrong share"}]}},
      ],
      ["DKG_FILE_TRANSCRIPT", {outcomes: {...made.record.outcomes, keys: [...made.record.outcomes.keys].reverse()}}],
      ["DKG_DEFINITION_SIGNATURE", {signed: {...made.signed, signatures: other.signed.signatures}}],
      ["DKG_ITEM_OTHER_CEREMONY", {results: other.record.results}],
    ];
    for (const [code, change] of changes) {
      const changed = {...made.record, ...change};
      const guilty = changed.outcomes.guilty.length > 0;
      const outcomes = guilty
        ? {...changed.outcomes, qualified: changed.outcomes.qualified.slice(1)}
        : changed.outcomes;
      failure(code as never, () => check(formatCeremonyFile({...changed, outcomes})));
    }
  });

  it("is refused when a share public key is off the polynomial", () => {
    const [first, second] = made.record.outcomes.keys;
    const swapped = {...first!, sharePublicKeys: [...first!.sharePublicKeys.slice(0, 3), second!.sharePublicKeys[3]!]};
    const outcomes = {...made.record.outcomes, keys: [swapped, second!]};
    failure("COMMITTEE_SHARES_INCONSISTENT", () => check(formatCeremonyFile({...made.record, outcomes})));
  });

  it("is refused when an operator's proof or its deposits are not its own", () => {
    const {record, ceremony, nodes} = made;
    const [one, two] = record.results;
    for (const body of [
      {...two!.body, proof: one!.body.proof},
      {...two!.body, deposits: one!.body.deposits},
      {...two!.body, transcript: rootHex(testSeed(1))},
    ]) {
      const item = signItem(ceremony, {author: 2, kind: "result", sequence: 0, body}, nodes[1]!.sign);
      const results = [one!, item, ...record.results.slice(2)];
      const error = failure("DKG_FILE_RESULT", () => check(formatCeremonyFile({...record, results})));
      expect(error.data.operatorId).to.equal(2);
    }
  });

  it("is refused with a code when it was cut short, or any value in it is of another kind", () => {
    for (const length of [0, 1, 100, text.length >> 1, text.length - 10]) {
      failure("DKG_FILE_MALFORMED", () => check(text.slice(0, length)));
    }
    const json = JSON.parse(text) as {[key: string]: unknown};
    failure("DKG_FILE_VERSION", () => check(JSON.stringify({...json, version: 2, more: 1})));
    for (const key of Object.keys(json)) {
      const {[key]: _, ...without} = json;
      anyFailure(() => check(JSON.stringify(without)));
      for (const value of [null, 7, "x", [], {}, [null], [[]], [{}]]) {
        // Nobody is guilty, and that is well.
        if (JSON.stringify(value) === JSON.stringify(json[key])) continue;
        anyFailure(() => check(JSON.stringify({...json, [key]: value})));
      }
    }
    expect(() => check(JSON.stringify(json))).not.to.throw();
  });
});
