import {existsSync} from "node:fs";
import {mkdtemp, readFile, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {namedNetwork} from "../../../src/app/networks.js";
import {currentEpoch, forkVersionAt} from "../../../src/core/duty/network.js";
import {Cli, cli, family, killAll, stillRunning, until} from "../../support/cli.js";

interface Ready {
  readonly url: string;
  readonly operators: readonly {readonly id: number; readonly pid: number}[];
  readonly groupPublicKeys: readonly string[];
  readonly ceremony: {file: string; committee: string; deposits: string; verify: string};
}

const ADDRESS = "0x1111111111111111111111111111111111111111";
const TERMS = ["--dkg", "--withdrawal-address", ADDRESS, "--fee-recipient", ADDRESS, "--network", "hoodi"];

describe("pleiades local --dkg", function () {
  // Ten processes start, each with slow key derivations, on however small a machine.
  this.timeout(180_000);
  let dir: string;
  let started: number[] = [];
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-local-dkg-"));
  });
  after(() => rm(dir, {recursive: true, force: true}));
  afterEach(() => {
    killAll(stillRunning(started));
    started = [];
  });

  const run = (folder: string, ...more: readonly string[]): Cli => {
    const main = new Cli(["local", ...more, "--port", "0", "--data-dir", join(dir, folder), "--json"]);
    started.push(main.pid);
    return main;
  };
  const ready = async (main: Cli): Promise<Ready> => {
    const found = await main.json<Ready>();
    started.push(...family(main.pid));
    return found;
  };
  const end = async (main: Cli, signal: "SIGTERM" | "SIGINT", code: number): Promise<void> => {
    const all = family(main.pid);
    started.push(...all);
    main.child.kill(signal);
    expect((await main.done).code).to.equal(code);
    await until("the end of every process", () => stillRunning(all).length === 0);
  };

  /** What a validator client asks for first, in the epoch of now. */
  async function randaoStatus(url: string, key: string): Promise<string> {
    const network = await namedNetwork("hoodi");
    const epoch = currentEpoch(network, systemClock.now())!;
    const version = forkVersionAt(network.forks!, epoch);
    const fork = {previous_version: version, current_version: version, epoch: String(epoch)};
    const response = await fetch(`${url}/api/v1/eth2/sign/${key}`, {
      method: "POST",
      headers: {"content-type": "application/json", accept: "application/json"},
      body: JSON.stringify({
        type: "RANDAO_REVEAL",
        randao_reveal: {epoch: String(epoch)},
        fork_info: {fork, genesis_validators_root: network.genesisValidatorsRoot},
      }),
    });
    return `${response.status} ${await response.text()}`;
  }

  it("has its operators make a key, shows the way there, signs with it, and has it again at the next start", async () => {
    const main = run("d", ...TERMS);
    const {url, operators, groupPublicKeys, ceremony} = await ready(main);
    expect(operators).to.have.length(4);
    expect(groupPublicKeys).to.have.length(1);
    for (const {id, pid} of operators) {
      expect(main.stderr).to.match(new RegExp(`^operator ${id}: process ${pid}; by hand: pleiades operator`, "m"));
    }
    expect(main.stderr)
      .to.match(/^(?:consents|announces|dealings|verdicts) /m)
      .and.match(/^keys 1\/1/m);
    expect(await randaoStatus(url, groupPublicKeys[0]!)).to.match(/^200 .*0x[0-9a-f]{192}/);
    const [command = "", ...args] = ceremony.verify.split(" ");
    expect(command).to.equal("pleiades");
    const verified = await cli([...args, "--json"], {cwd: dir});
    expect(verified.code, verified.stderr).to.equal(0);
    expect(JSON.parse(verified.stdout)).to.deep.include({valid: true, validators: groupPublicKeys, missing: []});
    await end(main, "SIGTERM", 0);

    const made = await readFile(ceremony.committee, "utf8");
    for (const more of [
      ["--validators", "2"],
      ["--interop", "0..7"],
    ]) {
      const terms = more[0] === "--validators" ? [...TERMS, ...more] : more;
      const {code, stderr} = await cli(["local", ...terms, "--data-dir", join(dir, "d")]);
      expect([code, stderr.split(":")[0]]).to.deep.equal([1, "CLI_LOCAL_DIFFERS"]);
    }
    const again = run("d");
    const second = await ready(again);
    expect(again.stderr).to.include("reusing").and.not.include("consents");
    // The fee recipient is that of the ceremony, at this start as at the first.
    expect(again.stderr).not.to.include("No fee recipient");
    expect(second.groupPublicKeys).to.deep.equal(groupPublicKeys);
    expect(await randaoStatus(second.url, groupPublicKeys[0]!)).to.match(/^200 /);
    expect(await readFile(ceremony.committee, "utf8")).to.equal(made);
    await end(again, "SIGINT", 130);
  });

  it("goes on with the same ceremony after an operator was killed and all of it was stopped half-way", async () => {
    const main = run("half", ...TERMS, "--validators", "60");
    await until("operators at work", () => /^announces /m.test(main.stderr), 120_000);
    started.push(...family(main.pid));
    const [, pid] = /^operator 2: process (\d+)/m.exec(main.stderr) ?? [];
    const second = family(Number(pid));
    killAll(second);
    await until("the end of operator 2", () => stillRunning(second).length === 0);
    const tree = join(dir, "half/committee");
    // Without operator 2 there is no end of it, and none is shown.
    await until("a word about it", () => main.stderr.includes("an operator has ended"));
    expect(existsSync(join(tree, "committee.json"))).to.equal(false);
    const definition = await readFile(join(tree, "definition.json"), "utf8");
    await end(main, "SIGTERM", 0);

    const again = run("half");
    const {groupPublicKeys, ceremony} = await ready(again);
    expect(groupPublicKeys).to.have.length(60);
    expect(await readFile(join(tree, "definition.json"), "utf8")).to.equal(definition);
    const made = JSON.parse(await readFile(ceremony.file, "utf8")) as {definition: {nonce: string}};
    expect(made.definition.nonce).to.equal((JSON.parse(definition) as {nonce: string}).nonce);
    await end(again, "SIGTERM", 0);
  });

  it("says what it needs for it, and refuses what does not belong together", async () => {
    const withoutChain = TERMS.slice(0, 5);
    for (const [args, words] of [
      [["--dkg"], "--withdrawal-address"],
      [withoutChain, "--network"],
      [[...TERMS, "--interop", "0..7"], "--interop"],
      [[...TERMS, "--validators", "1001"], "1 to 1000"],
      [["--validators", "2"], "belong to --dkg"],
    ] as const) {
      const {code, stderr} = await cli(["local", ...args, "--data-dir", join(dir, "none")]);
      expect([code, stderr.includes(words)], stderr).to.deep.equal([2, true]);
    }
    const {stdout} = await cli(["local", "--help"]);
    expect(stdout).to.include("--dkg").and.include("--validators").and.include("--withdrawal-address");
  });
});
