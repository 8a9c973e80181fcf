import {expect} from "chai";
import {PleiadesError, type ReasonCode} from "../../../src/core/errors.js";
import {REASONS} from "../../../src/core/reasons/index.js";
import {areaOf, STATUS_TABLE, statusOf, toErrorReply} from "../../../src/remote-signer/status.js";

describe("the table of HTTP statuses", () => {
  it("has an area for every reason code", () => {
    for (const code of Object.keys(REASONS) as ReasonCode[]) {
      expect(STATUS_TABLE.areas, code).to.have.property(areaOf(code));
      expect(statusOf(code), code).to.be.within(400, 599);
    }
  });

  it("names no code that does not exist", () => {
    for (const code of Object.keys(STATUS_TABLE.codes)) expect(REASONS).to.have.property(code);
  });

  const expected: [ReasonCode, number][] = [
    ["CODEC_HEX", 400],
    ["CODEC_JSON", 400],
    ["COMMITTEE_UNKNOWN_KEY", 404],
    ["COMMITTEE_REFUSED", 412],
    ["POLICY_NOT_PERMITTED", 412],
    ["CODEC_ROOT_MISMATCH", 500],
    ["INTERNAL", 500],
    ["COMMITTEE_UNAVAILABLE", 503],
    ["HTTP_OVERLOADED", 503],
    ["HTTP_SHUTTING_DOWN", 503],
    ["COMMITTEE_TIMEOUT", 504],
    ["HTTP_DEADLINE", 504],
  ];
  for (const [code, status] of expected) {
    it(`answers ${code} with ${status}`, () => expect(statusOf(code)).to.equal(status));
  }
});

describe("the body of an error", () => {
  it("begins with the code, then says what is wrong", () => {
    const {status, body} = toErrorReply(new PleiadesError({code: "CODEC_HEX", field: "identifier", length: 3}));
    expect(status).to.equal(400);
    expect(JSON.stringify(body)).to.match(
      /^\{"code":"CODEC_HEX","message":"A hex field is not hex of the right length/,
    );
    expect(body.message).to.contain("field: identifier");
  });

  it("gives a reason per operator, and nothing else of what the error carries", () => {
    const {body} = toErrorReply(
      new PleiadesError({
        code: "COMMITTEE_TIMEOUT",
        operators: [{operatorId: 3, code: "COMMITTEE_TIMEOUT", message: "no answer", address: "/ip4/10.0.0.3"}],
        internals: {path: "/etc"},
      }),
    );
    expect(body).to.deep.equal({
      code: "COMMITTEE_TIMEOUT",
      message: REASONS.COMMITTEE_TIMEOUT.meaning,
      operators: [{operatorId: 3, code: "COMMITTEE_TIMEOUT", message: "no answer"}],
    });
  });

  it("tells nothing of an unknown error", () => {
    const {status, body} = toErrorReply(new TypeError("cannot read /var/lib/secret"));
    expect(status).to.equal(500);
    expect(body).to.deep.equal({code: "INTERNAL", message: REASONS.INTERNAL.meaning});
  });

  it("stays short whatever an operator wrote", () => {
    const {body} = toErrorReply(
      new PleiadesError({
        code: "COMMITTEE_REFUSED",
        operators: [{operatorId: 1, code: "made up", message: "x".repeat(100_000)}],
      }),
    );
    expect(JSON.stringify(body).length).to.be.below(1000);
    expect(body.operators?.[0]?.code).to.equal("INTERNAL");
  });
});
