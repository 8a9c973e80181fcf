import {cpSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {namedNetwork} from "../../../src/app/networks.js";
import {currentEpoch, forkVersionAt} from "../../../src/core/duty/network.js";
import type {CeremonyReport} from "../../../src/plugin/dkg/report.js";
import {Cli, type CliResult, cli, killAll} from "../../support/cli.js";
import {OperatorProcesses} from "../../support/dkg-processes.js";

const ADDRESS = `0x${"11".repeat(20)}`;

/** Operators as processes; the third loses everything but its node key, password and configuration. */
describe("a lost share that others rebuild, by commands", function () {
  this.timeout(180_000);
  let operators: OperatorProcesses;
  let committee: string;
  let keys: readonly string[];
  let signerConfig: string;
  let signer: Cli | null = null;
  before(async () => {
    operators = await OperatorProcesses.create(4, {plugins: ["  share: {config: {patience: 5}}"]});
    await operators.startAll();
  });
  after(() => {
    if (signer !== null) killAll([signer.pid]);
    operators.close();
  });

  const share = (n: number, ...args: string[]): Promise<CliResult> =>
    cli(["share", "repair", ...args, "--config", operators.config(n)]);

  it("was made with the others, of two keys", async () => {
    const init = await cli([
      "init",
      "--role",
      "signer",
      "--dir",
      join(operators.dir, "signer"),
      "--json",
      "--network",
      "hoodi",
    ]);
    expect(init.code, init.stderr).to.equal(0);
    const made = JSON.parse(init.stdout) as {peerId: string; config: string};
    signerConfig = made.config;
    const definition = join(operators.dir, "definition.json");
    const args = ["--operators", operators.membersFile([made.peerId]), "--validators", "2", "--fee-recipient", ADDRESS];
    await operators.dkgJson(1, "create", ...args, "--withdrawal-address", ADDRESS, "--out", definition);
    const run = (n: number) => operators.dkgJson<CeremonyReport>(n, "run", "--definition", definition, "--yes");
    const [first] = await Promise.all([1, 2, 3, 4].map(run));
    const {folder} = first!.end as {folder: string};
    committee = join(operators.dir, "committee.json");
    cpSync(join(folder, "committee.json"), committee);
    const {validators} = JSON.parse(readFileSync(committee, "utf8")) as {validators: {group_public_key: string}[]};
    keys = validators.map((one) => one.group_public_key);
  });

  it("is not rebuilt while too few consent, and for nobody else", async () => {
    await operators.kill(3);
    rmSync(join(operators.dir, "3", "data"), {recursive: true});
    const config = operators.config(3);
    writeFileSync(config, `committees: [${committee}]\n${readFileSync(config, "utf8")}`);
    await operators.start(3);
    const owner = operators.peerIds[2]!;
    const stranger = await share(1, "--help-operator", operators.peerIds[0]!.replace(/.$/, "x"), "--yes");
    expect(stranger.code).to.equal(1);
    for (const n of [1, 2]) expect((await share(n, "--help-operator", owner, "--yes")).code).to.equal(0);
    const {code, stderr} = await share(3);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^SHARE_REPAIR_HELPERS/m);
    // An operator that lost nothing gets nothing.
    expect((await share(1)).stderr).to.match(/^SHARE_NOTHING_LOST/m);
  });

  it("is rebuilt by three that consent, for the node that the committee file names", async () => {
    const owner = operators.peerIds[2]!;
    const helped = await share(4, "--help-operator", owner, "--yes", "--json");
    expect(helped.code, helped.stderr).to.equal(0);
    expect(JSON.parse(helped.stdout)).to.deep.include({operatorId: 3, peerId: owner});
    const {code, stdout, stderr} = await share(3, "--json");
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal({rebuilt: keys, unhelpful: []});
    expect((await share(3)).stderr).to.match(/^SHARE_NOTHING_LOST/m);
  });

  it("signs at once, in the place of another operator, and starts at the floor", async () => {
    await operators.kill(4);
    const text = readFileSync(signerConfig, "utf8");
    const changed = text
      .replace(/^committees: \[\]$/m, `committees: [${committee}]`)
      .replace(/^ {2}port: \d+$/m, "  port: 0");
    writeFileSync(signerConfig, changed);
    signer = new Cli(["signer", "--config", signerConfig, "--json"]);
    const {url} = await signer.json<{url: string}>();
    const network = await namedNetwork("hoodi");
    const epoch = currentEpoch(network, systemClock.now())!;
    const version = forkVersionAt(network.forks!, epoch);
    const fork_info = {
      fork: {previous_version: version, current_version: version, epoch: String(epoch)},
      genesis_validators_root: network.genesisValidatorsRoot,
    };
    const sign = (body: object) =>
      fetch(`${url}/api/v1/eth2/sign/${keys[0]}`, {
        method: "POST",
        headers: {"content-type": "application/json", accept: "application/json"},
        body: JSON.stringify({...body, fork_info}),
      });
    const reveal = await sign({type: "RANDAO_REVEAL", randao_reveal: {epoch: String(epoch)}});
    expect([reveal.status, await reveal.text()].join(" ")).to.match(/^200 .*0x[0-9a-f]{192}/);
    const zero = `0x${"00".repeat(32)}`;
    const vote = {
      slot: String(epoch * 32n),
      index: "0",
      beacon_block_root: zero,
      source: {epoch: String(epoch - 1n), root: zero},
      target: {epoch: String(epoch), root: zero},
    };
    const refused = await sign({type: "ATTESTATION", attestation: vote});
    // One operator is down and this one refuses, so nobody reaches the threshold.
    expect(refused.status).to.equal(503);
    const {operators: said} = (await refused.json()) as {operators: {operatorId: number; code: string}[]};
    expect(said.find(({operatorId}) => operatorId === 3)?.code).to.match(/^SLASHING_/);
  });
});
