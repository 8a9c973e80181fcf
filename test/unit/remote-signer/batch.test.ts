import {expect} from "chai";
import {SIGN_TYPES} from "../../../src/core/duty/sign-request.js";
import {codeOf} from "../../../src/core/errors.js";
import {assertBatchType, readBatch} from "../../../src/remote-signer/batch.js";

const key = (digit: string): string => `0x${digit.repeat(96)}`;
const request = {type: "ATTESTATION"};
const codeFor = (body: unknown): string => {
  try {
    readBatch(body, {maxKeys: 3});
    return "ok";
  } catch (error) {
    return codeOf(error);
  }
};

describe("a batch request", () => {
  it("keeps the order of its keys, their spelling, and one normal form", () => {
    const bare = "B".repeat(96);
    const batch = readBatch({identifiers: [bare, key("a")], signing_request: request}, {maxKeys: 3});
    expect(batch.keys).to.deep.equal([
      {identifier: bare, key: key("b")},
      {identifier: key("a"), key: key("a")},
    ]);
    expect(batch.signingRequest).to.equal(request);
  });

  it("is a non-empty, bounded list of keys and one request", () => {
    const bad: unknown[] = [
      null,
      [],
      "text",
      {},
      {identifiers: [], signing_request: request},
      {identifiers: key("a"), signing_request: request},
      {identifiers: {0: key("a")}, signing_request: request},
      {identifiers: ["1", "2", "3", "4"].map(key), signing_request: request},
      {identifiers: [key("a")]},
      {identifiers: [key("a")], signing_request: null},
      {identifiers: [key("a")], signing_request: [request]},
    ];
    for (const body of bad) expect(codeFor(body), JSON.stringify(body)).to.equal("HTTP_BATCH_INVALID");
    expect(codeFor({identifiers: ["1", "2", "3"].map(key), signing_request: request})).to.equal("ok");
  });

  it("names no key twice, in whatever case or with and without 0x", () => {
    for (const twin of [key("a"), key("A"), "A".repeat(96), `0X${"a".repeat(96)}`]) {
      const code = codeFor({identifiers: [key("a"), key("b"), twin], signing_request: request});
      expect(code, twin).to.equal("HTTP_BATCH_DUPLICATE_KEY");
    }
  });

  it("refuses what is not a public key", () => {
    for (const wrong of ["0x12", key("g"), 7, null, "", key("a").slice(1)]) {
      expect(codeFor({identifiers: [wrong], signing_request: request})).to.equal("CODEC_HEX");
    }
  });

  it("is allowed only for types whose message names no validator", () => {
    const allowed = SIGN_TYPES.filter((type) => {
      try {
        assertBatchType(type);
        return true;
      } catch (error) {
        expect(codeOf(error)).to.equal("HTTP_BATCH_TYPE");
        return false;
      }
    });
    expect(allowed.sort()).to.deep.equal([
      "AGGREGATION_SLOT",
      "ATTESTATION",
      "GENERIC",
      "RANDAO_REVEAL",
      "SYNC_COMMITTEE_MESSAGE",
      "SYNC_COMMITTEE_SELECTION_PROOF",
    ]);
  });
});
