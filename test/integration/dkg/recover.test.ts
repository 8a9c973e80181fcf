import {cpSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import type {RootHex} from "../../../src/core/bytes.js";
import {Cli, type CliResult, cli, healthyOperators, killAll} from "../../support/cli.js";
import {randaoRequest, readEvidence, readOutput} from "../../support/dkg-evidence.js";
import {OperatorProcesses} from "../../support/dkg-processes.js";

const ADDRESS = `0x${"11".repeat(20)}`;

/** Four operators as processes, three of whom must finish; the fourth's journal is lost while its keeper takes part. */
describe("an operator whose ceremony journal was lost while the others finished", function () {
  this.timeout(240_000);
  let operators: OperatorProcesses;
  let definition: string;
  let id: RootHex;
  let committee: string;
  let keys: readonly string[];
  let signerFolder: string;
  let signer: Cli | null = null;
  before(async () => {
    // Nobody deals before the fourth has announced, however long that takes; then nobody waits for it.
    const patience = {announce: 600, deal: 5, settle: 2, result: 2};
    operators = await OperatorProcesses.create(4, {patience, plugins: ["  share: {config: {patience: 20}}"]});
    signerFolder = join(operators.dir, "signer");
    const init = await cli(["init", "--role", "signer", "--dir", signerFolder, "--json", "--network", "hoodi"]);
    expect(init.code, init.stderr).to.equal(0);
    const {peerId} = JSON.parse(init.stdout) as {peerId: string};
    definition = join(operators.dir, "definition.json");
    const args = ["--operators", operators.membersFile([peerId]), "--validators", "2", "--fee-recipient", ADDRESS];
    const to = ["--withdrawal-address", ADDRESS, "--require", "3", "--out", definition];
    ({id} = await operators.dkgJson<{id: RootHex}>(1, "create", ...args, ...to));
  });
  after(() => {
    if (signer !== null) killAll([signer.pid]);
    operators.close();
  });

  const takePart = (n: number) => operators.dkg(n, "run", "--definition", definition, "--yes", "--detach");
  const participant = async (of: number, n: number) => (await operators.report(of, id)).participants[n - 1]!;
  const repair = (n: number, ...args: string[]): Promise<CliResult> =>
    cli(["share", "repair", ...args, "--config", operators.config(n)]);

  it("is told so, by the command that it joined with and by the status", async () => {
    await operators.startAll();
    // The third consents and is away, so the others cannot go beyond their announces.
    for (const n of [3, 1]) expect((await takePart(n)).code).to.equal(0);
    await eventually("the third's consent is known", async () => (await participant(1, 3)).consented);
    await operators.kill(3);
    for (const n of [2, 4]) expect((await takePart(n)).code).to.equal(0);
    await eventually("the fourth has spoken", async () => (await participant(1, 4)).progress?.announced === true);
    await operators.kill(4);
    rmSync(join(operators.dataDir(4), "plugins/dkg/journal"), {recursive: true});
    await operators.start(3);
    for (const n of [1, 2, 3]) {
      await eventually(`operator ${n} has finished`, async () => (await operators.report(n, id)).end !== null);
      expect((await operators.report(n, id)).end).to.include({outcome: "finished"});
      const left = readOutput(operators.dataDir(n), id);
      expect([left.missing, left.guilty]).to.deep.equal([[4], 0]);
      keys = left.keys;
    }
    await operators.start(4);
    const again = await takePart(4);
    expect([again.code, again.stderr.split(":")[0]]).to.deep.equal([1, "DKG_JOURNAL_LOST"]);
    expect(again.stderr).to.contain("pleiades share repair");
    const status = await operators.dkg(4, "status");
    expect(status.stdout).to.contain(id).and.contain("stands still: DKG_JOURNAL_LOST");
    expect(await operators.dkgJson(4, "status", "--ceremony", id)).to.deep.equal([{id, halted: "DKG_JOURNAL_LOST"}]);
    const follow = await operators.dkg(4, "status", "--follow");
    expect([follow.code, follow.stderr.split(":")[0]]).to.deep.equal([1, "DKG_JOURNAL_LOST"]);
  });

  it("has its keeper forget the ceremony, once it has seen that the others finished", async () => {
    const other = join(operators.dataDir(1), "plugins/dkg/ceremonies", id, "ceremony.json");
    committee = join(operators.dir, "4", "ceremony.json");
    cpSync(other, committee);
    const verified = await cli(["dkg", "verify", "--file", committee]);
    expect(verified.code, verified.stderr).to.equal(0);
    const aborted = await operators.dkg(4, "abort", "--ceremony", id);
    expect(aborted.code, aborted.stderr).to.equal(0);
    expect((await operators.dkg(4, "status")).stdout.trim()).to.equal("No ceremonies.");
    expect((await operators.dkg(4, "abort", "--ceremony", id)).stderr).to.match(/^DKG_CEREMONY_UNKNOWN/m);
  });

  it("gets its share from three that consent, without a new start", async () => {
    expect((await repair(4)).stderr).to.match(/^SHARE_NOTHING_LOST/m);
    const config = operators.config(4);
    writeFileSync(config, `committees: [${committee}]\n${readFileSync(config, "utf8")}`);
    operators.running(4).child.kill("SIGHUP");
    for (const n of [1, 2, 3]) {
      const helped = await repair(n, "--help-operator", operators.peerIds[3]!, "--yes", "--json");
      expect(helped.code, helped.stderr).to.equal(0);
      expect(JSON.parse(helped.stdout)).to.deep.include({operatorId: 4, keys});
    }
    let rebuilt: CliResult | null = null;
    await eventually("the committee file is read", async () => {
      rebuilt = await repair(4, "--json");
      return !rebuilt.stderr.includes("SHARE_NOTHING_LOST");
    });
    const {code, stdout, stderr} = rebuilt!;
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal({rebuilt: keys, unhelpful: []});
  });

  it("signs with it where its share is needed, also after a new start", async () => {
    await operators.kill(1);
    const url = await startSigner();
    const body = await randaoRequest(join(operators.dataDir(2), "plugins/dkg/ceremonies", id, "committee.json"));
    const sign = async (key: string): Promise<string> => {
      const headers = {"content-type": "application/json", accept: "application/json"};
      const response = await fetch(`${url}/api/v1/eth2/sign/${key}`, {method: "POST", headers, body});
      return `${response.status} ${await response.text()}`;
    };
    const [first = "", second = ""] = keys;
    expect(await sign(first)).to.match(/^200 .*0x[0-9a-f]{192}/);
    await operators.kill(4);
    // Two of four do not reach the threshold: it was the fourth's share that made the third of three.
    expect(await sign(second)).to.match(/^503 /);
    await operators.start(4);
    await eventually("three operators are there", async () => (await healthyOperators(url)) === 3);
    expect(await sign(second)).to.match(/^200 .*0x[0-9a-f]{192}/);
    expect((await operators.dkg(4, "run", "--definition", definition, "--yes")).stderr).to.match(/^DKG_CEREMONY_OVER/m);
  });

  it("keeps nothing secret of the ceremony but the share", async () => {
    await operators.kill(4);
    const {secrets, shares} = await readEvidence(operators.dataDir(4));
    expect(secrets).to.deep.equal([]);
    for (const key of keys) expect(shares.some((name) => name.includes(key))).to.equal(true);
  });

  it("can be backed up as any other, with the ceremony in place of a committee file", async () => {
    const password = join(operators.dir, "backup-password");
    writeFileSync(password, "correct horse\n", {mode: 0o600});
    const args = [
      "--config",
      operators.config(4),
      "--out",
      join(operators.dir, "backup"),
      "--kdf",
      "pbkdf2",
      "--password-file",
      password,
    ];
    const {code, stdout, stderr} = await cli(["share", "backup", ...args, "--json"]);
    expect(code, stderr).to.equal(0);
    const done = JSON.parse(stdout) as {keys: string[]; skipped: string[]};
    expect(done.keys).to.have.members(keys);
    expect(done.skipped).to.deep.equal([]);
  });

  async function startSigner(): Promise<string> {
    const config = join(signerFolder, "lodestar.config.yaml");
    const text = readFileSync(config, "utf8")
      .replace(/^committees: \[\]$/m, `committees: [${committee}]`)
      .replace(/^ {2}port: \d+$/m, "  port: 0");
    writeFileSync(config, text);
    signer = new Cli(["signer", "--config", config, "--json"]);
    return (await signer.json<{url: string}>()).url;
  }
});

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 90_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
