import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {loadOrCreateIdentity} from "../../../src/adapters/libp2p/identity.js";
import {MemorySlashingStore} from "../../../src/adapters/slashing-store/memory.js";
import type {PeerIdText} from "../../../src/core/bytes.js";
import {parseRootHex} from "../../../src/core/bytes.js";
import {type CommitteeDraft, formatCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {codeOf} from "../../../src/core/errors.js";
import {exportInterchange} from "../../../src/keeper/protection.js";
import {cli} from "../../support/cli.js";
import {testDraft, testKey} from "../../support/committees.js";
import {KeeperFixture, OTHER_CHAIN} from "../../support/keeper.js";

/** Every way a start is refused that no other test goes: the code comes first, then what to do, and nothing is left running. */
describe("a start that is refused", function () {
  this.timeout(30_000);
  let dir: string;
  let self: PeerIdText;
  const draft = testDraft([testKey(1, {n: 4})], {n: 4});

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "pleiades-refused-"));
    self = (await loadOrCreateIdentity(join(dir, "node.key"))).peerId;
    writeFileSync(join(dir, "password"), "correct horse\n", {mode: 0o600});
  });
  after(() => rmSync(dir, {recursive: true, force: true}));

  const config = (name: string, body: string): string => {
    const file = join(dir, name);
    writeFileSync(file, `network:\n  name: hoodi\n${body}`);
    return file;
  };
  const committee = (name: string, change: Partial<CommitteeDraft>): string => {
    writeFileSync(join(dir, name), formatCommitteeFile({...draft, ...change}, blstGroup));
    return `committees: [./${name}]\n`;
  };
  const OPERATOR = "operator:\n  listen: [/ip4/127.0.0.1/tcp/0]\n  passwordFile: ./password\n";
  const SIGNER = "signer:\n  port: 0\n";
  /** This node as operator 1. */
  const member = (): Partial<CommitteeDraft> => ({
    operators: draft.operators.map((operator, i) => (i === 0 ? {...operator, peerId: self} : operator)),
  });

  async function refused(code: string, ...args: string[]): Promise<void> {
    const {code: exitCode, stdout, stderr} = await cli(args);
    expect(exitCode, stderr).to.equal(1);
    expect(stdout).to.equal("");
    expect(stderr).to.match(new RegExp(`^${code}: .+`, "m"));
    expect(stderr).to.match(/What to do: /);
  }

  it("without a configuration", () => refused("CONFIG_FILE_MISSING", "operator", "--config", join(dir, "no.yaml")));

  it("in a role the configuration does not have", () =>
    refused("CONFIG_ROLE_MISSING", "signer", "--config", config("role.yaml", OPERATOR)));

  it("with a committee file that is not there", () =>
    refused(
      "CONFIG_COMMITTEE_FILE",
      "operator",
      "--config",
      config("gone.yaml", `committees: [./gone.json]\n${OPERATOR}`),
    ));

  it("of an operator of another committee", () =>
    refused(
      "CONFIG_NOT_A_MEMBER",
      "operator",
      "--config",
      config("other.yaml", committee("other.json", {}) + OPERATOR),
    ));

  it("of a signer that the operators would turn away", () =>
    refused(
      "CONFIG_NOT_A_COORDINATOR",
      "signer",
      "--config",
      config("coord.yaml", committee("coord.json", {}) + SIGNER),
    ));

  it("with a committee file of another chain", () => {
    const file = committee("chain.json", {...member(), genesisValidatorsRoot: parseRootHex(OTHER_CHAIN)});
    return refused("CONFIG_WRONG_CHAIN", "operator", "--config", config("chain.yaml", file + OPERATOR));
  });

  it("on an open address with a network that is taken from requests", () => {
    const open = OPERATOR.replace("127.0.0.1", "0.0.0.0");
    const file = join(dir, "unpinned.yaml");
    writeFileSync(file, `network:\n  name: any\n  preset: mainnet\n  unpinned: true\n${open}`);
    return refused("CONFIG_NETWORK_UNPINNED", "operator", "--config", file);
  });
});

describe("a keeper that is refused", function () {
  this.timeout(30_000);
  let fixture: KeeperFixture;
  beforeEach(() => {
    fixture = new KeeperFixture();
  });
  afterEach(() => fixture.close());
  const startCode = (start: Promise<unknown>): Promise<string> => start.then(() => "started", codeOf);

  it("has settings it cannot use", async () => {
    expect(await startCode(fixture.start({signingThreads: -1}))).to.equal("KEEPER_BAD_INIT");
  });

  it("has a file it cannot read", async () => {
    const missing = join(fixture.folder, "missing.json");
    expect(await startCode(fixture.start({committeeFiles: [missing]}))).to.equal("KEEPER_FILE");
    expect(await startCode(fixture.start({bundleFiles: [missing]}))).to.equal("KEEPER_FILE");
  });

  it("has a bundle of no configured committee", async () => {
    const bundle = await fixture.bundle("bundle.json");
    const code = await startCode(fixture.start({bundleFiles: [bundle], committeeFiles: []}));
    expect(code).to.equal("KEEPER_BUNDLE_COMMITTEE");
  });

  it("has a committee file of another chain", async () => {
    const text = formatCommitteeFile(
      {...testDraft(fixture.keys, {n: 4}), genesisValidatorsRoot: parseRootHex(OTHER_CHAIN)},
      blstGroup,
    );
    writeFileSync(fixture.committeeFile, text);
    expect(await startCode(fixture.start())).to.equal("KEEPER_NETWORK_MISMATCH");
  });
});

describe("an export", () => {
  it("of a key that is not held changes nothing", async () => {
    const fixture = new KeeperFixture();
    const key = fixture.committee.validators[0]!.groupPublicKey;
    const genesisValidatorsRoot = parseRootHex(OTHER_CHAIN);
    const code = await exportInterchange(new MemorySlashingStore(), [key], {genesisValidatorsRoot}).then(
      () => "exported",
      codeOf,
    );
    expect(code).to.equal("SLASHING_UNKNOWN_KEY");
    await fixture.close();
  });
});
