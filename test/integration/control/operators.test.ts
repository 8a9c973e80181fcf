import {mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {loadOrCreateIdentity} from "../../../src/adapters/libp2p/identity.js";
import {Cli, cli, killAll, ROOT} from "../../support/cli.js";

interface Ready {
  readonly peerId: string;
  readonly url: string;
  readonly addresses: readonly string[];
}
interface Status {
  readonly peers: readonly {peerId: string; connected: boolean}[];
  readonly dataDir: string;
}

/** Two operators with somebody else's plugin, and its commands in a second terminal. */
describe("two operators with a plugin that talks", function () {
  this.timeout(120_000);
  let dir: string;
  const running: Cli[] = [];
  const config = (n: number): string => join(dir, String(n), "lodestar.config.yaml");
  const talk = (n: number, ...args: string[]) => cli(["talk", ...args, "--config", config(n)]);

  before(async () => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), "pleiades-talk-")));
    for (const n of [1, 2]) {
      mkdirSync(join(dir, String(n)));
      await loadOrCreateIdentity(join(dir, String(n), "node.key"));
      writeFileSync(join(dir, String(n), "password"), "correct horse\n", {mode: 0o600});
      writeFileSync(
        config(n),
        [
          "network:",
          "  name: hoodi",
          "operator:",
          "  listen: [/ip4/127.0.0.1/tcp/0]",
          "  passwordFile: ./password",
          "  http: {enabled: true, port: 0}",
          "plugins:",
          `  talker: {module: ${join(ROOT, "test/fixtures/plugins/talker/index.js")}}`,
          "",
        ].join("\n"),
      );
    }
  });
  after(async () => {
    killAll(running.map(({pid}) => pid));
    await Promise.all(running.map(({done}) => done));
    rmSync(dir, {recursive: true, force: true});
  });

  const start = async (n: number): Promise<Ready & {process: Cli}> => {
    const process = new Cli(["operator", "--config", config(n), "--json"]);
    running.push(process);
    return {...(await process.json<Ready>()), process};
  };

  it("says that no operator runs, with a code, before one does", async () => {
    const {code, stdout, stderr} = await talk(1, "status");
    expect(code).to.equal(1);
    expect(stdout).to.equal("");
    expect(stderr).to.match(/^CONTROL_NO_OPERATOR: /m);
    expect(stderr).to.match(/What to do: Start `pleiades operator`/);
  });

  it("lets the plugin's commands reach the running operator, and through it the other one", async () => {
    const [one, two] = await Promise.all([start(1), start(2)]);
    expect(await talk(1, "name", "--peer", two.peerId, "--address", two.addresses[0]!)).to.include({code: 0});
    expect(await talk(2, "name", "--peer", one.peerId, "--address", one.addresses[0]!)).to.include({code: 0});
    let status: Status;
    do {
      const {stdout, stderr} = await talk(1, "status");
      expect(stderr).to.equal("");
      status = JSON.parse(stdout) as Status;
    } while (!status.peers.some(({peerId, connected}) => connected && peerId === two.peerId));
    expect(status.dataDir).to.equal(join(dir, "1/data/plugins/talker"));
    expect(statSync(status.dataDir).mode & 0o777).to.equal(0o700);
    expect(statSync(join(dir, "1/data/control")).mode & 0o777).to.equal(0o700);
    expect(statSync(join(dir, "1/data/control/socket")).mode & 0o777).to.equal(0o600);

    const watching = talk(2, "watch", "--count", "2");
    expect(await talk(1, "say", "--to", two.peerId, "--text", "good evening")).to.include({
      code: 0,
      stdout: "good evening to you\n",
    });
    expect(await talk(1, "say", "--to", two.peerId, "--text", "good night")).to.include({code: 0});
    expect(await watching).to.include({code: 0, stdout: "good evening\ngood night\n"});

    // The same routes are not there over the network, the public one is.
    expect(await (await fetch(`${two.url}/plugin/talker/public`)).json()).to.deep.equal({heard: 2});
    const overTcp = await fetch(`${two.url}/plugin/talker/status`);
    expect([overTcp.status, ((await overTcp.json()) as {code: string}).code]).to.deep.equal([404, "HTTP_NOT_FOUND"]);

    // What the operator refuses reaches the terminal by its own code.
    const stranger = await talk(1, "say", "--to", one.peerId, "--text", "x");
    expect(stranger.code).to.equal(1);
    expect(stranger.stderr).to.match(/^PEER_UNKNOWN: /m);
  });

  it("refuses a second operator on the folder, and leaves the first one's socket alone", async () => {
    const second = await cli(["operator", "--config", config(2), "--json"]);
    expect(second.code).to.equal(1);
    expect(second.stderr).to.match(/^[A-Z]+_[A-Z_]+: /m);
    expect(await talk(2, "status")).to.include({code: 0});
  });

  it("ends a command that watches when the operator stops, and starts again over the socket of a killed one", async () => {
    const [, two] = running.slice(-2) as [Cli, Cli];
    const watching = new Cli(["talk", "watch", "--count", "9", "--config", config(2)]);
    running.push(watching);
    await watching.json().catch(() => undefined);
    two.child.kill("SIGKILL");
    const {code, stderr} = await watching.done;
    expect(code).to.equal(1);
    expect(stderr).to.match(/^CONTROL_ANSWER: /m);
    await two.done;
    expect((await talk(2, "status")).stderr).to.match(/^CONTROL_NO_OPERATOR: /m);
    await start(2);
    expect(await talk(2, "status")).to.include({code: 0});
  });
});
