import {readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import type {CeremonyReport} from "../../../src/plugin/dkg/report.js";
import {Cli, cli, killAll} from "../../support/cli.js";
import {OperatorProcesses} from "../../support/dkg-processes.js";

const ADDRESS = `0x${"11".repeat(20)}`;
const FEES = `0x${"22".repeat(20)}`;
const ROOT = `0x${"44".repeat(32)}`;
const VERSION = "0x10000038";
/** Epochs of eight seconds, so that some pass while the test looks on. */
const SECONDS_PER_SLOT = 0.25;
const EPOCH_MS = SECONDS_PER_SLOT * 32 * 1_000;

/** Seven operators as processes over libp2p: the first four have a key, then the first and the last three. */
describe("a key that is handed over by commands", function () {
  this.timeout(240_000);
  const genesisTime = Math.floor(Date.now() / 1000) - 1_000;
  const network = [
    "  name: handover",
    "  preset: mainnet",
    `  genesisTime: ${genesisTime}`,
    `  secondsPerSlot: ${SECONDS_PER_SLOT}`,
    `  genesisValidatorsRoot: "${ROOT}"`,
    `  forks: [{name: phase0, version: "${VERSION}", epoch: 0}]`,
  ];
  const epochNow = (): number => Math.floor((Date.now() - genesisTime * 1_000) / EPOCH_MS);
  let operators: OperatorProcesses;
  let signerConfig: string;
  let signerPeer: string;
  let signer: Cli | null = null;
  let made: CeremonyReport;
  let handed: CeremonyReport;

  before(async () => {
    operators = await OperatorProcesses.create(7, {network});
    await operators.startAll();
    const dir = join(operators.dir, "signer");
    const init = await cli(["init", "--role", "signer", "--dir", dir, "--json", "--network", "hoodi"]);
    expect(init.code, init.stderr).to.equal(0);
    ({peerId: signerPeer, config: signerConfig} = JSON.parse(init.stdout) as {peerId: string; config: string});
  });
  after(() => {
    if (signer !== null) killAll([signer.pid]);
    operators.close();
  });

  /** An operators file of these, in this order. */
  const members = (numbers: readonly number[]): string => {
    const file = join(operators.dir, `operators-${numbers.join("-")}.yaml`);
    const listed = numbers.map((n, i) => ({
      id: i + 1,
      peerId: operators.peerIds[n - 1],
      addresses: [`/ip4/127.0.0.1/tcp/${operators.ports[n - 1]}`],
    }));
    writeFileSync(file, JSON.stringify({operators: listed, coordinators: [signerPeer]}));
    return file;
  };
  const define = async (command: string[], file: string): Promise<string> => {
    const out = join(operators.dir, file);
    const result = await cli([...command, "--out", out, "--config", operators.config(1), "--json"]);
    expect(result.code, result.stderr).to.equal(0);
    return out;
  };
  const runAll = (numbers: readonly number[], definition: string) =>
    Promise.all(numbers.map((n) => operators.dkgJson<CeremonyReport>(n, "run", "--definition", definition, "--yes")));
  const folderOf = (report: CeremonyReport): string => (report.end as {folder: string}).folder;
  const startSigner = async (committee: string): Promise<string> => {
    if (signer !== null) {
      killAll([signer.pid]);
      await signer.done;
    }
    const text = readFileSync(signerConfig, "utf8")
      .replace(/^committees: \[.*\]$/m, `committees: [${committee}]`)
      .replace(/^ {2}port: \d+$/m, "  port: 0")
      .replace(/^network:\n(?:(?: .*|#.*|)\n)+?(?=^[a-z])/m, `network:\n${network.join("\n")}\n`);
    writeFileSync(signerConfig, text);
    signer = new Cli(["signer", "--config", signerConfig, "--json"]);
    return (await signer.json<{url: string}>()).url;
  };
  const sign = async (url: string, epoch: number): Promise<string> => {
    const [key] = (await (await fetch(`${url}/api/v1/eth2/publicKeys`)).json()) as string[];
    const body = {
      type: "RANDAO_REVEAL",
      randao_reveal: {epoch: String(epoch)},
      fork_info: {
        fork: {previous_version: VERSION, current_version: VERSION, epoch: "0"},
        genesis_validators_root: ROOT,
      },
    };
    const response = await fetch(`${url}/api/v1/eth2/sign/${key}`, {
      method: "POST",
      headers: {"content-type": "application/json", accept: "application/json"},
      body: JSON.stringify(body),
    });
    return `${response.status} ${await response.text()}`;
  };
  const passed = async (epoch: number): Promise<void> => {
    while (epochNow() <= epoch) await new Promise((resolve) => setTimeout(resolve, 100));
  };

  it("is made by four operators and signed with", async () => {
    const args = ["--operators", members([1, 2, 3, 4]), "--withdrawal-address", ADDRESS, "--fee-recipient", FEES];
    const definition = await define(["dkg", "create", ...args], "make.json");
    [made] = (await runAll([1, 2, 3, 4], definition)) as [CeremonyReport];
    const url = await startSigner(join(folderOf(made), "committee.json"));
    expect(await sign(url, epochNow())).to.match(/^200 /);
  });

  it("goes to other operators, one of whom stays, while the old ones sign up to the epoch and no further", async () => {
    const ceremony = join(folderOf(made), "ceremony.json");
    const args = ["--committee", ceremony, "--operators", members([1, 5, 6, 7]), "--hours", "0.011"];
    const definition = await define(["reshare", ...args], "reshare.json");
    const {previous} = JSON.parse(readFileSync(definition, "utf8")) as {previous: {handover_epoch: string}};
    const handover = Number(previous.handover_epoch);
    const reports = await runAll([1, 2, 3, 4, 5, 6, 7], definition);
    for (const {end, step} of reports) expect([end?.outcome, step]).to.deep.equal(["finished", "done"]);
    handed = reports[4]!;
    // With both committee files nobody has to be awake when the epoch comes.
    const [old, young] = [made, handed].map((report) => join(folderOf(report), "committee.json"));
    const both = await startSigner(`${old}, ${young}`);
    if (epochNow() < handover) expect(await sign(both, epochNow())).to.match(/^200 /);
    await passed(handover);
    expect(await sign(both, handover + 1)).to.match(/^200 /);
    const url = await startSigner(join(folderOf(made), "committee.json"));
    expect(await sign(url, handover + 1)).to.match(/^(412|503) .*/);
    const next = await startSigner(join(folderOf(handed), "committee.json"));
    expect(await sign(next, handover + 1)).to.match(/^200 /);
    expect(await sign(next, handover)).to.match(/^(412|503) .*/);
    const keys = [made, handed].map((report) => {
      const text = readFileSync(join(folderOf(report), "committee.json"), "utf8");
      const {validators, generation} = JSON.parse(text) as {
        validators: {group_public_key: string}[];
        generation: number;
      };
      return [validators[0]!.group_public_key, generation];
    });
    expect(keys).to.deep.equal([
      [keys[0]![0], 0],
      [keys[0]![0], 1],
    ]);
  });

  it("gets new shares of its new operators, also when one of them is killed half-way", async () => {
    const ceremony = join(folderOf(handed), "ceremony.json");
    const definition = await define(["refresh", "--committee", ceremony, "--hours", "0.011"], "refresh.json");
    const {previous} = JSON.parse(readFileSync(definition, "utf8")) as {previous: {handover_epoch: string}};
    const handover = Number(previous.handover_epoch);
    for (const n of [1, 5, 6]) await operators.dkgJson(n, "run", "--definition", definition, "--yes", "--detach");
    const last = runAll([7], definition);
    await operators.kill(6);
    await operators.start(6);
    const [report] = await last;
    expect(report!.end).to.include({outcome: "finished"});
    const follow = await operators.dkg(6, "status", "--follow", "--ceremony", report!.id, "--json");
    expect((JSON.parse(follow.stdout) as CeremonyReport).end).to.include({outcome: "finished"});
    await passed(handover);
    const url = await startSigner(join(folderOf(report!), "committee.json"));
    expect(await sign(url, epochNow())).to.match(/^200 /);
  });
});
