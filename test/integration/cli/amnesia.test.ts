import {cpSync, mkdirSync, rmSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {stringify} from "yaml";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {systemClock} from "../../../src/adapters/clock/system.js";
import {type Identity, loadOrCreateIdentity} from "../../../src/adapters/libp2p/identity.js";
import {MemoryLogger} from "../../../src/adapters/logger/memory.js";
import {createLibp2pOperatorLink} from "../../../src/adapters/operator-link/libp2p-operator-link.js";
import {networkSection} from "../../../src/app/config/network.js";
import {freePorts} from "../../../src/app/local/ports.js";
import {SightingFile} from "../../../src/app/sighting-file.js";
import {CoordinatorSightings} from "../../../src/committee/sightings.js";
import type {PeerIdText} from "../../../src/core/bytes.js";
import type {Committee} from "../../../src/core/committee/committee.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../../src/core/committee/committee-file.js";
import type {WireRequest} from "../../../src/core/duty/sign-request.js";
import type {OperatorLink} from "../../../src/ports/operator-link.js";
import {Cli, killAll, stillRunning} from "../../support/cli.js";
import {testDraft} from "../../support/committees.js";
import {attestation, KeeperFixture, outcome} from "../../support/keeper.js";
import {sightingOf} from "../../support/link.js";
import {waitFor} from "../../support/wait.js";

describe("operators that forget", function () {
  this.timeout(120_000);
  let fixture: KeeperFixture;
  let committee: Committee;
  let committeeFile: string;
  let bundle: string;
  let identities: Identity[];
  let signers: Identity[];
  const closers: (() => Promise<unknown>)[] = [];
  const pids: number[] = [];

  /** Two operators' node keys, two signers', one committee file that names them. */
  beforeEach(async () => {
    fixture = new KeeperFixture();
    const key = (name: string) => loadOrCreateIdentity(join(fixture.folder, `${name}.key`));
    identities = await Promise.all(["op1", "op2"].map(key));
    signers = await Promise.all(["signer1", "signer2"].map(key));
    const draft = testDraft(fixture.keys, {n: 4});
    const operators = draft.operators.map((operator, i) => ({
      ...operator,
      peerId: identities[i]?.peerId ?? operator.peerId,
    }));
    const coordinators = signers.map(({peerId}) => peerId);
    const text = formatCommitteeFile({...draft, operators, coordinators}, blstGroup);
    committee = parseCommitteeFile(text, blstGroup);
    committeeFile = join(fixture.folder, "committee-real.json");
    writeFileSync(committeeFile, text);
    bundle = await fixture.bundle("op1.bundle");
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    killAll(stillRunning(pids.splice(0)));
    await fixture.close();
  });

  /** A real operator process on a folder of its own. */
  async function operator(n: 1 | 2, dir: string, {bundles = [bundle]}: {bundles?: string[]} = {}) {
    const [port] = await freePorts([0]);
    const address = `/ip4/127.0.0.1/tcp/${port}`;
    mkdirSync(dir, {recursive: true});
    await fixture.createStore(join(dir, "data"));
    const config = join(dir, "lodestar.config.yaml");
    const content = {
      dataDir: "./data",
      network: networkSection(fixture.network),
      node: {keyFile: join(fixture.folder, `op${n}.key`)},
      committees: [committeeFile],
      operator: {listen: [address], bundles, passwordFile: fixture.passwordFile},
    };
    writeFileSync(config, stringify(content));
    const process = new Cli(["operator", "--config", config, "--json"]);
    pids.push(process.pid);
    await process.json();
    const stop = async () => {
      process.child.kill("SIGTERM");
      await process.done;
    };
    closers.push(stop);
    return {process, address, stop};
  }

  /** A signer's link and memory, without its HTTP. */
  async function signer(n: 1 | 2, {dataDir = join(fixture.folder, `signer${n}`)} = {}) {
    const logger = new MemoryLogger();
    const committees = [committee];
    const sightings = new CoordinatorSightings({committees: () => committees});
    const file = await SightingFile.open({sightings, clock: systemClock, logger}, {dataDir});
    const link = await createLibp2pOperatorLink(
      {identity: signers[n - 1]!, logger, observer: () => {}, clock: systemClock, sightings},
      {software: "test/signer"},
    );
    const close = async () => {
      await link.close();
      await file.close();
    };
    closers.push(close);
    return {link, sightings, close};
  }

  async function connect(link: OperatorLink, ...peers: {peerId: PeerIdText; addresses: readonly string[]}[]) {
    link.setPeers([]);
    await waitFor("dropped", () => link.peers().length === 0);
    link.setPeers(peers);
    await waitFor("connected", () => link.peers().every(({connected}) => connected), 30_000);
  }
  const at = (n: 1 | 2, {address}: {address: string}) => ({peerId: identities[n - 1]!.peerId, addresses: [address]});

  async function ask(link: OperatorLink, request: WireRequest): Promise<string> {
    const {groupPublicKey: key, committeeHash} = committee.validators[0]!;
    const signal = AbortSignal.timeout(20_000);
    const reply = await link.requestPartial(identities[0]!.peerId, {key, committeeHash, priority: 1, request}, signal);
    return outcome(reply);
  }
  const vote = (byte: number) => attestation(99, 100, {byte});
  const floored = ({process}: {process: Cli}) =>
    process.stderr.split("\n").find((line) => line.includes("KEEPER_ROLLED_BACK"));

  it("start at the floor when an old copy of their folder was put back, also for a signer that was restarted", async () => {
    const dir = join(fixture.folder, "op1");
    const first = await operator(1, dir);
    await first.stop();
    const backup = join(fixture.folder, "backup");
    cpSync(join(dir, "data"), backup, {recursive: true});
    const again = await operator(1, dir, {bundles: []});
    const before = await signer(1);
    await connect(before.link, at(1, again));
    expect(await ask(before.link, vote(1))).to.equal("signed");
    await before.close();
    await again.stop();
    rmSync(join(dir, "data"), {recursive: true});
    cpSync(backup, join(dir, "data"), {recursive: true});

    const restored = await operator(1, dir, {bundles: []});
    const after = await signer(1);
    await connect(after.link, at(1, restored));
    expect(await ask(after.link, vote(2)), "the conflicting vote").to.equal("SLASHING_LOW_TARGET");
    expect(await ask(after.link, vote(1)), "the same vote").to.equal("SLASHING_LOW_TARGET");
    await waitFor("the log line", () => floored(restored) !== undefined);
    expect(floored(restored)).to.include('"level":50').and.include("floorEpoch").and.include("action");
  });

  it("start at the floor when their folder was emptied and the bundle added again within the hour", async () => {
    const dir = join(fixture.folder, "op1");
    const first = await operator(1, dir);
    const {link} = await signer(1);
    await connect(link, at(1, first));
    expect(await ask(link, vote(1))).to.equal("signed");
    await first.stop();
    rmSync(join(dir, "data"), {recursive: true});
    const emptied = await operator(1, dir);
    await connect(link, at(1, emptied));
    expect(await ask(link, vote(2))).to.equal("SLASHING_LOW_TARGET");
    expect(floored(emptied)).to.not.equal(undefined);
  });

  it("both stop when two copies are alive, though each has a signer of its own", async () => {
    const dir = join(fixture.folder, "op1");
    const original = await operator(1, dir);
    await original.stop();
    cpSync(dir, join(fixture.folder, "copy"), {recursive: true});
    const between = await operator(2, join(fixture.folder, "op2"), {
      bundles: [await fixture.bundle("op2.bundle", {operator: 2})],
    });
    const copies = [
      await operator(1, dir, {bundles: []}),
      await operator(1, join(fixture.folder, "copy"), {bundles: []}),
    ];
    const links = [(await signer(1)).link, (await signer(2)).link];
    for (const [i, link] of links.entries()) await connect(link, at(1, copies[i]!), at(2, between));
    const stopped = () =>
      links.map((link) => link.peers().find(({peerId}) => peerId === identities[0]!.peerId)?.stopCode);
    await waitFor("both stopped", () => stopped().every((code) => code === "KEEPER_SECOND_COPY"), 90_000);
    for (const link of links) expect(await ask(link, attestation(99, 101))).to.equal("KEEPER_SECOND_COPY");
  });

  it("are not moved by a coordinator that lies about them", async () => {
    const node = await operator(1, join(fixture.folder, "op1"));
    const {link, sightings} = await signer(1);
    const {peerId} = identities[0]!;
    const key = committee.validators[0]!.groupPublicKey;
    const forged = [1, 2, 3].map((n) => sightingOf(n, {key, sequence: 2n ** 63n, issuedAt: Date.now() + 3_600_000}));
    sightings.restore(forged.map((sighting) => ({subject: peerId, teller: peerId, sighting})));
    await connect(link, at(1, node));
    expect(await ask(link, vote(1))).to.equal("signed");
    expect(link.peers()[0]?.stopCode).to.equal(null);
    expect(node.process.stderr).to.not.include("KEEPER_");
    expect(sightings.entries().length, "what it says of itself stands beside what was invented").to.equal(4);
  });
});
