import {existsSync, readFileSync, statSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {namedNetwork} from "../../../src/app/networks.js";
import {currentEpoch, forkVersionAt} from "../../../src/core/duty/network.js";
import type {CeremonyReport} from "../../../src/plugin/dkg/report.js";
import {Cli, cli, healthyOperators, killAll, until} from "../../support/cli.js";
import {OperatorProcesses} from "../../support/dkg-processes.js";

interface Verified {
  readonly valid: boolean;
  readonly id: string;
  readonly validators: readonly string[];
  readonly missing: readonly number[];
  readonly deposits: number;
}
interface Ready {
  readonly url: string;
  readonly peerId: string;
}

const ADDRESS = "0x1111111111111111111111111111111111111111";
const FEES = "0x2222222222222222222222222222222222222222";

/** Four terminals: every command as a person would type it. */
describe("a ceremony by its commands", function () {
  this.timeout(180_000);
  let operators: OperatorProcesses;
  let definition: string;
  let id: string;
  let ended: CeremonyReport;
  let signer: Cli | null = null;

  before(async () => {
    operators = await OperatorProcesses.create(4);
    await operators.startAll();
    definition = join(operators.dir, "definition.json");
  });
  after(() => {
    if (signer !== null) killAll([signer.pid]);
    operators.close();
  });

  const signerConfig = (): string => join(operators.dir, "signer", "lodestar.config.yaml");

  it("is defined offline, and never over a file that is there", async () => {
    const init = await cli(["init", "--dir", join(operators.dir, "signer"), "--json", "--network", "hoodi"]);
    expect(init.code, init.stderr).to.equal(0);
    const {peerId} = JSON.parse(init.stdout) as {peerId: string};
    const args = ["--operators", operators.membersFile([peerId]), "--validators", "2", "--fee-recipient", FEES];
    const out = ["--withdrawal-address", ADDRESS, "--out", definition];
    const created = await operators.dkgJson<{id: string}>(1, "create", ...args, ...out);
    id = created.id;
    expect(id).to.match(/^0x[0-9a-f]{64}$/);
    const again = await operators.dkg(1, "create", ...args, ...out);
    expect([again.code, again.stderr]).to.satisfy(([code, text]: [number, string]) => {
      return code === 1 && /^DKG_FILE_WRITE/m.test(text) && text.includes("EEXIST");
    });
    const both = await operators.dkg(1, "create", ...args, ...out.slice(0, 2), "--withdrawal-dkg-key", ADDRESS);
    expect(both.stderr).to.match(/^DKG_WITHDRAWAL/m);
  });

  it("asks for consent, and where nobody can be asked wants it in so many words", async () => {
    const {code, stderr} = await operators.dkg(1, "run", "--definition", definition);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^DKG_CONSENT_REFUSED/m);
    expect(stderr).to.include(id).and.include(ADDRESS).and.include("any 3 of 4 operators");
    expect((await operators.dkgJson<CeremonyReport[]>(1, "status")).length).to.equal(0);
  });

  it("refuses a definition that was edited", async () => {
    const edited = join(operators.dir, "edited.json");
    await operators.dkgJson(1, "run", "--definition", definition, "--yes", "--detach");
    writeFileSync(edited, readFileSync(definition, "utf8").replace(FEES, ADDRESS));
    // It is another ceremony, to which nobody else consents.
    const {id: other} = await operators.dkgJson<{id: string}>(2, "run", "--definition", edited, "--yes", "--detach");
    expect(other).not.to.equal(id);
    await operators.dkgJson(2, "abort", "--ceremony", other, "--reason", "edited");
    const report = await operators.report(2, other);
    expect(report.end).to.deep.include({outcome: "failed"});
  });

  it("waits for everybody's consent, survives the end of any operator, and ends with one key everywhere", async () => {
    await operators.dkgJson(2, "run", "--definition", definition, "--yes", "--detach");
    const waiting = await operators.report(1, id);
    expect([waiting.step, waiting.end]).to.deep.equal(["consent", null]);
    // A power cut before, and one while it runs.
    await operators.kill(1);
    await operators.start(1);
    await operators.dkgJson(3, "run", "--definition", definition, "--yes", "--detach");
    const last = new Cli([
      "dkg",
      "run",
      "--definition",
      definition,
      "--yes",
      "--json",
      "--config",
      operators.config(4),
    ]);
    await operators.kill(3);
    await operators.start(3);
    const {code, stdout, stderr} = await last.done;
    expect(code, stderr).to.equal(0);
    ended = JSON.parse(stdout) as CeremonyReport;
    expect(ended.end).to.include({outcome: "finished"});
    for (const n of [1, 2, 3]) {
      const follow = await operators.dkg(n, "status", "--follow", "--ceremony", id, "--json");
      expect(follow.code, follow.stderr).to.equal(0);
      const {end} = JSON.parse(follow.stdout) as CeremonyReport;
      expect(end).to.include({outcome: "finished"});
      const {transcript} = end as {transcript?: string};
      expect(transcript).to.equal((ended.end as {transcript?: string}).transcript);
    }
  });

  it("leaves files that verify anywhere, without a configuration and from the public output alone", async () => {
    const folder = (ended.end as {folder: string}).folder;
    const file = (name: string): string => join(folder, name);
    const args = ["--file", file("ceremony.json"), "--committee", file("committee.json")];
    const verify = (...more: string[]) => cli(["dkg", "verify", ...args, ...more], {cwd: operators.dir});
    const {code, stdout, stderr} = await verify("--deposits", file("deposit-data.json"), "--json");
    expect(code, stderr).to.equal(0);
    const verified = JSON.parse(stdout) as Verified;
    expect(verified).to.include({valid: true, id, deposits: 2});
    expect(verified.validators).to.have.length(2);
    expect(verified.missing).to.deep.equal([]);
    const forged = join(operators.dir, "forged.json");
    const text = readFileSync(file("ceremony.json"), "utf8");
    writeFileSync(forged, text.replace(verified.validators[0]!, verified.validators[1]!));
    const refused = await cli(["dkg", "verify", "--file", forged], {cwd: operators.dir});
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.match(/^(DKG|COMMITTEE)_\w+: /m);
  });

  const keysAt = async (url: string): Promise<string[]> =>
    (await (await fetch(`${url}/api/v1/eth2/publicKeys`)).json()) as string[];
  const nameCommittees = (...files: readonly string[]): void => {
    const text = readFileSync(signerConfig(), "utf8");
    const named = text.replace(/^committees: .*$/m, `committees: ${JSON.stringify(files)}`);
    writeFileSync(signerConfig(), named.replace(/^ {2}port: \d+$/m, "  port: 0"));
    expect(readFileSync(signerConfig(), "utf8")).to.include(JSON.stringify(files));
  };

  it("can be signed with by a running signer that is told of the ceremony's public file, after operators were started again", async () => {
    for (const n of [1, 2]) {
      await operators.kill(n);
      await operators.start(n);
    }
    const folder = (ended.end as {folder: string}).folder;
    nameCommittees();
    const front = new Cli(["signer", "--config", signerConfig(), "--json"]);
    signer = front;
    const {url} = await front.json<Ready>();
    expect(await keysAt(url)).to.deep.equal([]);
    nameCommittees(join(folder, "ceremony.json"));
    front.child.kill("SIGHUP");
    await until("a good reload", () => /"errors":\[\].*reloaded committee files/.test(front.stderr), 30_000);
    const keys = await keysAt(url);
    const committee = JSON.parse(readFileSync(join(folder, "committee.json"), "utf8")) as {
      genesis_validators_root: string;
      validators: {group_public_key: string}[];
    };
    expect(keys).to.have.members(committee.validators.map((one) => one.group_public_key));
    const network = await namedNetwork("hoodi");
    const epoch = currentEpoch(network, systemClock.now())!;
    const version = forkVersionAt(network.forks!, epoch);
    const body = {
      type: "RANDAO_REVEAL",
      randao_reveal: {epoch: String(epoch)},
      fork_info: {
        fork: {previous_version: version, current_version: version, epoch: String(epoch)},
        genesis_validators_root: committee.genesis_validators_root,
      },
    };
    // It has heard of these operators a moment ago.
    for (const end = performance.now() + 30_000; (await healthyOperators(url)) !== 4; ) {
      if (performance.now() > end) throw new Error("the signer never reached the operators");
    }
    const response = await fetch(`${url}/api/v1/eth2/sign/${keys[0]}`, {
      method: "POST",
      headers: {"content-type": "application/json", accept: "application/json"},
      body: JSON.stringify(body),
    });
    expect([response.status, await response.text()].join(" ")).to.match(/^200 .*0x[0-9a-f]{192}/);
  });

  it("goes on being signed with when another such file was edited, which is refused by its code", async () => {
    const folder = (ended.end as {folder: string}).folder;
    const edited = join(operators.dir, "edited-ceremony.json");
    const text = readFileSync(join(folder, "ceremony.json"), "utf8");
    writeFileSync(edited, text.replace('"fee_recipient": "0x22', '"fee_recipient": "0x33'));
    expect(readFileSync(edited, "utf8")).not.to.equal(text);
    const {url} = await signer!.json<Ready>();
    nameCommittees(join(folder, "ceremony.json"), edited);
    signer!.child.kill("SIGHUP");
    await until("a word about the edited file", () => signer!.stderr.includes("DKG_DEFINITION_"), 30_000);
    expect(await keysAt(url)).to.have.length(2);
    nameCommittees(join(folder, "committee.json"));
    const {code, stdout} = await cli(["config", "check", "--config", signerConfig(), "--json"]);
    expect(code, stdout).to.equal(0);
  });

  it("is seen by the doctor and the check of an operator's configuration, which names no committee file", async () => {
    const looked = await cli(["doctor", "--config", operators.config(2), "--json"]);
    const {findings} = JSON.parse(looked.stdout) as {findings: {check: string; status: string; detail: string}[]};
    expect(findings.filter(({status}) => status === "fail")).to.deep.equal([]);
    const committee = findings.find(({check}) => check === "committee files");
    expect(committee?.detail).to.match(/^2 keys; .*this node is operator 2/);
    const store = findings.find(({check}) => check === "record store");
    expect(store?.detail).to.include("2 shares, 2 records");
    const checked = await cli(["config", "check", "--config", operators.config(2), "--json"]);
    const {ok, committees} = JSON.parse(checked.stdout) as {ok: boolean; committees: {keys: number}[]};
    expect([ok, committees.map(({keys}) => keys)]).to.deep.equal([true, [2]]);
  });

  it("leaves nothing that others can read, and no journal that shows anything", () => {
    for (const n of [1, 2, 3, 4]) {
      const plugin = join(operators.dir, String(n), "data/plugins/dkg");
      expect(statSync(plugin).mode & 0o077).to.equal(0);
      const journal = join(plugin, "journal/data.mdb");
      expect(existsSync(journal)).to.equal(true);
      expect(readFileSync(journal).includes(id.slice(2, 20))).to.equal(true);
      expect(readFileSync(journal).includes("fee_recipient")).to.equal(false);
    }
  });
});
