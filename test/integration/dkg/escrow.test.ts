import {readFileSync, statSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import type {SignedExit} from "../../../src/app/exit/beacon-node.js";
import {exitRequest} from "../../../src/app/exit/decide.js";
import {namedNetwork} from "../../../src/app/networks.js";
import {type PubkeyHex, parseEpoch, parsePubkeyHex} from "../../../src/core/bytes.js";
import type {Network} from "../../../src/core/duty/network.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import {verifies} from "../../../src/core/mini-pool/deposit-data.js";
import type {CeremonyReport} from "../../../src/plugin/dkg/report.js";
import {type CliResult, cli} from "../../support/cli.js";
import {OperatorProcesses} from "../../support/dkg-processes.js";
import {FakeBeaconNode, type FakeValidator} from "../../support/fake-beacon-node.js";

const [ADDRESS, FEES] = [`0x${"11".repeat(20)}`, `0x${"22".repeat(20)}`];

/** Four operators with keepers of their own, and a holder who runs nothing. */
describe("an exit in escrow, by its commands", function () {
  this.timeout(180_000);
  let operators: OperatorProcesses;
  let network: Network;
  let node: FakeBeaconNode;
  let beacon: string;
  let holder: string;
  let publicKey: string;
  let folder: string;
  let key: PubkeyHex;
  let validator: FakeValidator;

  const file = (name: string): string => join(operators.dir, name);
  const seal = (n: number, out = file(`part${n}.json`), of: string = key): Promise<CliResult> =>
    cli([
      "escrow",
      "seal",
      "--key",
      of,
      "--beacon-node",
      beacon,
      "--config",
      operators.config(n),
      "--out",
      out,
      "--json",
    ]);
  const open = (parts: readonly string[], ...more: string[]): Promise<CliResult> =>
    cli(["escrow", "open", ...parts, "--key-file", holder, "--committee", join(folder, "ceremony.json"), ...more]);
  const ceremony = async (name: string, ...more: string[]): Promise<string> => {
    const definition = file(name);
    const args = ["--operators", operators.membersFile(), "--fee-recipient", FEES, "--withdrawal-address", ADDRESS];
    await operators.dkgJson(1, "create", ...args, "--out", definition, ...more);
    const run = (n: number) => operators.dkgJson<CeremonyReport>(n, "run", "--definition", definition, "--yes");
    const [first] = await Promise.all([1, 2, 3, 4].map(run));
    return (first!.end as {folder: string}).folder;
  };
  const keyIn = (of: string): PubkeyHex => {
    const {validators} = JSON.parse(readFileSync(join(of, "committee.json"), "utf8"));
    return parsePubkeyHex(validators[0].group_public_key);
  };

  before(async () => {
    network = await namedNetwork("hoodi");
    operators = await OperatorProcesses.create(4);
    node = new FakeBeaconNode(network);
    [beacon] = await Promise.all([node.start(), operators.startAll()]);
    holder = file("holder.key");
  });
  after(async () => {
    operators.close();
    await node.close();
  });

  it("begins with a holder's key pair, which nobody else may read and nothing overwrites", async () => {
    const made = await cli(["escrow", "init", "--out", holder, "--json"]);
    expect(made.code, made.stderr).to.equal(0);
    ({publicKey} = JSON.parse(made.stdout) as {publicKey: string});
    expect(statSync(holder).mode & 0o777).to.equal(0o600);
    const {secret_key} = JSON.parse(readFileSync(holder, "utf8")) as {secret_key: string};
    expect(made.stdout + made.stderr).not.to.include(secret_key.slice(2));
    expect((await cli(["escrow", "init", "--out", holder])).stderr).to.match(/^CONFIG_EXISTS/m);
  });

  it("is consented to with the definition, in which every operator sees the holder", async () => {
    const args = ["--operators", operators.membersFile(), "--fee-recipient", FEES, "--withdrawal-address", ADDRESS];
    const half = await operators.dkg(1, "create", ...args, "--escrow", publicKey, "--out", file("half.json"));
    expect(half.stderr).to.match(/^DKG_ESCROW/m);
    const definition = file("seen.json");
    const named = ["--escrow", publicKey, "--escrow-name", "The pool"];
    await operators.dkgJson(1, "create", ...args, "--out", definition, ...named);
    const {stderr} = await operators.dkg(1, "run", "--definition", definition);
    expect(stderr).to.match(/^DKG_CONSENT_REFUSED/m);
    expect(stderr).to.include(`The pool, ${publicKey}`);
    folder = await ceremony("definition.json", ...named);
    key = keyIn(folder);
  });

  it("goes on with the keys: their next definition names the same holder, and cannot name another", async () => {
    const args = ["--committee", join(folder, "ceremony.json"), "--operators", operators.membersFile()];
    const reshare = (out: string, ...more: string[]) =>
      cli(["reshare", ...args, "--out", file(out), "--config", operators.config(1), ...more]);
    const made = await reshare("reshare.json");
    expect(made.code, made.stderr).to.equal(0);
    expect(made.stdout).to.include(`The pool, ${publicKey}`);
    const {escrow} = JSON.parse(readFileSync(file("reshare.json"), "utf8")) as {escrow: unknown};
    expect(escrow).to.deep.equal({public_key: publicKey, name: "The pool"});
    // Whoever consents is shown where the money goes, and what else the new shares may sign.
    const permits = file("permits.yaml");
    const exit = `- {type: VOLUNTARY_EXIT, pubkey: "${key}", epoch: "1", validator_index: "7"}`;
    writeFileSync(permits, `${exit}\n`);
    const more = await reshare("permits.json", "--permits", permits);
    expect(more.code, more.stderr).to.equal(0);
    expect(more.stdout).to.match(new RegExp(`^also permits   VOLUNTARY_EXIT of ${key}, message 0x[0-9a-f]{64}$`, "m"));
    expect(more.stdout).to.include(`withdrawals    ${ADDRESS}`).and.include(`key            ${key}`);
    const written = JSON.parse(readFileSync(file("permits.json"), "utf8")) as {permits: {type: string}[]};
    expect(written.permits.map(({type}) => type)).to.deep.equal(["VOLUNTARY_EXIT"]);
    writeFileSync(permits, "exit: yes\n");
    expect((await reshare("wrong.json", "--permits", permits)).stderr).to.match(/^DKG_RENEW_TERMS/m);
    for (const epoch of ["1", "1.5", "later"]) {
      const {stderr} = await reshare("epoch.json", "--handover-epoch", epoch);
      expect(stderr).to.match(/^DKG_HANDOVER_EPOCH/m);
    }
    const other = await reshare("other.json", "--escrow", `0x${"09".repeat(32)}`, "--escrow-name", "Other");
    expect(other.stderr).to.match(/^DKG_RENEW_TERMS/m);
  });

  it("is sealed by no operator before the chain has given the validator its index", async () => {
    expect((await seal(1)).stderr).to.match(/^EXIT_UNKNOWN_VALIDATOR/m);
    validator = node.add(key, {status: "pending_queued", activationEpoch: (2n ** 64n - 1n).toString()});
    node.syncing = true;
    expect((await seal(1)).stderr).to.match(/^EXIT_NODE_SYNCING/m);
    node.syncing = false;
  });

  it("is sealed by each operator for the holder, also before the validator is active, and after a power cut", async () => {
    await operators.kill(2);
    expect((await seal(2)).stderr).to.match(/^CONTROL_NO_OPERATOR/m);
    await operators.start(2);
    for (const n of [1, 2, 3, 4]) {
      const sealed = await seal(n);
      expect(sealed.code, sealed.stderr).to.equal(0);
      expect(JSON.parse(sealed.stdout)).to.include({key, shareIndex: n, validatorIndex: "100", holder: publicKey});
    }
    expect((await seal(1)).stderr).to.match(/^CONFIG_EXISTS/m);
  });

  it("is opened from any t parts; fewer, or bad ones, are named", async () => {
    const parts = [1, 2, 3, 4].map((n) => file(`part${n}.json`));
    const out = file("exit.json");
    const opened = await open([parts[3]!, parts[0]!, parts[1]!], "--out", out);
    expect(opened.code, opened.stderr).to.equal(0);
    expect(statSync(out).mode & 0o777).to.equal(0o600);
    const exit = JSON.parse(readFileSync(out, "utf8")) as SignedExit;
    expect(exit.message).to.deep.equal({epoch: "0", validator_index: "100"});
    const {signingRoot} = computeSigningRoot(exitRequest(100n, parseEpoch("0"), network), network);
    expect(verifies(blstGroup, signingRoot, {pubkey: key, signature: exit.signature})).to.equal(true);

    const bad = file("bad.json");
    writeFileSync(bad, readFileSync(parts[2]!, "utf8").replace('"share_index": 3', '"share_index": 4'));
    const few = await open([bad, parts[0]!, parts[1]!]);
    expect(few.code).to.equal(1);
    expect(few.stderr).to.match(/^ESCROW_TOO_FEW/m);
    expect(few.stderr).to.include(bad);
    writeFileSync(file("noise.json"), "{");
    const enough = await open([bad, file("noise.json"), ...parts.slice(0, 3)], "--json");
    expect(enough.code, enough.stderr).to.equal(0);
    expect(enough.stderr).to.include(`${bad}: operator 4's part is bad`).and.include("noise.json counts for nothing");
    expect(JSON.parse(enough.stdout)).to.deep.include({signers: [1, 2, 3], published: false, signedExit: exit});

    const stranger = file("stranger.key");
    await cli(["escrow", "init", "--out", stranger]);
    const other = await cli([
      "escrow",
      "open",
      ...parts,
      "--key-file",
      stranger,
      "--committee",
      join(folder, "committee.json"),
    ]);
    expect(other.stderr).to.match(/^ESCROW_TOO_FEW/m);
    expect(other.stderr).to.include("sealed for another key");
  });

  it("is for its own chain and validator only", async () => {
    const elsewhere = new FakeBeaconNode(await namedNetwork("sepolia"));
    elsewhere.add(key);
    const url = await elsewhere.start();
    try {
      const parts = [2, 3, 4].map((n) => file(`part${n}.json`));
      const there = await open(parts, "--publish", "--beacon-node", url, "--yes");
      expect(there.stderr).to.match(/^ESCROW_CHAIN/m);
      const args = ["--key", key, "--config", operators.config(1), "--out", file("elsewhere.json")];
      const sealed = await cli(["escrow", "seal", ...args, "--beacon-node", url]);
      expect(sealed.stderr).to.match(/^VALIDATOR_OTHER_CHAIN/m);
      expect(elsewhere.published).to.deep.equal([]);
      const moved = {...validator, index: "101", status: "active_ongoing", activationEpoch: "0"};
      node.validators.splice(node.validators.indexOf(validator), 1, moved);
      expect((await open(parts, "--publish", "--beacon-node", beacon, "--yes")).stderr).to.match(/^ESCROW_CHAIN/m);
      node.validators.splice(node.validators.indexOf(moved), 1, validator);
      expect(node.published).to.deep.equal([]);
    } finally {
      await elsewhere.close();
    }
  });

  it("is published by the holder alone, once the chain takes it", async () => {
    const parts = [2, 3, 4].map((n) => file(`part${n}.json`));
    const publish = (...more: string[]) => open(parts, "--publish", "--beacon-node", beacon, ...more);
    expect((await publish("--yes")).stderr).to.match(/^EXIT_NOT_ACTIVE/m);
    Object.assign(validator, {status: "active_ongoing", activationEpoch: "0"});
    expect((await publish()).stderr).to.match(/^EXIT_NOT_CONFIRMED/m);
    expect(node.published).to.deep.equal([]);
    const done = await publish("--yes");
    expect(done.code, done.stderr).to.equal(0);
    expect(node.published).to.deep.equal([JSON.parse(readFileSync(file("exit.json"), "utf8"))]);
    // The node shows it exiting now.
    expect((await seal(1, file("late.json"))).stderr).to.match(/^EXIT_ALREADY/m);
  });

  it("is sealed for nobody when the key's definition named nobody", async () => {
    const other = keyIn(await ceremony("plain.json"));
    node.add(other, {status: "pending_queued"});
    expect((await seal(1, file("none.json"), other)).stderr).to.match(/^KEEPER_NO_ESCROW/m);
  });
});
