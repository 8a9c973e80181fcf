import {mkdir, mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import {createServer, type Server} from "node:http";
import type {AddressInfo} from "node:net";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {formatError} from "../../../src/app/cli/errors.js";
import {runCli} from "../../../src/app/cli/run.js";
import {networkFromSpec} from "../../../src/app/networks.js";
import {agreeWithBeaconNodes} from "../../../src/app/validator/chain.js";
import {clientLogger} from "../../../src/app/validator/client-logger.js";
import {installLines, loadClient} from "../../../src/app/validator/client-modules.js";
import {codeOf} from "../../../src/core/errors.js";
import {ROOT as ROOT_DIR} from "../../support/cli.js";

const ROOT = `0x${"4b".repeat(32)}`;
const GENESIS = {genesisTime: 1_700_000_000, genesisValidatorsRoot: ROOT};
const SPEC = {
  CONFIG_NAME: "devnet",
  PRESET_BASE: "minimal",
  SECONDS_PER_SLOT: "2",
  GENESIS_FORK_VERSION: "0x00000001",
  ALTAIR_FORK_VERSION: "0x01000001",
  ALTAIR_FORK_EPOCH: "0",
  BELLATRIX_FORK_VERSION: "0x02000001",
  BELLATRIX_FORK_EPOCH: "1",
  CAPELLA_FORK_VERSION: "0x03000001",
  CAPELLA_FORK_EPOCH: "2",
};
const DENEB = {...SPEC, DENEB_FORK_VERSION: "0x04000001", DENEB_FORK_EPOCH: "900000"};

const codeOfTask = (task: Promise<unknown>): Promise<string> =>
  task.then(
    () => "accepted",
    (error: unknown) => codeOf(error),
  );

describe("the chain that Lodestar 1.5.1 is asked to serve", () => {
  const servers: Server[] = [];
  after(() => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  async function beaconNode(spec: object, genesis: {time?: string; root?: string} = {}): Promise<string> {
    const {time = "1700000000", root = ROOT} = genesis;
    const server = createServer((request, response) => {
      const data = request.url?.endsWith("/spec") ? spec : {genesis_time: time, genesis_validators_root: root};
      response.end(JSON.stringify({data}));
    });
    await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
    servers.push(server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const pinned = networkFromSpec(SPEC, GENESIS);

  it("is the configured one, up to Capella, and any of several nodes may answer for it", async () => {
    const good = await beaconNode(SPEC);
    expect(await agreeWithBeaconNodes([good], pinned)).to.include(SPEC);
    expect(await agreeWithBeaconNodes(["http://127.0.0.1:1", good], pinned)).to.include(SPEC);
    expect(await codeOfTask(agreeWithBeaconNodes(["http://127.0.0.1:1"], pinned))).to.equal("CONFIG_BEACON_NODE");
  });

  it("is refused with Deneb on it, by the configuration or by the node alone, however far ahead", async () => {
    const later = networkFromSpec(DENEB, GENESIS);
    const newer = await beaconNode(DENEB);
    expect(await codeOfTask(agreeWithBeaconNodes([newer], later))).to.equal("VALIDATOR_CLIENT_TOO_OLD");
    expect(await codeOfTask(agreeWithBeaconNodes([newer], pinned))).to.equal("VALIDATOR_CLIENT_TOO_OLD");
    const text = formatError(await agreeWithBeaconNodes([newer], later).catch((error: unknown) => error));
    expect(text).to.contain("fork: deneb").and.contain("--externalSigner.url");
  });

  it("is refused when the node is on another one, or any of the nodes is", async () => {
    const good = await beaconNode(SPEC);
    for (const other of [
      await beaconNode(SPEC, {root: `0x${"4c".repeat(32)}`}),
      await beaconNode(SPEC, {time: "1700000001"}),
      await beaconNode({...SPEC, SECONDS_PER_SLOT: "3"}),
    ]) {
      expect(await codeOfTask(agreeWithBeaconNodes([good, other], pinned))).to.equal("VALIDATOR_OTHER_CHAIN");
    }
  });
});

describe("Lodestar's client in a folder", () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-client-"));
  });
  after(() => rm(dir, {recursive: true, force: true}));

  async function folder(name: string, versions: {readonly [sibling: string]: string}): Promise<string> {
    for (const [sibling, version] of Object.entries(versions)) {
      const root = join(dir, name, "node_modules", "@lodestar", sibling);
      await mkdir(root, {recursive: true});
      await writeFile(join(root, "package.json"), JSON.stringify({version}));
    }
    return join(dir, name);
  }

  it("is missed with the lines that install it: nested overrides in a package of its own", async () => {
    const error = await loadClient(dir, "mainnet").catch((caught: unknown) => caught);
    expect(codeOf(error)).to.equal("VALIDATOR_CLIENT_MISSING");
    const text = formatError(error);
    const written = /echo '(.*)' > lodestar-client\/package\.json/.exec(text)?.[1] ?? "";
    expect(JSON.parse(written)).to.deep.include({dependencies: {"@lodestar/validator": "1.5.1"}});
    const nested = JSON.parse(written).overrides["@lodestar/validator"];
    expect(nested).to.include({"@lodestar/state-transition": "1.5.1", "@lodestar/db": "1.5.1"});
    expect(text).to.contain("npm install --ignore-scripts").and.contain("--validator-from lodestar-client");
  });

  it("is installed in the guide by the same lines", async () => {
    const guide = await readFile(join(ROOT_DIR, "docs/moving.md"), "utf8");
    for (const line of installLines().slice(0, 3)) expect(guide).to.contain(line);
  });

  it("is refused in another version, and when a sibling is of another version or not there", async () => {
    const siblings = {config: "1.5.1", db: "1.5.1", params: "1.5.1"};
    for (const [name, versions] of Object.entries({
      newer: {...siblings, validator: "1.22.0"},
      mixed: {...siblings, validator: "1.5.1", params: "1.50.0"},
      partial: {validator: "1.5.1", config: "1.5.1", params: "1.5.1"},
    })) {
      const error = await loadClient(await folder(name, versions), "mainnet").catch((caught: unknown) => caught);
      expect(codeOf(error), name).to.equal("VALIDATOR_CLIENT_VERSION");
      expect(formatError(error), name).to.contain("needed: 1.5.1");
    }
  });
});

describe("the client's log", () => {
  it("comes through ours, with the secret path taken out of messages, fields and errors", () => {
    const logger = new MemoryLogger();
    const secret = "5ec2e7".repeat(8);
    let ended = false;
    const client = clientLogger(logger, {secret, ending: () => ended});
    client.error(`request to http://127.0.0.1:1/${secret}/x failed`, {url: `/${secret}`, slot: 7}, new Error(secret));
    client.child({module: "vc"}).verbose("x", {nested: {secret}, big: 2n ** 64n, root: new Uint8Array([1])});
    client.warn("y", new Error(secret));
    client.info("z", secret);
    ended = true;
    client.error("cut off");
    expect(JSON.stringify(logger.lines)).to.not.contain(secret);
    expect(logger.lines.map(({level}) => level)).to.deep.equal(["error", "debug", "warn", "info", "debug"]);
    expect(logger.lines[0]?.fields).to.deep.equal({url: "/…", slot: 7, error: "…"});
    expect(logger.lines[1]?.fields).to.deep.equal({
      module: "vc",
      nested: '{"secret":"…"}',
      big: "18446744073709551616",
      root: "0x01",
    });
  });
});

describe("pleiades validator", () => {
  async function run(...args: string[]): Promise<{code: number; err: string}> {
    const lines: string[] = [];
    const io = {out: () => {}, err: (line: string) => lines.push(line), progress: () => {}, interactive: false};
    return {
      code: await runCli(["validator", ...args], {...io, err: (line) => void lines.push(line)}),
      err: lines.join("\n"),
    };
  }

  it("needs a beacon node, and says what is wrong with its other options before it reads anything", async () => {
    expect(await run()).to.deep.include({code: 2});
    const node = ["--beacon-node", "http://127.0.0.1:1"];
    expect((await run(...node, "--graffiti", "x".repeat(33))).err).to.contain("longer than 32 bytes");
    expect((await run(...node, "--suggested-fee-recipient", "0x12")).err).to.contain("40 hex digits");
    expect((await run(...node, "--config", "/nowhere/lodestar.config.yaml")).err).to.match(/^CONFIG_/);
  });

  it("says of a public network that it cannot serve it, before it asks for a client or a beacon node", async () => {
    const dir = await mkdtemp(join(tmpdir(), "pleiades-hoodi-"));
    const config = join(dir, "lodestar.config.yaml");
    await writeFile(config, "network: {name: hoodi}\nsigner: {}\n");
    const {code, err} = await run("--beacon-node", "http://127.0.0.1:1", "--config", config);
    await rm(dir, {recursive: true, force: true});
    expect(code).to.equal(1);
    expect(err)
      .to.match(/^VALIDATOR_CLIENT_TOO_OLD: /)
      .and.contain("network: hoodi");
  });
});
