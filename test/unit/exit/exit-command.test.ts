import {chmod, mkdtemp, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {runCli} from "../../../src/app/cli/run.js";
import {exitRequest, permitOf} from "../../../src/app/exit/decide.js";
import {parseEpoch, parseSignatureHex} from "../../../src/core/bytes.js";
import {parsePolicyConfig} from "../../../src/core/duty/policy.js";
import {PRESETS} from "../../../src/core/duty/preset.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import {verifies} from "../../../src/core/mini-pool/deposit-data.js";
import {AccessTokens} from "../../../src/remote-signer/access-token.js";
import type {HttpServer} from "../../../src/remote-signer/http-server.js";
import {createRemoteSigner} from "../../../src/remote-signer/server.js";
import {publicKeyOf, testKey} from "../../support/committees.js";
import {FakeBeaconNode} from "../../support/fake-beacon-node.js";
import {memoryCommittee} from "../../support/memory-committee.js";
import {NETWORK as FIXTURE} from "../duty/fixtures.js";

const [MINE, FORBIDDEN] = [testKey(1, {n: 4}), testKey(2, {n: 4})];
const [KEY, FORBIDDEN_KEY] = [publicKeyOf(MINE.secret), publicKeyOf(FORBIDDEN.secret)];
const TOKEN = "a-token-of-sixteen-characters-or-more";

/** The preset of this test process; it cannot change within one. */
const PRESET = PRESETS[process.env.LODESTAR_PRESET === "minimal" ? "minimal" : "mainnet"];
/** Epoch 20 when the tests begin. Deneb began at epoch 5; period and activation make epoch 7 the exit's first. */
const NETWORK = {
  ...FIXTURE,
  preset: PRESET,
  clock: {genesisTime: Math.floor(Date.now() / 1000) - 20 * PRESET.slotsPerEpoch, secondsPerSlot: 1},
};

describe("pleiades exit", () => {
  let node: FakeBeaconNode;
  let beacon: string;
  let signer: HttpServer;
  let dir: string;
  let asked = 0;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pleiades-exit-"));
    const {parse} = await import("yaml");
    const policy = parsePolicyConfig({permits: [parse(permitOf(KEY, 100n, 7n))]});
    const {service} = await memoryCommittee([MINE, FORBIDDEN], {n: 4, network: NETWORK, policy});
    const counting = {
      sign: (...args: Parameters<typeof service.sign>) => {
        asked++;
        return service.sign(...args);
      },
      publicKeys: () => service.publicKeys(),
      highWatermark: (signal: AbortSignal) => service.highWatermark(signal),
      health: () => service.health(),
    };
    signer = await createRemoteSigner(
      {
        service: counting,
        logger: new MemoryLogger(),
        observer: () => {},
        clock: systemClock,
        reload: async () => ({errors: []}),
      },
      {network: NETWORK, port: 0, tokens: new AccessTokens([TOKEN])},
    );
    await writeFile(join(dir, "token"), `${TOKEN}\n`);
    await chmod(join(dir, "token"), 0o600);
  });
  after(async () => {
    await signer.close();
    await rm(dir, {recursive: true, force: true});
  });
  beforeEach(async () => {
    asked = 0;
    node = new FakeBeaconNode(NETWORK, {shardCommitteePeriod: 4});
    node.add(KEY, {activationEpoch: "3"});
    beacon = await node.start();
  });
  afterEach(() => node.close());

  async function run(...more: string[]): Promise<{code: number; out: string[]; err: string}> {
    const [out, err]: [string[], string[]] = [[], []];
    const io = {
      out: (line: string) => void out.push(line),
      err: (line: string) => void err.push(line),
      progress: () => {},
      interactive: false,
    };
    const where = ["--beacon-node", beacon, "--signer", signer.url, "--signer-token-file", join(dir, "token")];
    const key = more.includes("--key") ? [] : ["--key", KEY];
    return {code: await runCli(["exit", ...key, ...where, ...more], io), out, err: err.join("\n")};
  }
  function expectSigned(exit: unknown, epoch = 7): void {
    const {message, signature} = exit as {message: unknown; signature: string};
    expect(message).to.deep.equal({epoch: String(epoch), validator_index: "100"});
    const {signingRoot} = computeSigningRoot(exitRequest(100n, parseEpoch(epoch), NETWORK), NETWORK);
    expect(verifies(blstGroup, signingRoot, {pubkey: KEY, signature: parseSignatureHex(signature)})).to.equal(true);
  }

  it("publishes an exit that the committee has signed, and waits until the chain shows it", async () => {
    node.looksUntilIncluded = 1;
    const {code, out, err} = await run("--yes", "--wait", "--json");
    expect(err).to.match(/validator 100 \(active_ongoing\) on test, now epoch 2\d: exit of epoch 7/);
    expect(code).to.equal(0);
    expect(node.published).to.have.length(1);
    expectSigned(node.published[0]);
    const {signedExit, ...result} = JSON.parse(out[0]!);
    expect(signedExit).to.deep.equal(node.published[0]);
    const epochs = {exitEpoch: "30", withdrawableEpoch: "286"};
    expect(result).to.deep.equal({key: KEY, index: "100", published: true, status: "active_exiting", ...epochs});
  }).timeout(20_000);

  it("prints the signed exit of a dry run and publishes nothing", async () => {
    const {code, out} = await run("--dry-run");
    expect(code).to.equal(0);
    expectSigned(JSON.parse(out[0]!));
    expect(node.published).to.deep.equal([]);
  });

  it("signs nothing without a confirmation", async () => {
    const {code, err} = await run();
    expect(code).to.equal(1);
    expect(err).to.match(/^EXIT_NOT_CONFIRMED: /m);
    expect([asked, node.published]).to.deep.equal([0, []]);
  });

  it("says which permit operators lack when they refuse", async () => {
    node.add(FORBIDDEN_KEY, {activationEpoch: "3"});
    const {code, err} = await run("--yes", "--key", FORBIDDEN_KEY);
    expect(code).to.equal(1);
    expect(err).to.match(/^EXIT_NOT_PERMITTED: /m);
    expect(err).to.contain(permitOf(FORBIDDEN_KEY, 101n, 7n));
    expect(err).to.contain("POLICY_NOT_PERMITTED");
    expect(node.published).to.deep.equal([]);
    // Another epoch than the permitted one is another message.
    expect((await run("--yes", "--epoch", "8")).err).to.match(/^EXIT_NOT_PERMITTED: /m);
  });

  const lately = {activationEpoch: "1000"};
  for (const [what, code, change] of [
    [
      "a validator that has not been active for long enough",
      "EXIT_TOO_EARLY",
      () => Object.assign(node.validators[0]!, lately),
    ],
    ["a validator that leaves already", "EXIT_ALREADY", () => Object.assign(node.validators[0]!, {exitEpoch: "25"})],
    [
      "a validator that is not active yet",
      "EXIT_NOT_ACTIVE",
      () => Object.assign(node.validators[0]!, {activationEpoch: (2n ** 64n - 1n).toString()}),
    ],
    ["a key that the chain does not know", "EXIT_UNKNOWN_VALIDATOR", () => node.validators.splice(0)],
    ["a node that syncs", "EXIT_NODE_SYNCING", () => Object.assign(node, {syncing: true})],
    [
      "a node whose answer is of another validator",
      "EXIT_NODE",
      () => {
        const validator = {pubkey: FORBIDDEN_KEY, activation_epoch: "3", exit_epoch: "1", withdrawable_epoch: "1"};
        const body = JSON.stringify({data: {index: "1", status: "active_ongoing", validator}});
        node.instead.set("/eth/v1/beacon/states", {status: 200, body});
      },
    ],
    [
      "an answer without end",
      "EXIT_NODE",
      () => node.instead.set("/eth/v1/node", {status: 200, body: "x".repeat(1e6)}),
    ],
    ["an answer that is no JSON", "EXIT_NODE", () => node.instead.set("/eth/v1/node", {status: 200, body: "<html>"})],
    ["a node in trouble", "EXIT_NODE", () => node.instead.set("/eth/v1/node", {status: 503, body: "down"})],
  ] as const) {
    it(`asks no signature for ${what}`, async () => {
      change();
      const {code: exitCode, err} = await run("--yes");
      expect(err).to.match(new RegExp(`^${code}: `, "m"));
      expect(exitCode).to.equal(1);
      expect([asked, node.published]).to.deep.equal([0, []]);
    });
  }

  it("names the epoch from which an exit that comes too early works", async () => {
    Object.assign(node.validators[0]!, lately);
    expect((await run("--yes")).err).to.match(/from: 1004/);
  });

  it("tells the node's reason when it refuses the exit, and keeps the exit", async () => {
    node.refuse = {status: 400, body: JSON.stringify({code: 400, message: "pending partial withdrawal"})};
    const {code, err} = await run("--yes");
    expect(code).to.equal(1);
    expect(err).to.match(/^EXIT_REFUSED: /m);
    expect(err).to.contain("pending partial withdrawal");
    expectSigned(JSON.parse(/signedExit: (.*)$/m.exec(err)![1]!));
  });

  it("ends with a code when the chain does not show the exit in the time given", async () => {
    node.looksUntilIncluded = 1_000;
    const {code, err} = await run("--yes", "--wait", "--wait-seconds", "0");
    expect([code, node.published.length]).to.deep.equal([1, 1]);
    expect(err).to.match(/^EXIT_NOT_SEEN: /m);
  });

  it("does not publish what is no signature of this exit", async () => {
    const fakeSigner = new FakeBeaconNode(NETWORK);
    const url = await fakeSigner.start();
    try {
      for (const [body, code] of [
        [JSON.stringify({signature: `0x${"11".repeat(96)}`}), "EXIT_SIGNATURE"],
        [JSON.stringify({signature: "0x12"}), "EXIT_SIGNER"],
        ["nothing", "EXIT_SIGNER"],
      ] as const) {
        fakeSigner.instead.set("/api/v1/eth2/sign", {status: 200, body});
        const io = {
          out: () => {},
          err: (line: string) => void lines.push(line),
          progress: () => {},
          interactive: false,
        };
        const lines: string[] = [];
        const exitCode = await runCli(["exit", "--key", KEY, "--beacon-node", beacon, "--signer", url, "--yes"], io);
        expect(exitCode).to.equal(1);
        expect(lines.join("\n")).to.match(new RegExp(`^${code}: `, "m"));
      }
      expect(node.published).to.deep.equal([]);
    } finally {
      await fakeSigner.close();
    }
  });

  for (const [what, flags] of [
    ["both a signer and a configuration", ["--config", "x.yaml"]],
    ["a wait for a dry run", ["--dry-run", "--wait"]],
    ["a bound without a wait", ["--wait-seconds", "5"]],
    ["a key that is none", ["--key", "0x12"]],
  ] as const) {
    it(`takes no command line with ${what}`, async () => {
      const {code, err} = await run(...flags);
      expect(code).to.equal(2);
      expect(err).to.match(/^CLI_USAGE: /m);
    });
  }
});
