import {expect} from "chai";
import {signatureForm, upcheckForm} from "../../../src/remote-signer/accept.js";

describe("the form of an answer", () => {
  const signatures: [string | undefined, "json" | "text"][] = [
    [undefined, "text"],
    ["", "text"],
    ["*/*", "json"],
    ["application/json", "json"],
    ["APPLICATION/JSON", "json"],
    ["application/json; charset=utf-8", "json"],
    ["application/*", "json"],
    ["text/plain", "text"],
    ["text/*", "text"],
    ["text/plain, */*;q=0.5", "text"],
    ["application/json, text/plain, */*", "json"],
    ["application/json;q=0.2, text/plain;q=0.9", "text"],
    ["text/plain;q=0, */*", "json"],
    ["application/json;q=0, */*", "text"],
    ["image/png", "json"],
    ["text/plain;q=nonsense", "text"],
    [",;,", "json"],
  ];
  for (const [accept, form] of signatures) {
    it(`of a signature is ${form} for Accept ${JSON.stringify(accept)}`, () => {
      expect(signatureForm(accept)).to.equal(form);
    });
  }

  const upchecks: [string | undefined, "json" | "text"][] = [
    [undefined, "text"],
    ["*/*", "text"],
    ["text/plain", "text"],
    ["application/json", "json"],
    ["application/json, text/plain", "text"],
    ["application/json, text/plain;q=0", "json"],
  ];
  for (const [accept, form] of upchecks) {
    it(`of the upcheck is ${form} for Accept ${JSON.stringify(accept)}`, () => {
      expect(upcheckForm(accept)).to.equal(form);
    });
  }
});
