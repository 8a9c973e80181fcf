import {readFileSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {Cli, cli, killAll} from "../../support/cli.js";
import {randaoRequest, readEvidence} from "../../support/dkg-evidence.js";
import {OperatorProcesses} from "../../support/dkg-processes.js";
import {CeremonyRounds} from "../../support/kill/ceremony-rounds.js";
import {countOf, Seeded, seedOf} from "../../support/seeded.js";

/** About half a minute of `npm test`; `npm run test:long -- dkg` or PLEIADES_DKG_KILLS for more. */
const KILLS = countOf("PLEIADES_DKG_KILLS", {usual: 4, long: 200});

/** Everything is killed: operators, keepers, both, all of them, at any instant of several ceremonies side by side. */
describe("ceremonies whose operators and keepers are killed", function () {
  this.timeout(180_000 + KILLS * 20_000);
  let operators: OperatorProcesses;
  let signer: Cli | null = null;
  beforeEach(async () => {
    operators = await OperatorProcesses.create(4);
  });
  afterEach(() => {
    if (signer !== null) killAll([signer.pid]);
    operators.close();
  });

  it("all end with one transcript, nobody said two things, no secret but the shares is left, and the keys sign", async () => {
    const seed = seedOf();
    console.log(`    ceremony kills: PLEIADES_SEED=${seed} PLEIADES_DKG_KILLS=${KILLS}`);
    const folder = join(operators.dir, "signer");
    const init = await cli(["init", "--dir", folder, "--json", "--network", "hoodi"]);
    const {peerId} = JSON.parse(init.stdout) as {peerId: string};
    const rounds = new CeremonyRounds({random: new Seeded(seed), operators});
    const {kills, finished, keys, problems, definitions, committeeFiles} = await rounds.run(KILLS, {
      coordinators: [peerId],
    });
    console.log(`    killed ${JSON.stringify(kills)}; ${finished} ceremonies finished, ${keys} keys`);
    expect(problems).to.deep.equal([]);
    expect(finished).to.be.at.least(3);
    // Duties do not wait for what is wrong with ceremonies: of four operators two have lost a journal and one is away.
    writeFileSync(join(operators.dataDir(1), "plugins/dkg/journal/data.mdb"), "damaged");
    rmSync(join(operators.dataDir(2), "plugins/dkg/journal"), {recursive: true});
    await Promise.all([1, 2, 3].map((n) => operators.start(n)));
    const damaged = await operators.dkg(1, "status");
    expect([damaged.code, damaged.stderr.split(":")[0]]).to.deep.equal([1, "DKG_JOURNAL_CORRUPT"]);
    expect(await operators.dkgJson(2, "status")).to.deep.equal([]);
    const definition = join(operators.dir, "again.json");
    writeFileSync(definition, definitions[0]!);
    const again = await operators.dkg(2, "run", "--definition", definition, "--yes");
    expect([again.code, again.stderr.split(":")[0]]).to.deep.equal([1, "DKG_CEREMONY_OVER"]);
    // The shares that were activated are those of the keys.
    const config = join(folder, "lodestar.config.yaml");
    const text = readFileSync(config, "utf8");
    const committees = `committees: ${JSON.stringify(committeeFiles.slice(-3))}`;
    writeFileSync(config, text.replace(/^committees: \[\]$/m, committees).replace(/^ {2}port: \d+$/m, "  port: 0"));
    signer = new Cli(["signer", "--config", config, "--json"]);
    const {url} = await signer.json<{url: string}>();
    const listed = (await (await fetch(`${url}/api/v1/eth2/publicKeys`)).json()) as string[];
    expect(listed).to.have.length(63);
    const body = await randaoRequest(committeeFiles.at(-1)!);
    const answers = await Promise.all(
      listed.map(async (key) => {
        const headers = {"content-type": "application/json", accept: "application/json"};
        const response = await fetch(`${url}/api/v1/eth2/sign/${key}`, {method: "POST", headers, body});
        return `${response.status} ${(await response.text()).slice(0, 60)}`;
      }),
    );
    expect(answers.filter((answer) => !answer.startsWith("200"))).to.deep.equal([]);
  });

  it("convict or silence an operator that lost everything half-way, and an aborted one leaves no secret", async () => {
    await operators.startAll();
    const file = join(operators.dir, "definition.json");
    const address = "0x1111111111111111111111111111111111111111";
    const to = ["--withdrawal-address", address, "--out", file];
    // Enough for it to take a few seconds.
    const args = ["--operators", operators.membersFile(), "--fee-recipient", address, "--validators", "400"];
    const {id} = await operators.dkgJson<{id: string}>(1, "create", ...args, ...to);
    const takePart = (n: number) => operators.dkgJson(n, "run", "--definition", file, "--yes", "--detach");
    for (const n of [2, 3, 1]) await takePart(n);
    // All are required: without the fourth it begins, and cannot end.
    await takePart(4);
    const first = async (n: number) => (await operators.report(n, id)).participants[0]!;
    await eventually("it has begun", async () => (await first(2)).progress !== null);
    await operators.kill(4);
    await eventually("the first has spoken", async () => (await first(2)).progress?.announced === true);
    await operators.kill(1);
    rmSync(operators.dataDir(1), {recursive: true});
    await operators.start(1);
    await takePart(1);
    await eventually("it knows that it has spoken", async () => {
      return (await operators.report(1, id)).halted === "DKG_JOURNAL_LOST";
    });
    await operators.start(4);
    for (const n of [1, 2]) await operators.dkgJson(n, "abort", "--ceremony", id, "--reason", "a disk is gone");
    for (const n of [1, 2, 3, 4]) {
      await eventually(`operator ${n} has ended it`, async () => (await operators.report(n, id)).end !== null);
      expect((await operators.report(n, id)).end).to.include({outcome: "failed"});
      await operators.kill(n);
      const {secrets, shares, ended} = await readEvidence(operators.dataDir(n));
      expect([secrets, shares]).to.deep.equal([[], []]);
      expect(ended).to.have.length(1);
    }
  });
});

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await holds())) if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
}
