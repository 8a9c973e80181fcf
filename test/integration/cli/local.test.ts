import {mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {ask, type Captured, captured, signatureOfLocalKey} from "../../support/captured.js";
import {Cli, cli, family, killAll, ROOT, stillRunning, until} from "../../support/cli.js";

interface Ready {
  readonly ready: boolean;
  readonly url: string;
  readonly operators: readonly {readonly id: number; readonly pid: number}[];
  readonly groupPublicKeys: readonly string[];
}

/** Main, four operators, their four keepers, and the signer. */
const PROCESSES = 10;

describe("pleiades local", function () {
  // Ten processes start, each with slow key derivations, on however small a machine.
  this.timeout(180_000);
  let dir: string;
  let started: number[] = [];
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-local-"));
  });
  after(() => rm(dir, {recursive: true, force: true}));
  afterEach(() => {
    killAll(stillRunning(started));
    started = [];
  });

  async function start(options: {
    command?: readonly string[];
    detached?: boolean;
    fresh?: boolean;
  }): Promise<{main: Cli; ready: Ready; all: number[]}> {
    const {fresh = false, ...rest} = options;
    const keys = fresh ? ["--interop", "0..7", "--preset", "minimal"] : [];
    const main = new Cli(["local", ...keys, "--port", "0", "--data-dir", join(dir, "d"), "--json"], {
      cwd: ROOT,
      ...rest,
    });
    started.push(main.pid);
    const ready = await main.json<Ready>();
    const all = family(main.pid);
    started.push(...all);
    return {main, ready, all};
  }

  const gone = (pids: readonly number[]): Promise<void> =>
    until("the end of every process", () => stillRunning(pids).length === 0);

  /** With forks and clock unknown: what needs neither. */
  const signable = (requests: readonly Captured[]): Captured[] =>
    requests.filter(({body}) => !["VOLUNTARY_EXIT", "VALIDATOR_REGISTRATION"].includes(body.type));

  it("runs a committee that signs what a Lodestar client asks for, with one operator killed, and leaves nothing behind at SIGTERM", async () => {
    const {main, ready, all} = await start({fresh: true});
    expect(ready.ready).to.equal(true);
    expect(ready.operators.map(({id}) => id)).to.deep.equal([1, 2, 3, 4]);
    expect(ready.groupPublicKeys).to.have.length(8);
    expect(all).to.have.length(PROCESSES);
    expect(all).to.include.members(ready.operators.map(({pid}) => pid));
    expect(main.stderr)
      .to.match(/No fork schedule/)
      .and.match(/No chain clock/)
      .and.match(/No genesis_validators_root/);
    expect(main.stderr)
      .to.match(/No fee recipient/)
      .and.match(/1 may be absent, and safety survives 1 liar/);

    const requests = captured();
    if (requests !== null) {
      for (const request of signable(requests)) {
        expect(await ask(ready.url, request), request.file).to.deep.equal({
          status: 200,
          text: JSON.stringify({signature: signatureOfLocalKey(request)}),
        });
      }
      const refused = requests.find(({body}) => body.type === "VALIDATOR_REGISTRATION");
      if (refused !== undefined) expect((await ask(ready.url, refused)).status).to.equal(412);
    }

    // Killing the process of the ready line takes the whole operator down, its keeper too; the committee goes on.
    const victim = ready.operators[1]?.pid ?? 0;
    const operator = family(victim);
    expect(operator).to.have.length(2);
    process.kill(victim, "SIGKILL");
    await gone(operator);
    await until("a word about it", () => main.stderr.includes("an operator has ended"));
    const keys = await (await fetch(`${ready.url}/api/v1/eth2/publicKeys`)).json();
    expect(keys).to.deep.equal(ready.groupPublicKeys);
    const randao = requests?.find(({body}) => body.type === "RANDAO_REVEAL");
    if (randao !== undefined) {
      // Another epoch than before, so that it is not answered from memory.
      const {signingRoot: _, ...body} = {...randao.body, randao_reveal: {epoch: "1"}};
      const answer = await ask(ready.url, {...randao, body: body as unknown as Captured["body"]});
      expect(answer.status, answer.text).to.equal(200);
    }

    const second = await cli(["local", "--data-dir", join(dir, "d"), "--port", "0"]);
    expect(second.code).to.equal(1);
    expect(second.stderr).to.match(/^CLI_LOCAL_IN_USE: /m);

    main.child.kill("SIGTERM");
    expect((await main.done).code).to.equal(0);
    await gone(all);
  });

  it("reuses its folder, refuses options that contradict it, and ends with 130 at Ctrl-C", async () => {
    for (const [option, value] of [
      ["--operators", "7"],
      ["--interop", "0..3"],
      ["--preset", "mainnet"],
    ] as const) {
      const {code, stderr} = await cli(["local", "--data-dir", join(dir, "d"), option, value]);
      expect(code, option).to.equal(1);
      expect(stderr, option).to.match(/^CLI_LOCAL_DIFFERS: /m);
    }
    const before = await readFile(join(dir, "d/committee/committee.json"), "utf8");
    // Ctrl-C in a terminal reaches every process of the group, operators and keepers too.
    const {main, all} = await start({detached: true});
    expect(main.stderr).to.include("reusing");
    process.kill(-main.pid, "SIGINT");
    expect((await main.done).code).to.equal(130);
    await gone(all);
    expect(await readFile(join(dir, "d/committee/committee.json"), "utf8")).to.equal(before);
  });

  it("leaves nothing behind when its main process is killed", async () => {
    const {main, all} = await start({});
    main.child.kill("SIGKILL");
    expect((await main.done).signal).to.equal("SIGKILL");
    await gone(all);
  });

  it("leaves nothing behind when npm is killed", async () => {
    const {main, all} = await start({command: ["npm", "run", "-s", "pleiades", "--"]});
    expect(all.length).to.be.greaterThan(PROCESSES);
    process.kill(main.pid, "SIGKILL");
    await gone(all);
  });

  it("leaves nothing behind when it is stopped while it starts", async () => {
    const main = new Cli(["local", "--port", "0", "--data-dir", join(dir, "d"), "--json"]);
    started.push(main.pid);
    await until("its children", () => family(main.pid).length > 4);
    const all = family(main.pid);
    started.push(...all);
    main.child.kill("SIGTERM");
    expect(await main.done).to.include({code: 0, stdout: ""});
    await gone(all);
  });

  it("ends with the signer's own error when its port is taken", async () => {
    const {createServer} = await import("node:net");
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    try {
      const main = new Cli(["local", "--data-dir", join(dir, "d"), "--port", String(port)]);
      started.push(main.pid);
      const {code, stderr, stdout} = await main.done;
      expect(code).to.equal(1);
      expect(stdout).to.equal("");
      expect(stderr)
        .to.match(/CLI_LOCAL_CHILD/)
        .and.match(/HTTP_ADDRESS_IN_USE/);
    } finally {
      server.close();
    }
  });

  it("refuses a folder with other things in it, and a new one without keys", async () => {
    const other = join(dir, "other");
    const none = await cli(["local", "--data-dir", other]);
    expect([none.code, none.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 2 && text.includes("--interop"),
    );
    await writeFile(join(other, "diary.txt"), "");
    const {code, stderr} = await cli(["local", "--data-dir", other, "--interop", "0..7"]);
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/^CLI_LOCAL_DIR: /m)
      .and.include("diary.txt");
  });
});
