import {mkdtemp, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {loadCommittees} from "../../../src/app/committee-files.js";
import {formatCommitteeFile} from "../../../src/core/committee/committee-file.js";
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
});
