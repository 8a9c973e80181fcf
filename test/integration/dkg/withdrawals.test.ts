import {readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {namedNetwork} from "../../../src/app/networks.js";
import {parsePubkeyHex} from "../../../src/core/bytes.js";
import {keyCredentials} from "../../../src/core/mini-pool/deposit-data.js";
import type {CeremonyReport} from "../../../src/plugin/dkg/report.js";
import {cli, ROOT} from "../../support/cli.js";
import {OperatorProcesses} from "../../support/dkg-processes.js";
import {FakeBeaconNode} from "../../support/fake-beacon-node.js";

const [ADDRESS, OTHER] = [`0x${"11".repeat(20)}`, `0x${"33".repeat(20)}`];

describe("a key whose withdrawals go to itself", function () {
  this.timeout(120_000);
  let operators: OperatorProcesses;
  let node: FakeBeaconNode;
  before(async () => {
    const initiator = `  initiator: {module: ${join(ROOT, "test/fixtures/plugins/initiator/index.js")}}`;
    operators = await OperatorProcesses.create(4, {plugins: [initiator]});
    await operators.startAll();
    node = new FakeBeaconNode(await namedNetwork("hoodi"));
  });
  after(async () => {
    operators.close();
    await node.close();
  });

  it("lets its committee name the address of its definition, without a permit, and no other", async () => {
    const signer = join(operators.dir, "signer");
    const init = await cli(["init", "--role", "signer", "--dir", signer, "--json", "--network", "hoodi"]);
    expect(init.code, init.stderr).to.equal(0);
    const {peerId, config} = JSON.parse(init.stdout) as {peerId: string; config: string};
    const definition = join(operators.dir, "definition.json");
    const members = ["--operators", operators.membersFile([peerId]), "--fee-recipient", OTHER];
    await operators.dkgJson(1, "create", ...members, "--withdrawal-dkg-key", ADDRESS, "--out", definition);
    // Three consent by command, the fourth by another plugin that uses the same flow in process.
    const run = (n: number) => operators.dkgJson<CeremonyReport>(n, "run", "--definition", definition, "--yes");
    const text = readFileSync(definition, "utf8");
    const other = cli(["make", "key", "--definition", text, "--config", operators.config(4)]);
    const [first] = await Promise.all([1, 2, 3].map(run));
    const byPlugin = await other;
    expect(byPlugin.code, byPlugin.stderr).to.equal(0);
    expect(JSON.parse(byPlugin.stdout)).to.deep.include({id: first!.id, step: "done"});
    const {folder} = first!.end as {folder: string};
    const [deposit] = JSON.parse(readFileSync(join(folder, "deposit-data.json"), "utf8")) as [
      {pubkey: string; withdrawal_credentials: string},
    ];
    const key = parsePubkeyHex(`0x${deposit.pubkey}`);
    const credentials = keyCredentials(key);
    expect(deposit.withdrawal_credentials).to.equal(credentials.slice(2));
    const committees = `committees: [${join(folder, "committee.json")}]`;
    writeFileSync(config, readFileSync(config, "utf8").replace(/^committees: \[\]$/m, committees));
    const validator = node.add(key, {credentials});
    const beacon = await node.start();
    const change = (to: string) => {
      const args = ["--key", key, "--to", to, "--beacon-node", beacon, "--config", config, "--yes", "--json"];
      return cli(["credential-change", ...args]);
    };
    const refused = await change(OTHER);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.match(/^CHANGE_NOT_PERMITTED/m);
    expect(refused.stderr).to.include("KEEPER_OTHER_WITHDRAWAL_ADDRESS");
    const made = await change(ADDRESS);
    expect(made.code, made.stderr).to.equal(0);
    expect(JSON.parse(made.stdout)).to.include({key, to: ADDRESS, published: true});
    expect(validator.credentials).to.equal(`0x01${"00".repeat(11)}${ADDRESS.slice(2)}`);
  });
});
