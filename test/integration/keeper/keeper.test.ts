import {readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {LmdbSlashingStore} from "../../../src/adapters/slashing-store/lmdb.js";
import {LmdbEnvironment} from "../../../src/adapters/slashing-store/lmdb-environment.js";
import {parseRootHex} from "../../../src/core/bytes.js";
import {parseSignRequest} from "../../../src/core/duty/request-codec.js";
import {computeSigningRoot} from "../../../src/core/duty/signing-root.js";
import {codeOf} from "../../../src/core/errors.js";
import {loadShare, signPartial} from "../../../src/keeper/partial-signer.js";
import {exportInterchange, importInterchange} from "../../../src/keeper/protection.js";
import {Secret} from "../../../src/keeper/secret.js";
import {storePath} from "../../../src/keeper/start.js";
import type {Keeper} from "../../../src/ports/keeper.js";
import {attestation, block, CHAIN, KeeperFixture, OTHER_CHAIN, outcome, randao} from "../../support/keeper.js";

const HOUR = 60 * 60 * 1000;

describe("a keeper process", function () {
  this.timeout(20_000);
  let fixture: KeeperFixture;
  beforeEach(() => {
    fixture = new KeeperFixture({keys: 2});
  });
  afterEach(() => fixture.close());

  const startFresh = async (): Promise<Keeper> => fixture.start({bundleFiles: [await fixture.bundle("bundle.json")]});
  const sign = async (keeper: Keeper, request: unknown, key = 0): Promise<string> =>
    outcome(await keeper.sign(fixture.request(request, key)));
  const startCode = (promise: Promise<unknown>): Promise<string> => promise.then(() => "started", codeOf);

  it("signs with its scaled share what it computed itself", async () => {
    const keeper = await startFresh();
    const reply = await keeper.sign(fixture.request(attestation(98, 99)));
    const {request} = parseSignRequest(attestation(98, 99), fixture.network.preset);
    const {signingRoot} = computeSigningRoot(request, fixture.network);
    const share = loadShare(fixture.keys[0]!.shares[0]!.secret, {n: 4, t: 3});
    const expected = signPartial(share.key, signingRoot);
    expect(reply.kind === "signed" && Buffer.from(reply.partial)).to.deep.equal(Buffer.from(expected));
  });

  it("signs on worker threads too, the same bytes", async () => {
    const bundle = await fixture.bundle("bundle.json");
    const keeper = await fixture.start({bundleFiles: [bundle], signingThreads: 2});
    const epochs = Array.from({length: 40}, (_, i) => 60 + i);
    const replies = await Promise.all(epochs.map((epoch) => keeper.sign(fixture.request(randao(epoch)))));
    const share = loadShare(fixture.keys[0]!.shares[0]!.secret, {n: 4, t: 3});
    for (const [i, reply] of replies.entries()) {
      const {request} = parseSignRequest(randao(epochs[i]!), fixture.network.preset);
      const expected = signPartial(share.key, computeSigningRoot(request, fixture.network).signingRoot);
      expect(reply.kind === "signed" && Buffer.from(reply.partial).equals(Buffer.from(expected))).to.equal(true);
    }
  });

  it("never signs two conflicting messages, asked at once or one after the other", async () => {
    const keeper = await startFresh();
    const conflicting = [1, 2, 3, 4].map((byte) => sign(keeper, attestation(98, 99, {byte})));
    expect((await Promise.all(conflicting)).filter((one) => one === "signed")).to.have.length(1);
    expect(await sign(keeper, attestation(97, 100))).to.equal("SLASHING_LOW_SOURCE");
    expect(await sign(keeper, block(3200, 1))).to.equal("signed");
    expect(await sign(keeper, block(3200, 2))).to.equal("SLASHING_DOUBLE_BLOCK");
    expect(await sign(keeper, block(3200, 1)), "the same again").to.equal("signed");
    expect(await sign(keeper, block(3200, 2), 1), "another key").to.equal("signed");
  });

  it("keeps its records over a restart and over kill -9", async () => {
    const keeper = await startFresh();
    expect(await sign(keeper, attestation(98, 99, {byte: 1}))).to.equal("signed");
    process.kill((await keeper.status()).pid, "SIGKILL");
    expect(await sign(keeper, attestation(98, 99, {byte: 1}))).to.equal("KEEPER_GONE");
    const again = await fixture.start({bundleFiles: [join(fixture.folder, "bundle.json")]});
    expect(await sign(again, attestation(98, 99, {byte: 2}))).to.equal("SLASHING_DOUBLE_VOTE");
    expect(await sign(again, attestation(98, 99, {byte: 1}))).to.equal("signed");
  });

  it("has recorded every partial that left before it was killed", async () => {
    let keeper = await startFresh();
    const released = new Map<number, number>();
    for (let round = 0; round < 3; round++) {
      const pid = (await keeper.status()).pid;
      let left = 0;
      const asked = Array.from({length: 30}, (_, i) => {
        const target = 10 + round * 30 + i;
        return keeper.sign(fixture.request(attestation(9, target, {byte: 1}))).then((reply) => {
          if (reply.kind !== "signed") return;
          released.set(target, 1);
          if (++left === 5) process.kill(pid, "SIGKILL");
        });
      });
      await Promise.all(asked);
      keeper = await fixture.start({bundleFiles: [join(fixture.folder, "bundle.json")]});
      for (const target of released.keys()) {
        const conflict = await sign(keeper, attestation(9, target, {byte: 2}));
        expect(conflict, `target ${target}`).to.be.oneOf(["SLASHING_DOUBLE_VOTE", "SLASHING_LOW_TARGET"]);
      }
    }
    expect(released.size).to.be.greaterThan(10);
  });

  it("cannot be talked into another domain, epoch or shape by its operator process", async () => {
    const keeper = await startFresh();
    const cases: [unknown, string][] = [
      [attestation(98, 99, {version: "0x09090909"}), "POLICY_WRONG_FORK"],
      [attestation(98, 99, {chain: OTHER_CHAIN}), "POLICY_WRONG_CHAIN"],
      [attestation(98, 102), "POLICY_TOO_EARLY"],
      [attestation(98, 2n ** 63n, {slot: 3168n}), "POLICY_TARGET_NOT_OF_SLOT"],
      [attestation(98, 99, {slot: 3300n}), "POLICY_TARGET_NOT_OF_SLOT"],
      [attestation(98, 2n ** 64n, {slot: 1n}), "CODEC_UINT64"],
      [block(3300), "POLICY_TOO_EARLY"],
      [{...attestation(98, 99), type: "WHATEVER"}, "CODEC_UNKNOWN_TYPE"],
      [
        {
          type: "VOLUNTARY_EXIT",
          fork_info: attestation(1, 2).fork_info,
          voluntary_exit: {epoch: "1", validator_index: "1"},
        },
        "POLICY_NOT_PERMITTED",
      ],
    ];
    for (const [request, code] of cases) expect(await sign(keeper, request)).to.equal(code);
    const stranger = parseRootHex(`0x${"77".repeat(32)}`);
    const mismatch = await keeper.sign(fixture.request(attestation(98, 99), 0, stranger));
    expect(outcome(mismatch)).to.equal("KEEPER_COMMITTEE_MISMATCH");
    expect(await sign(keeper, attestation(98, 99)), "nothing was recorded by any of them").to.equal("signed");
  });

  it("answers every shape of message with a code and stays alive", async () => {
    const keeper = await startFresh();
    const good = fixture.request(attestation(98, 99));
    const shapes: unknown[] = [null, 1, "text", [], {}, {request: null}, {key: 5}, {...good, key: "0x"}];
    shapes.push({...good, request: {type: "__proto__"}}, {...good, request: {type: "toString"}});
    shapes.push({...good, request: {...good.request, attestation: null}}, {...good, request: [good.request]});
    shapes.push({...good, committeeHash: {}}, {...good, request: {...good.request, fork_info: "x"}});
    const replies = await Promise.all(shapes.map((shape) => keeper.sign(shape as never)));
    for (const reply of replies) {
      expect(reply.kind).to.equal("refused");
      expect(reply.kind === "refused" && reply.code).to.match(/^(CODEC|KEEPER)_/);
    }
    expect(outcome(await keeper.sign(good))).to.equal("signed");
  });

  it("adds a bundle once, and starts an old one at the floor", async () => {
    const old = await fixture.bundle("old.json", {createdAt: Date.now() - 2 * HOUR});
    const keeper = await fixture.start({bundleFiles: [old]});
    expect(await sign(keeper, attestation(98, 100))).to.equal("SLASHING_LOW_TARGET");
    expect(await sign(keeper, block(3201))).to.equal("SLASHING_LOW_BLOCK");
    expect(await keeper.watermarks()).to.deep.include({
      key: fixture.committee.validators[0]!.groupPublicKey,
      slot: 102n * 32n - 1n,
      epoch: 101n,
    });
  });

  it("only raises a record when the same share comes in a second bundle", async () => {
    const keeper = await startFresh();
    expect(await sign(keeper, attestation(98, 99, {byte: 1}))).to.equal("signed");
    await keeper.close();
    const again = await fixture.start({bundleFiles: [await fixture.bundle("second.json")]});
    expect(await sign(again, attestation(98, 99, {byte: 2}))).to.equal("SLASHING_DOUBLE_VOTE");
  });

  it("never loads a second share of one key", async () => {
    const keeper = await startFresh();
    await keeper.close();
    const second = await fixture.bundle("second.json", {operator: 2});
    expect(await startCode(fixture.start({bundleFiles: [second]}))).to.equal("KEEPER_SECOND_SHARE");
  });

  it("refuses a share that is not the one of the committee file", async () => {
    const [first, second] = fixture.keys;
    const swapped = await fixture.bundle("swapped.json", {
      shares: fixture.committee.validators.map(({groupPublicKey}, i) => ({
        groupPublicKey,
        secret: new Secret((i === 0 ? second : first)!.shares[0]!.secret),
      })),
    });
    expect(await startCode(fixture.start({bundleFiles: [swapped]}))).to.equal("KEEPER_SHARE_MISMATCH");
  });

  it("refuses wrong passwords, truncated and edited bundles, and adds nothing of them", async () => {
    const bundle = await fixture.bundle("bundle.json", {password: "another"});
    expect(await startCode(fixture.start({bundleFiles: [bundle]}))).to.equal("KEEPER_WRONG_PASSWORD");
    const good = await fixture.bundle("good.json");
    const text = readFileSync(good, "utf8");
    writeFileSync(good, text.slice(0, text.length / 2));
    expect(await startCode(fixture.start({bundleFiles: [good]}))).to.equal("KEEPER_BUNDLE");
    writeFileSync(good, text.replace('"operator_id": 1', '"operator_id": 2'));
    expect(await startCode(fixture.start({bundleFiles: [good]}))).to.equal("KEEPER_WRONG_PASSWORD");
    const keeper = await fixture.start();
    expect(await keeper.keys()).to.deep.equal([]);
    expect(await sign(keeper, attestation(98, 99))).to.equal("KEEPER_UNKNOWN_KEY");
  });

  it("refuses to open its store with another password", async () => {
    await (await startFresh()).close();
    const wrong = fixture.start({password: {value: "another"}});
    expect(await startCode(wrong)).to.equal("KEEPER_WRONG_PASSWORD");
  });

  it("refuses a password file that others may read", async () => {
    const open = join(fixture.folder, "open-password");
    writeFileSync(open, "correct horse", {mode: 0o644});
    expect(await startCode(fixture.start({password: {file: open}}))).to.equal("KEEPER_PASSWORD");
  });

  it("sees an import and an export by another process in its next decision", async () => {
    const keeper = await startFresh();
    const environment = await LmdbEnvironment.open(storePath(join(fixture.folder, "data")));
    const store = new LmdbSlashingStore({environment});
    const [{groupPublicKey: key}, {groupPublicKey: second}] = fixture.committee.validators as [
      (typeof fixture.committee.validators)[0],
      (typeof fixture.committee.validators)[0],
    ];
    const genesisValidatorsRoot = parseRootHex(CHAIN);
    const text = JSON.stringify({
      metadata: {interchange_format_version: "5", genesis_validators_root: CHAIN},
      data: [{pubkey: key, signed_blocks: [], signed_attestations: [{source_epoch: "97", target_epoch: "99"}]}],
    });
    const bound = {epoch: 101n, slot: 102n * 32n - 1n};
    const report = await importInterchange(store, text, {genesisValidatorsRoot, bound});
    expect(report).to.deep.equal({raised: [key], unchanged: [], skipped: []});
    expect(await sign(keeper, attestation(97, 99))).to.equal("SLASHING_DOUBLE_VOTE");
    expect(await sign(keeper, attestation(97, 100))).to.equal("signed");
    const exported = await exportInterchange(store, [key], {genesisValidatorsRoot});
    expect(JSON.parse(exported.text).data[0].signed_attestations[0]).to.include({
      source_epoch: "97",
      target_epoch: "100",
    });
    expect(await sign(keeper, attestation(98, 101))).to.equal("SLASHING_DISABLED");
    expect(await sign(keeper, attestation(98, 101), 1), second).to.equal("signed");
    await store.close();
  });

  it("imports nothing of a file that goes beyond the clock's next epoch", async () => {
    const keeper = await startFresh();
    const store = new LmdbSlashingStore({
      environment: await LmdbEnvironment.open(storePath(join(fixture.folder, "data"))),
    });
    const data = fixture.committee.validators.map(({groupPublicKey}, i) => ({
      pubkey: groupPublicKey,
      signed_blocks: [],
      signed_attestations: [{source_epoch: "97", target_epoch: i === 0 ? "99" : "102"}],
    }));
    const text = JSON.stringify({metadata: {interchange_format_version: "5", genesis_validators_root: CHAIN}, data});
    const bound = {epoch: 101n, slot: 102n * 32n - 1n};
    const code = await Promise.resolve()
      .then(() => importInterchange(store, text, {genesisValidatorsRoot: parseRootHex(CHAIN), bound}))
      .then(() => "imported", codeOf);
    expect(code).to.equal("SLASHING_BEYOND_CLOCK");
    expect(await sign(keeper, attestation(97, 99))).to.equal("signed");
    await store.close();
  });
});
