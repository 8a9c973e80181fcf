import {expect} from "chai";
import {signItem} from "../../../src/core/dkg/items.js";
import {verifyOutput} from "../../../src/core/dkg/output.js";
import {formatOutputFile, parseOutputFile} from "../../../src/core/dkg/output-file.js";
import {planDkg, simulateDkg} from "../../simulation/dkg-simulate.js";
import {transparentDkgGroup as group} from "../../simulation/transparent-group.js";
import {cheapNode, verifyCheaply} from "../../support/dkg.js";
import {anyFailure} from "../../support/errors.js";

const calm = {drop: 0, duplicate: 0, maxDelayMs: 20, crash: 0, calmAtMs: 0};

describe("a ceremony's public output", () => {
  const finished = async () => {
    const plan = {
      ...planDkg(1),
      kind: "fresh",
      leaving: 0,
      n: 4,
      validators: 2,
      all: true,
      liars: [],
      weather: calm,
    } as const;
    const {outputs, ceremony, signed} = await simulateDkg(plan, group);
    return {ceremony, signed, output: outputs[0]!};
  };
  const yes = () => true;

  it("is verified from itself alone", async () => {
    const {ceremony, output} = await finished();
    expect(verifyOutput(group, ceremony, output, yes)).to.equal(output.transcript);
  });

  it("survives being written to a file and read, and is refused when anything in the file is changed", async () => {
    const {ceremony, signed, output} = await finished();
    const text = formatOutputFile(signed, output);
    const read = parseOutputFile(text, verifyCheaply);
    expect(verifyOutput(group, read.ceremony, read.output, yes)).to.equal(output.transcript);
    expect(read.ceremony.id).to.equal(ceremony.id);
    const check = (edited: string) => {
      const again = parseOutputFile(edited, verifyCheaply);
      verifyOutput(group, again.ceremony, again.output, yes);
    };
    // Every few characters a hex digit or number becomes another one; addresses and letter case are free.
    for (let at = 0; at < text.length; at += 41) {
      const digit = /[0-9]/.exec(text.slice(at));
      if (digit === null) break;
      const place = at + digit.index;
      const line = text.slice(text.lastIndexOf("\n", place) + 1, text.indexOf("\n", place));
      if (line.includes("/ip4/")) continue;
      const edited = text.slice(0, place) + String((Number(text[place]) + 1) % 10) + text.slice(place + 1);
      anyFailure(() => check(edited));
    }
    const later = text.replace('"version": 1', '"version": 2');
    const {code, data} = anyFailure(() => check(later));
    expect([code, data.field]).to.deep.equal(["DKG_OUTPUT_MALFORMED", "version"]);
    for (const cut of [0, 1, 100, text.length - 3]) anyFailure(() => check(text.slice(0, cut)));
    expect(anyFailure(() => check(" ".repeat(2 ** 24 + 1))).code).to.equal("DKG_OUTPUT_MALFORMED");
  });

  it("is refused with other keys, results, dealers or deposits", async () => {
    const {ceremony, output} = await finished();
    const refused = (change: Partial<typeof output>): string =>
      anyFailure(() => verifyOutput(group, ceremony, {...output, ...change}, yes)).code;
    const [first, second] = output.keys;
    expect(refused({keys: [second!, first!]})).to.equal("DKG_OUTPUT_INVALID");
    expect(refused({keys: [first!]})).to.equal("DKG_OUTPUT_INVALID");
    expect(refused({keys: [first!, first!]})).to.equal("DKG_OUTPUT_INVALID");
    const mixed = {...first!, sharePublicKeys: second!.sharePublicKeys};
    expect(refused({keys: [mixed, second!]})).to.equal("COMMITTEE_SHARES_INCONSISTENT");
    expect(refused({results: output.results.slice(1)})).to.equal("DKG_OUTPUT_INVALID");
    expect(refused({results: [output.results[0]!, ...output.results.slice(0, 3)]})).to.equal("DKG_OUTPUT_INVALID");
    expect(refused({qualified: output.qualified.slice(1)})).to.equal("DKG_OUTPUT_INVALID");
    expect(refused({guilty: [{participant: 2, offence: "equivocation"}]})).to.equal("DKG_OUTPUT_INVALID");
    expect(refused({verdicts: output.verdicts.slice(1)})).to.equal("DKG_OUTPUT_INVALID");
    expect(anyFailure(() => verifyOutput(group, ceremony, output, () => false)).code).to.equal("DKG_OUTPUT_INVALID");
  });

  it("is refused with a proof that another operator made", async () => {
    const {ceremony, output} = await finished();
    const [one, two, ...rest] = output.results;
    const body = {...one!.body, proof: two!.body.proof};
    const stolen = signItem(ceremony, {author: 1, kind: "result", sequence: 0, body}, cheapNode(1).sign);
    const error = anyFailure(() => verifyOutput(group, ceremony, {...output, results: [stolen, two!, ...rest]}, yes));
    expect(error.code).to.equal("DKG_OUTPUT_INVALID");
  });
});
