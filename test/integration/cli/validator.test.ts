// presets: minimal
import "reflect-metadata";
import {mkdir, mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import {createServer, type Server} from "node:http";
import type {AddressInfo} from "node:net";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {readIdentity} from "../../../src/adapters/libp2p/identity.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {composeValidator, type RunningValidator} from "../../../src/app/compose/validator.js";
import {loadConfig} from "../../../src/app/config/load.js";
import type {ClientModules, ClientSigner} from "../../../src/app/validator/client-api.js";
import {formatCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {codeOf} from "../../../src/core/errors.js";
import {cli} from "../../support/cli.js";
import {testDraft, testKey} from "../../support/committees.js";

const ROOT = `0x${"4b".repeat(32)}`;
const SPEC = {
  CONFIG_NAME: "twin",
  PRESET_BASE: "minimal",
  SECONDS_PER_SLOT: "2",
  GENESIS_FORK_VERSION: "0x00000001",
};

type InitOptions = Parameters<ClientModules["Validator"]["initializeFromBeaconNode"]>[0];

/** Lodestar's client as far as it can be seen from here: it keeps what it is given, and says what happens to it in order. */
class ClientTwin {
  readonly events: string[] = [];
  readonly signers = new Map<string, ClientSigner>();
  options: InitOptions | undefined;
  refuseToStart: Error | null = null;
  refuseToOpen: Error | null = null;

  get modules(): ClientModules {
    const twin = this;
    return {
      version: "1.5.1",
      SignerType: {Remote: "remote"},
      SlashingProtection: class {},
      LevelDbController: class {
        async start(): Promise<void> {
          if (twin.refuseToOpen !== null) throw twin.refuseToOpen;
          twin.events.push("database open");
        }
        async stop(): Promise<void> {
          twin.events.push("database closed");
        }
      },
      Validator: {
        async initializeFromBeaconNode(options) {
          if (twin.refuseToStart !== null) throw twin.refuseToStart;
          twin.options = options;
          for (const signer of options.signers) twin.signers.set(signer.pubkey, signer);
          return {
            validatorStore: {
              addSigner: (signer) => void twin.signers.set(signer.pubkey, signer),
              removeSigner: (key) => twin.signers.delete(key),
            },
            removeDutiesForKey: (key) => void twin.events.push(`no duties for ${key.slice(0, 6)}`),
            async close() {
              twin.events.push("client closed");
              options.abortController.abort();
            },
          };
        },
      },
      createIChainForkConfig: (config) => config,
      chainConfigFromJson: (spec) => spec,
    };
  }
}

describe("a signer with the validator client in its process", function () {
  this.timeout(60_000);
  let dir: string;
  let config: string;
  let server: Server;
  let beaconNode: string;
  let running: RunningValidator | undefined;
  const logger = new MemoryLogger();

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-validator-"));
    server = createServer((request, response) => {
      const genesis = {genesis_time: "1700000000", genesis_validators_root: ROOT};
      response.end(JSON.stringify({data: request.url?.endsWith("/spec") ? SPEC : genesis}));
    });
    await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
    beaconNode = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const {code, stderr} = await cli(["init", "--role", "signer", "--dir", dir, "--beacon-node", beaconNode]);
    expect(code, stderr).to.equal(0);
    config = join(dir, "lodestar.config.yaml");
  });
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });
  after(async () => {
    server?.closeAllConnections();
    server?.close();
    if (dir !== undefined) await rm(dir, {recursive: true, force: true});
  });

  async function start(twin: ClientTwin): Promise<RunningValidator> {
    const loaded = await loadConfig(config);
    const signer = loaded.config.signer!;
    running = await composeValidator(loaded, {
      config: signer,
      client: twin.modules,
      beaconNodes: [beaconNode],
      proposers: {graffiti: "seven stars"},
      doppelgangerProtection: false,
      logger,
    });
    return running;
  }

  /** The committee file that the configuration names, with these keys. */
  async function writeCommittee(seeds: readonly number[]): Promise<string[]> {
    const {peerId} = await readIdentity(join(dir, "node.key"));
    const draft = {
      ...testDraft(
        seeds.map((seed) => testKey(seed, {n: 4})),
        {n: 4},
      ),
      coordinators: [peerId],
    };
    await writeFile(join(dir, "committee.json"), formatCommitteeFile(draft, blstGroup));
    return draft.validators.map(({groupPublicKey}) => groupPublicKey);
  }

  it("gives it a URL that works below a path of its own, hands it the keys of each reload, and stops it first", async () => {
    const twin = new ClientTwin();
    const keys = await writeCommittee([1, 2]);
    await edit(config, {"committees: []": "committees: [./committee.json]"});
    const {stop, reload, url} = await start(twin); // no operator answers, so this takes the whole of its bound
    expect(url).to.equal(null);
    expect([...twin.signers.keys()]).to.have.members(keys);
    const [signer] = twin.signers.values();
    expect(signer?.url).to.match(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{64}$/);
    const answer = await fetch(`${signer?.url}/api/v1/eth2/publicKeys`);
    expect(await answer.json()).to.have.members(keys);
    const {origin, pathname} = new URL(signer?.url ?? "");
    expect((await fetch(`${origin}/api/v1/eth2/publicKeys`)).status).to.equal(404);
    expect(twin.options?.valProposerConfig.defaultConfig).to.deep.equal({graffiti: "seven stars"});
    twin.options?.logger.error(`request to ${signer?.url} failed`);
    expect(JSON.stringify(logger.lines)).to.contain("failed").and.not.contain(pathname.slice(1));

    const later = await writeCommittee([2, 3]);
    expect((await reload()).errors).to.deep.equal([]);
    expect([...twin.signers.keys()]).to.have.members(later);

    await stop();
    const gone = `no duties for ${keys[0]?.slice(0, 6)}`;
    expect(twin.events).to.deep.equal(["database open", gone, "client closed", "database closed"]);
    expect(await fetch(origin).catch(() => "closed")).to.equal("closed");
    await edit(config, {"committees: [./committee.json]": "committees: []"});
  });

  it("ends with a code when the client asks to be stopped, does not start, or has no database", async () => {
    const twin = new ClientTwin();
    const {failed} = await start(twin);
    twin.options?.processShutdownCallback(new Error("doppelganger"));
    expect(await failed).to.deep.include({code: "VALIDATOR_CLIENT_STOPPED", data: {reason: "doppelganger"}});
    await running?.stop();

    const late = new ClientTwin();
    late.refuseToStart = new Error("Local and remote configs are different");
    expect(codeOf(await start(late).catch((error: unknown) => error))).to.equal("VALIDATOR_CLIENT_START");
    expect(late.events).to.deep.equal(["database open", "database closed"]);

    const locked = new ClientTwin();
    locked.refuseToOpen = new Error("Database is not open", {cause: new Error("IO error: lock")});
    const error = await start(locked).catch((caught: unknown) => caught);
    expect(error).to.deep.include({code: "VALIDATOR_DATABASE"});
    expect((error as Error).message).to.contain("IO error: lock");
  });

  it("serves the plugins' routes at the configured address, and the remote signer API there not at all", async () => {
    const other = join(dir, "metrics");
    await mkdir(other);
    const {code, stderr} = await cli(["init", "--role", "signer", "--dir", other, "--beacon-node", beaconNode]);
    expect(code, stderr).to.equal(0);
    const kept = config;
    config = join(other, "lodestar.config.yaml");
    await edit(config, {"port: 9000": "port: 0", "plugins: {}": "plugins: {metrics: {}}"});
    try {
      const {url} = await start(new ClientTwin());
      expect((await fetch(`${url}/plugin/metrics`)).status).to.equal(200);
      expect((await fetch(`${url}/api/v1/eth2/publicKeys`)).status).to.equal(404);
    } finally {
      config = kept;
    }
  });

  async function edit(file: string, changes: {readonly [from: string]: string}): Promise<void> {
    let text = await readFile(file, "utf8");
    for (const [from, to] of Object.entries(changes)) {
      expect(text, `${file} has no ${from}`).to.include(from);
      text = text.replace(from, to);
    }
    await writeFile(file, text);
  }
});
