import {mkdir, mkdtemp, readdir, readFile, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup, loadSecretKey} from "../../../src/adapters/bls/blst.js";
import {runCli} from "../../../src/app/cli/run.js";
import {interopSecrets} from "../../../src/app/local/interop.js";
import {parsePubkeyHex} from "../../../src/core/bytes.js";
import {parseCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {openShareBundle} from "../../../src/keeper/bundle.js";
import {makeKeystore} from "../../support/keystore.js";

const PEERS = [
  "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
  "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
  "12D3KooWD3bfmNbuuuVCYwkjnFt3ukm3qaB3hDED3peHHXawvRAi",
  "12D3KooWKFgwGqDhdQ4eM2ZjJHwMCrgJsBZW6UaqCsPgaFAYiwjP",
];
const HOODI_ROOT = "0x212f13fc4df078b6cb7db228f1c8307566dcecf900867401a92023d7ba99cb5f";
const SECRETS = interopSecrets({first: 0, last: 1});
const KEYS = SECRETS.map((secret) => loadSecretKey(secret).publicKey);

describe("pleiades split", function () {
  this.timeout(60_000);
  let dir: string;
  let out: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-split-"));
    out = join(dir, "out");
    await mkdir(join(dir, "keys"));
    for (const [i, secret] of SECRETS.entries()) {
      await writeFile(join(dir, "keys", `k${i}.json`), await makeKeystore(secret, "pw"));
    }
    await writeFile(join(dir, "pw.txt"), "pw\n", {mode: 0o600});
  });
  after(() => rm(dir, {recursive: true, force: true}));
  afterEach(() => rm(out, {recursive: true, force: true}));

  const operators = (n = 4): string[] =>
    PEERS.slice(0, n).flatMap((peer, i) => ["--operator", `${i + 1}=${peer}@/ip4/10.0.0.${i + 1}/tcp/9100`]);
  const base = (): string[] => [
    ...["--keystores", join(dir, "keys"), "--passwords", join(dir, "pw.txt"), "--out", out],
    ...["--coordinator", PEERS[0] ?? "", "--network", "hoodi"],
  ];
  async function split(...flags: string[]): Promise<{code: number; out: string[]; err: string}> {
    const [lines, errors]: [string[], string[]] = [[], []];
    const io = {
      out: (line: string) => void lines.push(line),
      err: (line: string) => void errors.push(line),
      progress: (line: string) => void errors.push(line),
      interactive: false,
    };
    const code = await runCli(["split", ...flags], io);
    return {code, out: lines, err: errors.join("\n")};
  }
  async function refused(code: string, ...flags: string[]): Promise<string> {
    const result = await split(...flags);
    expect(result.code, result.err).to.equal(code === "CLI_USAGE" ? 2 : 1);
    expect(result.err).to.match(new RegExp(`^${code}: `, "m"));
    expect(result.out).to.deep.equal([]);
    expect((await readdir(dir)).filter((name) => name.startsWith("out"))).to.deep.equal([]);
    return result.err;
  }
  const interchange = async (root: string, target: string, keys: readonly string[] = KEYS): Promise<string> => {
    const file = join(dir, "protection.json");
    const data = keys.map((pubkey) => ({
      pubkey,
      signed_blocks: [{slot: "32"}],
      signed_attestations: [{source_epoch: "0", target_epoch: target}],
    }));
    await writeFile(
      file,
      JSON.stringify({metadata: {interchange_format_version: "5", genesis_validators_root: root}, data}),
    );
    return file;
  };

  it("gives every operator a bundle with its own share of every key, and the records of the former client", async () => {
    const history = await interchange(HOODI_ROOT, "7", [KEYS[0] ?? ""]);
    const {code, err} = await split(...base(), ...operators(), "--slashing-protection", history);
    expect(code, err).to.equal(0);
    expect(err).to.include(`says nothing about ${KEYS[1]}`);
    const committee = parseCommitteeFile(await readFile(join(out, "committee.json"), "utf8"), blstGroup);
    expect(committee.validators.map(({groupPublicKey}) => groupPublicKey)).to.deep.equal(KEYS);
    expect(committee.genesisValidatorsRoot).to.equal(HOODI_ROOT);
    for (const [i, id] of [1, 2, 3, 4].entries()) {
      const password = (await readFile(join(out, `operator-${id}.password`), "utf8")).trim();
      const content = await openShareBundle(await readFile(join(out, `operator-${id}.bundle.json`), "utf8"), password);
      expect(content.operatorId).to.equal(id);
      const shareKeys = content.shares.map(({secret}) => loadSecretKey(secret.reveal()).publicKey);
      expect(shareKeys).to.deep.equal(committee.validators.map(({sharePublicKeys}) => sharePublicKeys[i]));
      const {records} = content;
      if (typeof records === "string") throw new Error("the records were lost");
      expect([...records.keys()]).to.deep.equal([KEYS[0]]);
      expect(records.get(parsePubkeyHex(KEYS[0]))?.attestation?.target).to.equal(7n);
    }
  });

  it("says that records start at a floor when nothing is said about history", async () => {
    const {code, err} = await split(...base(), ...operators());
    expect(code, err).to.equal(0);
    expect(err).to.include("records start at a floor (no --slashing-protection was given)");
    const password = (await readFile(join(out, "operator-1.password"), "utf8")).trim();
    const bundle = await openShareBundle(await readFile(join(out, "operator-1.bundle.json"), "utf8"), password);
    expect(bundle.records).to.equal("floor");
  });

  it("refuses history of another chain, or from the future", async () => {
    const otherChain = await interchange(`0x${"11".repeat(32)}`, "7");
    await refused("SPLIT_WRONG_CHAIN", ...base(), ...operators(), "--slashing-protection", otherChain);
    const future = await interchange(HOODI_ROOT, "9000000");
    await refused("SLASHING_BEYOND_CLOCK", ...base(), ...operators(), "--slashing-protection", future);
    await writeFile(future, "{}");
    await refused("SLASHING_INTERCHANGE", ...base(), ...operators(), "--slashing-protection", future);
  });

  it("takes one history only", async () => {
    await refused("CLI_USAGE", ...base(), ...operators(), "--floor", "--never-signed");
  });

  it("keeps to safe sizes and thresholds, or says what is given up", async () => {
    await refused("COMMITTEE_SIZE", ...base(), ...operators(3));
    const err = await refused("COMMITTEE_THRESHOLD", ...base(), ...operators(), "--threshold", "2");
    expect(err).to.include("--unsafe-threshold");
    const unsafe = await split(...base(), ...operators(), "--threshold", "4", "--unsafe-threshold", "--never-signed");
    expect(unsafe.code, unsafe.err).to.equal(0);
    expect(unsafe.err).to.include("4 of 4 operators sign: 0 may be absent, and safety survives 3 liars");
  });

  it("refuses a wrong password, an existing folder, and a committee that is not complete, before it writes anything", async () => {
    await writeFile(join(dir, "wrong.txt"), "wrong\n", {mode: 0o600});
    const wrong = base().map((flag) => (flag === join(dir, "pw.txt") ? join(dir, "wrong.txt") : flag));
    await refused("SPLIT_KEYSTORE_PASSWORD", ...wrong, ...operators());
    await refused("SPLIT_COORDINATOR", ...base().filter((_, i) => i !== 6 && i !== 7), ...operators());
    await refused("SPLIT_OPERATORS", ...base(), "--operator", "nonsense");
    await refused("CLI_USAGE", ...base());
    await refused("CLI_USAGE", ...base(), ...operators(), "--operators", "x.yaml");
    await refused("NETWORK_UNKNOWN", ...base().slice(0, -1), "nowhere", ...operators());
    await refused("CLI_PASSWORD_FILE", ...base(), ...operators(), "--operator-password", `1=${join(dir, "nowhere")}`);
    await mkdir(out);
    const {code, err} = await split(...base(), ...operators());
    expect([code, err.split(":")[0]]).to.deep.equal([1, "SPLIT_OUTPUT_EXISTS"]);
  });

  it("asks for a password only on a terminal", async function () {
    if (process.stdin.isTTY) this.skip();
    await refused("CLI_PASSWORD_NEEDED", ...base().filter((_, i) => i !== 2 && i !== 3), ...operators());
  });
});
