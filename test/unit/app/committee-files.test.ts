import {mkdtemp, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {loadCommittees} from "../../../src/app/committee-files.js";
import {formatCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {ceremonyFiles} from "../../support/ceremony-file.js";
import {testDraft, testKey, testPeerId} from "../../support/committees.js";

const [ONE, TWO] = [testKey(1, {n: 4}), testKey(2, {n: 4})];
const ANY = {genesisValidatorsRoot: null};

describe("committee files of the configuration and of plugins", () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-committees-"));
  });
  after(() => rm(dir, {recursive: true, force: true}));

  const text = (keys: Parameters<typeof testDraft>[0], more: object = {}): string =>
    formatCommitteeFile({...testDraft(keys, {n: 4}), ...more}, blstGroup);
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(dir, name), content);
    return join(dir, name);
  };
  const source = (...texts: string[]) => ({name: "plugin", committeeFiles: async () => texts});

  it("take the configured one of two copies, so that its owner may edit signers and addresses", async () => {
    const coordinators = [testPeerId(100), testPeerId(101)];
    const files = [await file("edited.json", text([ONE], {coordinators}))];
    const {committees, errors} = await loadCommittees({files, sources: [source(text([ONE]), text([TWO]))]}, ANY);
    expect(errors).to.deep.equal([]);
    expect(committees.map((one) => one.coordinators.length)).to.deep.equal([2, 1]);
  });

  it("are refused when one key stands in two that are not copies of each other, naming both", async () => {
    const files = [await file("one.json", text([ONE]))];
    const again = await file("again.json", text([ONE]));
    const mixed = await loadCommittees({files, sources: [source(text([ONE, TWO]))]}, ANY);
    expect(mixed.errors.map(({code}) => code)).to.deep.equal(["COMMITTEE_DUPLICATE_KEY"]);
    expect(mixed.committees).to.have.length(1);
    const twice = await loadCommittees({files: [...files, again], sources: []}, ANY);
    expect(twice.errors[0]?.data.files).to.deep.equal([files[0], again]);
  });

  it("follow from a ceremony's public file as from the committee file that it left", async () => {
    const {ceremony, committee} = await ceremonyFiles({validators: 2});
    const [from] = (await loadCommittees({files: [await file("ceremony.json", ceremony)], sources: []}, ANY))
      .committees;
    const [as] = (await loadCommittees({files: [await file("made.json", committee)], sources: []}, ANY)).committees;
    expect(from).to.deep.equal(as);
    expect(from?.validators).to.have.length(2);
    // An operator's plugin has the same one.
    const both = await loadCommittees({files: [join(dir, "ceremony.json")], sources: [source(committee)]}, ANY);
    expect([both.errors, both.committees.length]).to.deep.equal([[], 1]);
  }).timeout(60_000);

  it("of a ceremony are refused when anything in it was edited, and take no other file down", async () => {
    const {ceremony} = await ceremonyFiles();
    const good = await file("good.json", text([ONE]));
    const known = {ceremonies: new Map<string, string>()};
    const untouched = await file("ceremony.json", ceremony);
    await loadCommittees({files: [untouched], sources: []}, ANY, known);
    expect(known.ceremonies.size).to.equal(1);
    const parsed = JSON.parse(ceremony) as {
      definition: {fee_recipient: string};
      validators: {share_public_keys: string[]}[];
      results: unknown[];
    };
    const edits: readonly [string, RegExp, () => void][] = [
      ["another fee recipient", /^DKG_/, () => (parsed.definition.fee_recipient = `0x${"11".repeat(20)}`)],
      ["shares of other operators", /^(DKG|COMMITTEE)_/, () => void parsed.validators[0]!.share_public_keys.reverse()],
      ["a result less", /^DKG_OUTPUT_INVALID$/, () => void parsed.results.pop()],
    ];
    for (const [what, code, edit] of edits) {
      const before = structuredClone(parsed);
      edit();
      const edited = await file("edited.json", JSON.stringify(parsed));
      Object.assign(parsed, before);
      const {committees, errors} = await loadCommittees({files: [edited, good, untouched], sources: []}, ANY, known);
      expect(errors.map((error) => error.code)[0], what).to.match(code);
      expect([errors.length, errors[0]?.data.file, committees.length], what).to.deep.equal([1, edited, 2]);
    }
    const cut = await file("cut.json", ceremony.slice(0, -20));
    const {errors} = await loadCommittees({files: [cut], sources: []}, ANY);
    expect(errors[0]?.code).to.equal("COMMITTEE_FILE_MALFORMED");
  }).timeout(60_000);
});
