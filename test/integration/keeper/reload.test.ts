import {writeFileSync} from "node:fs";
import {join} from "node:path";
import {expect} from "chai";
import {blstGroup} from "../../../src/adapters/bls/blst.js";
import {formatCommitteeFile, parseCommitteeFile} from "../../../src/core/committee/committee-file.js";
import {newBundleId} from "../../../src/keeper/bundle.js";
import {Secret} from "../../../src/keeper/secret.js";
import {testDraft, testKey} from "../../support/committees.js";
import {attestation, KeeperFixture, outcome, randao} from "../../support/keeper.js";

describe("a running keeper that reads its files again", function () {
  this.timeout(20_000);
  let fixture: KeeperFixture;
  beforeEach(() => {
    fixture = new KeeperFixture();
  });
  afterEach(() => fixture.close());

  /** A second committee of the same operators, and this one's bundle. */
  async function another(seed = 50) {
    const key = testKey(seed, {n: 4});
    const text = formatCommitteeFile(testDraft([key], {n: 4}), blstGroup);
    const validator = parseCommitteeFile(text, blstGroup).validators[0]!;
    const committeeFile = join(fixture.folder, `committee-${seed}.json`);
    writeFileSync(committeeFile, text);
    const share = {groupPublicKey: validator.groupPublicKey, secret: new Secret(key.shares[0]!.secret)};
    const bundle = await fixture.bundle(`bundle-${seed}.json`, {shares: [share], bundleId: newBundleId()});
    const request = (message: unknown) => ({
      ...fixture.request(message),
      key: validator.groupPublicKey,
      committeeHash: validator.committeeHash,
    });
    return {committeeFile, bundle, request, key: validator.groupPublicKey};
  }

  it("signs with a share that was added since, counts it, and remembers it over a restart", async () => {
    const first = await fixture.bundle("bundle.json");
    const keeper = await fixture.start({bundleFiles: [first]});
    const more = await another();
    expect(outcome(await keeper.sign(more.request(randao(99))))).to.equal("KEEPER_UNKNOWN_KEY");
    const committeeFiles = [fixture.committeeFile, more.committeeFile];
    const report = await keeper.reload({committeeFiles, bundleFiles: [first, more.bundle]});
    expect(report).to.deep.equal({keys: 2, added: 1, errors: []});
    expect(outcome(await keeper.sign(more.request(attestation(98, 99))))).to.equal("signed");
    expect(outcome(await keeper.sign(fixture.request(attestation(98, 99))))).to.equal("signed");
    expect((await keeper.status()).keys).to.equal(2);
    expect((await keeper.keys()).map(({groupPublicKey}) => groupPublicKey)).to.include(more.key);
    expect((await keeper.watermarks()).find(({key}) => key === more.key)?.epoch).to.equal(99n);
    await keeper.close();
    const again = await fixture.start({committeeFiles});
    expect(outcome(await again.sign(more.request(attestation(98, 99, {byte: 7}))))).to.equal("SLASHING_DOUBLE_VOTE");
  });

  it("judges what peers remember of it by a share that was added since", async () => {
    const keeper = await fixture.start();
    expect(keeper.sighting()).to.equal(null);
    const more = await another();
    await keeper.reload({committeeFiles: [more.committeeFile], bundleFiles: [more.bundle]});
    expect(outcome(await keeper.sign(more.request(attestation(98, 99))))).to.equal("signed");
    const seen = keeper.sighting()!;
    expect(seen.key).to.equal(more.key);
    await keeper.judge([seen]);
    expect(keeper.stopCode()).to.equal(null);
  });

  it("signs what it signed before while it reads a large committee file", async () => {
    const keeper = await fixture.start({bundleFiles: [await fixture.bundle("bundle.json")]});
    const keys = Array.from({length: 60}, (_, i) => testKey(200 + i, {n: 4}));
    const file = join(fixture.folder, "large.json");
    writeFileSync(file, formatCommitteeFile(testDraft(keys, {n: 4}), blstGroup));
    let read = false;
    const reading = keeper.reload({committeeFiles: [fixture.committeeFile, file], bundleFiles: []}).then((report) => {
      read = true;
      return report;
    });
    expect(outcome(await keeper.sign(fixture.request(randao(99))))).to.equal("signed");
    // Its answer came first: nothing waited for the file.
    expect(read).to.equal(false);
    expect(await reading).to.deep.equal({keys: 1, added: 0, errors: []});
  });

  it("leaves out a file that cannot be used, names it, and goes on with the others", async () => {
    const first = await fixture.bundle("bundle.json");
    const keeper = await fixture.start({bundleFiles: [first]});
    const more = await another();
    const broken = join(fixture.folder, "broken.json");
    writeFileSync(broken, "{");
    const stranger = await another(60);
    const report = await keeper.reload({
      committeeFiles: [broken, fixture.committeeFile, more.committeeFile, join(fixture.folder, "absent.json")],
      bundleFiles: [broken, stranger.bundle, more.bundle],
    });
    expect(report).to.include({keys: 2, added: 1});
    expect(report.errors.map((error) => error.split(":")[0])).to.deep.equal([
      "COMMITTEE_FILE_MALFORMED",
      "KEEPER_FILE",
      "KEEPER_BUNDLE",
      "KEEPER_BUNDLE_COMMITTEE",
    ]);
    expect(outcome(await keeper.sign(more.request(randao(99))))).to.equal("signed");
  });

  it("lets a share rest whose committee file is gone, and keeps all when no file can be used", async () => {
    const keeper = await fixture.start({bundleFiles: [await fixture.bundle("bundle.json")]});
    const more = await another();
    const absent = join(fixture.folder, "absent.json");
    expect((await keeper.reload({committeeFiles: [absent], bundleFiles: []})).keys).to.equal(1);
    expect((await keeper.reload({committeeFiles: [more.committeeFile], bundleFiles: []})).keys).to.equal(0);
    expect(outcome(await keeper.sign(fixture.request(randao(99))))).to.equal("KEEPER_UNKNOWN_KEY");
    expect((await keeper.reload({committeeFiles: [fixture.committeeFile], bundleFiles: []})).keys).to.equal(1);
    expect(outcome(await keeper.sign(fixture.request(randao(99))))).to.equal("signed");
  });

  it("takes what two readings at once ask for, one after the other", async () => {
    const keeper = await fixture.start();
    const [one, two] = [await another(), await another(60)];
    const files = (...of: (typeof one)[]) => ({
      committeeFiles: of.map(({committeeFile}) => committeeFile),
      bundleFiles: of.map(({bundle}) => bundle),
    });
    const reports = await Promise.all([keeper.reload(files(one)), keeper.reload(files(one, two))]);
    expect(reports.map(({keys, added}) => [keys, added])).to.deep.equal([
      [1, 1],
      [2, 1],
    ]);
  });
});
