import {readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {Cli, cli, killAll} from "../../support/cli.js";
import {randaoRequest} from "../../support/dkg-evidence.js";
import {OperatorProcesses} from "../../support/dkg-processes.js";
import {CeremonyRounds} from "../../support/kill/ceremony-rounds.js";
import {countOf, Seeded, seedOf} from "../../support/seeded.js";

/** About half a minute of `npm test`; `npm run test:long -- dkg` or PLEIADES_DKG_KILLS for more. */
const KILLS = countOf("PLEIADES_DKG_KILLS", {usual: 6, long: 200});

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
    const {kills, finished, keys, problems, committeeFiles} = await rounds.run(KILLS, {coordinators: [peerId]});
    console.log(`    killed ${JSON.stringify(kills)}; ${finished} ceremonies finished, ${keys} keys`);
    expect(problems).to.deep.equal([]);
    expect(finished).to.be.at.least(3);
    // The shares that were activated are those of the keys.
    await operators.startAll();
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
});
