import {readdirSync, readFileSync, rmSync, statSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {storePath} from "../../../src/keeper/start.js";
import type {Keeper} from "../../../src/ports/keeper.js";
import {attestation, block, KeeperFixture, outcome, testNetwork} from "../../support/keeper.js";
import {command, operatorConfig, realCommittee} from "../../support/share-node.js";

const EPOCH = 100;

describe("a backup of shares", function () {
  this.timeout(120_000);
  let fixture: KeeperFixture;
  let file: string;
  let config: string;
  let keeper: Keeper;
  let backup: string;
  let secret: string;

  before(async () => {
    fixture = new KeeperFixture({keys: 2, network: testNetwork({epoch: EPOCH})});
    ({file} = await realCommittee(fixture));
    config = operatorConfig(fixture, join(fixture.folder, "op1"), {id: 1, committees: [file]});
    keeper = await start("op1", {bundleFiles: [await fixture.bundle("op1.bundle")]});
    secret = join(fixture.folder, "backup-password");
    writeFileSync(secret, "a long walk home\n", {mode: 0o600});
    backup = join(fixture.folder, "backup");
    const made = await backUp(backup);
    expect(made.code, made.err).to.equal(0);
  });
  after(() => fixture.close());

  const start = (name: string, more: {bundleFiles?: string[]; committeeFiles?: string[]} = {}) =>
    fixture.start({dataDir: join(fixture.folder, name, "data"), committeeFiles: [file], ...more});
  const backUp = (out: string, ...more: string[]) =>
    command("share", "backup", "--config", config, "--out", out, "--kdf", "pbkdf2", "--password-file", secret, ...more);
  const restore = (into: string, from = backup, ...more: string[]) =>
    command("share", "restore", "--config", into, "--from", from, "--password-file", secret, ...more);
  /** A folder in which nothing is but the configuration. */
  async function fresh(name: string, {id = 1, committees = [file]} = {}): Promise<string> {
    const made = operatorConfig(fixture, join(fixture.folder, name), {id, committees});
    await fixture.createStore(join(fixture.folder, name, "data"));
    return made;
  }
  const vote = (who: Keeper, target: number, key = 0) =>
    who.sign(fixture.request(attestation(target - 1, target), key)).then(outcome);

  it("is taken from a running operator: keystores and committee file, its owner's alone, nothing secret readable", async () => {
    const names = readdirSync(backup);
    expect(names.filter((name) => name.startsWith("share-keystore-"))).to.have.length(2);
    const [committee] = names.filter((name) => name.startsWith("committee-"));
    expect(readFileSync(join(backup, committee!), "utf8")).to.equal(readFileSync(file, "utf8"));
    for (const name of names) {
      expect(statSync(join(backup, name)).mode & 0o777).to.equal(0o600);
      const text = readFileSync(join(backup, name), "utf8").toLowerCase();
      for (const {shares} of fixture.keys) expect(text).to.not.contain(Buffer.from(shares[0]!.secret).toString("hex"));
    }
    expect(await vote(keeper, EPOCH)).to.equal("signed");
  });

  it("overwrites nothing, and says in JSON what it wrote", async () => {
    const again = await backUp(backup);
    expect([again.code, again.err]).to.satisfy(
      ([code, err]: [number, string]) => code === 1 && /^CONFIG_EXISTS/m.test(err),
    );
    const key = fixture.committee.validators[1]!.groupPublicKey;
    const one = await backUp(join(fixture.folder, "one"), "--key", key, "--json");
    const {keys, files, skipped} = JSON.parse(one.out);
    expect([keys, files.length, skipped]).to.deep.equal([[key], 1, []]);
  });

  it("is put into an empty folder, where every record starts at the floor", async () => {
    const into = await fresh("emptied");
    const done = await restore(into, backup, "--json");
    expect(done.code, done.err).to.equal(0);
    const {restored, held, floorEpoch, unconfigured} = JSON.parse(done.out);
    expect(restored).to.have.length(2);
    expect([held, floorEpoch, unconfigured]).to.deep.equal([[], String(EPOCH + 1), []]);
    const other = await start("emptied");
    for (const key of [0, 1]) {
      expect(await vote(other, EPOCH, key)).to.equal("SLASHING_LOW_TARGET");
      const late = await other.sign(fixture.request(block(EPOCH * 32 + 1), key));
      expect(outcome(late)).to.match(/^SLASHING_/);
    }
    expect((await other.watermarks()).length).to.equal(2);
  });

  it("is taken over by a running operator at its next reading, and put in again changes nothing", async () => {
    const into = await fresh("running");
    const running = await start("running");
    expect(await vote(running, EPOCH)).to.equal("KEEPER_UNKNOWN_KEY");
    expect((await restore(into)).code).to.equal(0);
    expect((await running.reload({committeeFiles: [file], bundleFiles: []})).keys).to.equal(2);
    expect(await vote(running, EPOCH)).to.equal("SLASHING_LOW_TARGET");
    const marks = JSON.stringify(await running.watermarks(), (_, value) => String(value));
    const again = JSON.parse((await restore(into, backup, "--json")).out);
    expect([again.restored, again.held.length]).to.deep.equal([[], 2]);
    expect(JSON.stringify(await running.watermarks(), (_, value) => String(value))).to.equal(marks);
  });

  it("leaves the record alone where the share is held", async () => {
    const done = await restore(config, backup, "--json");
    expect(JSON.parse(done.out).held).to.have.length(2);
    expect(await vote(keeper, EPOCH, 1)).to.equal("signed");
  });

  it("is of no use to another operator, to an older generation's successor, or with a wrong password", async () => {
    const other = await fresh("other", {id: 2});
    expect((await restore(other)).err).to.match(/^SHARE_WRONG_OPERATOR/m);
    const newer = await realCommittee(fixture, {generation: 1});
    const refreshed = await fresh("refreshed", {committees: [newer.file]});
    expect((await restore(refreshed)).err).to.match(/^SHARE_OLD_GENERATION/m);
    const wrong = join(fixture.folder, "wrong");
    writeFileSync(wrong, "a long way home\n", {mode: 0o600});
    const into = await fresh("locked");
    const locked = await command("share", "restore", "--config", into, "--from", backup, "--password-file", wrong);
    expect(locked.err).to.match(/^KEEPER_WRONG_PASSWORD/m);
  });

  it("works with its own committee file, and says which one to configure", async () => {
    const into = await fresh("unconfigured", {committees: []});
    const {restored, unconfigured} = JSON.parse((await restore(into, backup, "--json")).out);
    expect(restored).to.have.length(2);
    expect(unconfigured).to.deep.equal([
      join(backup, readdirSync(backup).find((name) => name.startsWith("committee-"))!),
    ]);
    expect((await (await start("unconfigured", {committeeFiles: unconfigured})).keys()).length).to.equal(2);
  });

  it("of another share than the committee file's is refused, and so is a damaged one", async () => {
    const name = readdirSync(backup).find((one) => one.startsWith("share-keystore-"))!;
    const keystore = JSON.parse(readFileSync(join(backup, name), "utf8"));
    const folder = join(fixture.folder, "changed");
    const {mkdirSync} = await import("node:fs");
    mkdirSync(folder, {recursive: true});
    const into = await fresh("refusing");
    const given = async (changed: object): Promise<string> => {
      writeFileSync(join(folder, name), JSON.stringify({...keystore, ...changed}));
      return (await restore(into, folder)).err.split(":")[0]!;
    };
    const {crypto} = keystore;
    const kdf = (params: object) => ({
      crypto: {...crypto, kdf: {...crypto.kdf, params: {...crypto.kdf.params, ...params}}},
    });
    expect(await given({pubkey: "ab".repeat(48)})).to.equal("SHARE_MISMATCH");
    expect(await given({description: "a key"})).to.equal("SHARE_KEYSTORE");
    expect(await given(kdf({c: 2 ** 40}))).to.equal("SHARE_KEYSTORE");
    expect(
      await given({
        crypto: {...crypto, kdf: {function: "scrypt", params: {...crypto.kdf.params, n: 2 ** 24, r: 64, p: 1}}},
      }),
    ).to.equal("SHARE_KEYSTORE");
    expect(await given({crypto: {...crypto, cipher: {...crypto.cipher, message: "00".repeat(32)}}})).to.equal(
      "KEEPER_WRONG_PASSWORD",
    );
    expect(await given({})).to.match(/^restored|^opened/);
  });

  it("has nothing to take from a folder without a store, and makes none", async () => {
    const dir = join(fixture.folder, "nothing");
    const empty = operatorConfig(fixture, dir, {id: 1, committees: [file]});
    const out = join(fixture.folder, "none");
    const done = await command("share", "backup", "--config", empty, "--out", out, "--password-file", secret);
    expect(done.err).to.match(/^SHARE_NOTHING_HELD/m);
    expect(() => statSync(storePath(join(dir, "data")))).to.throw();
    rmSync(dir, {recursive: true});
  });
});
