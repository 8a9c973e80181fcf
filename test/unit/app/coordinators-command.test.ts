import {mkdtemp, readdir, readFile, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {runCli} from "../../../src/app/cli/run.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {ceremonyFiles} from "../../support/ceremony-file.js";
import {testDraft, testKey, testPeerId} from "../../support/committees.js";

const [FIRST, SECOND] = [testPeerId(100), testPeerId(101)];

describe("pleiades coordinators", () => {
  let dir: string;
  let file: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-coordinators-"));
    file = join(dir, "committee.json");
    await writeFile(file, formatCommitteeFile(testDraft([testKey(1, {n: 4})], {n: 4}), blstGroup));
  });
  after(() => rm(dir, {recursive: true, force: true}));

  async function run(...flags: string[]): Promise<{code: number; out: string[]; err: string}> {
    const [out, err]: [string[], string[]] = [[], []];
    const io = {
      out: (line: string) => void out.push(line),
      err: (line: string) => void err.push(line),
      progress: () => {},
      interactive: false,
    };
    return {code: await runCli(["coordinators", ...flags], io), out, err: err.join("\n")};
  }

  it("shows who may ask, by rank", async () => {
    expect(await run("--committee", file)).to.deep.equal({code: 0, out: [`0  ${FIRST}`], err: ""});
    const {out} = await run("--committee", file, "--json");
    expect(JSON.parse(out[0]!)).to.deep.equal({coordinators: [FIRST]});
  });

  it("names others in a new file that is the same committee otherwise, and leaves the old one alone", async () => {
    const old = await readFile(file, "utf8");
    const next = join(dir, "next.json");
    const {code, out} = await run("--committee", file, "--set", SECOND, "--set", FIRST, "--out", next);
    expect(code).to.equal(0);
    expect(out).to.deep.equal([`0  ${SECOND}`, `1  ${FIRST}`, `wrote ${next}`]);
    const before = parseCommitteeFile(old, blstGroup);
    const after = parseCommitteeFile(await readFile(next, "utf8"), blstGroup);
    // Committee hashes too: operators and signers with either file understand each other.
    expect(after).to.deep.equal({...before, coordinators: [SECOND, FIRST]});
    expect(await readFile(file, "utf8")).to.equal(old);
  });

  it("keeps an unsafe threshold that the file has consented to", async () => {
    const unsafe = join(dir, "unsafe.json");
    const draft = testDraft([testKey(1, {n: 4, t: 2})], {n: 4, t: 2});
    await writeFile(unsafe, formatCommitteeFile(draft, blstGroup, {unsafeThreshold: true}));
    const next = join(dir, "unsafe-next.json");
    expect((await run("--committee", unsafe, "--set", SECOND, "--out", next)).code).to.equal(0);
    expect(parseCommitteeFile(await readFile(next, "utf8"), blstGroup).threshold).to.equal(2);
  });

  it("does the same for a ceremony's public file, which it verifies and leaves as everybody signed it", async () => {
    const {ceremony, committee} = await ceremonyFiles({coordinators: [FIRST]});
    const signed = join(dir, "ceremony.json");
    await writeFile(signed, ceremony);
    expect(await run("--committee", signed)).to.deep.equal({code: 0, out: [`0  ${FIRST}`], err: ""});
    const next = join(dir, "of-ceremony.json");
    expect((await run("--committee", signed, "--set", SECOND, "--set", FIRST, "--out", next)).code).to.equal(0);
    // With the same committee hashes, so that it stands for the operators' own copy.
    const before = parseCommitteeFile(committee, blstGroup);
    const after = parseCommitteeFile(await readFile(next, "utf8"), blstGroup);
    expect(after).to.deep.equal({...before, coordinators: [SECOND, FIRST]});
    expect(await readFile(signed, "utf8")).to.equal(ceremony);

    const edited = join(dir, "edited-ceremony.json");
    await writeFile(edited, ceremony.replaceAll(FIRST, SECOND));
    const refused = await run("--committee", edited, "--set", SECOND, "--out", join(dir, "never.json"));
    expect(refused.code).to.equal(1);
    expect(refused.err).to.match(/^DKG_[A-Z_]+: /m);
    expect(refused.err).to.contain("What to do: ");
    expect(await readdir(dir)).not.to.contain("never.json");
  }).timeout(30_000);

  for (const [what, code, flags] of [
    ["no peer id", "SPLIT_COORDINATOR", ["--set", "me", "--out", "x.json"]],
    ["--set without --out", "CLI_USAGE", ["--set", SECOND]],
    ["--out without --set", "CLI_USAGE", ["--out", "x.json"]],
    ["a file that is there", "CONFIG_EXISTS", ["--set", SECOND, "--out", "committee.json"]],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const inDir = flags.map((flag) => (flag.endsWith(".json") ? join(dir, flag) : flag));
      const result = await run("--committee", file, ...inDir);
      expect(result.code).to.equal(code === "CLI_USAGE" ? 2 : 1);
      expect(result.err).to.match(new RegExp(`^${code}: `, "m"));
    });
  }

  it("refuses a file that was edited by hand", async () => {
    const edited = join(dir, "edited.json");
    await writeFile(edited, (await readFile(file, "utf8")).replace(FIRST, SECOND));
    expect((await run("--committee", edited)).err).to.match(/^COMMITTEE_FILE_EDITED: /m);
  });
});
