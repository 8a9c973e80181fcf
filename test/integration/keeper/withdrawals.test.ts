import {expect} from "chai";
import {LmdbEnvironment} from "../../../src/adapters/slashing-store/lmdb-environment.js";
import {parsePolicyConfig, policyToJson} from "../../../src/core/duty/policy.js";
import {floorRecord} from "../../../src/core/slashing/decide.js";
import {Secret} from "../../../src/keeper/secret.js";
import {ShareStore} from "../../../src/keeper/share-store.js";
import {storePath} from "../../../src/keeper/start.js";
import {KeeperFixture, outcome} from "../../support/keeper.js";

const root = (byte: number): string => `0x01${"00".repeat(11)}${byte.toString(16).padStart(2, "0").repeat(20)}`;
const ETH = 1_000_000_000n;

describe("the one withdrawal credential of a key", function () {
  this.timeout(20_000);
  let fixture: KeeperFixture;
  let bundle: string;
  beforeEach(async () => {
    fixture = new KeeperFixture({keys: 2});
    bundle = await fixture.bundle("bundle.json");
  });
  afterEach(() => fixture.close());

  const keyOf = (key: number) => fixture.committee.validators[key]!.groupPublicKey;
  const deposit = (byte: number, amount: bigint, key = 0) => {
    const message = {pubkey: keyOf(key), withdrawal_credentials: root(byte), amount: String(amount)};
    return fixture.request({type: "DEPOSIT", deposit: {...message, genesis_fork_version: "0x01020304"}}, key);
  };
  /** A configuration that allows each of these, as two owners with two minds would write it. */
  const permits = (...of: [byte: number, amount: bigint, key?: number][]) => ({
    bundleFiles: [bundle],
    policy: policyToJson(
      parsePolicyConfig({
        permits: of.map(([byte, amount, key = 0]) => ({
          type: "DEPOSIT",
          pubkey: keyOf(key),
          withdrawal_credentials: root(byte),
          amount: String(amount),
        })),
      }),
    ),
  });

  it("is the first that is signed: every other one is refused for ever, whatever is permitted", async () => {
    const allowed = permits([1, ETH], [1, 31n * ETH], [2, 32n * ETH], [2, ETH, 1]);
    const keeper = await fixture.start(allowed);
    const first = await keeper.sign(deposit(1, ETH));
    expect(outcome(first)).to.equal("signed");
    expect(outcome(await keeper.sign(deposit(2, 32n * ETH)))).to.equal("KEEPER_OTHER_CREDENTIALS");
    // One credential in two deposits, and a repeat, are what it is for.
    expect(outcome(await keeper.sign(deposit(1, 31n * ETH)))).to.equal("signed");
    expect(await keeper.sign(deposit(1, ETH))).to.deep.equal(first);
    expect(outcome(await keeper.sign(deposit(2, ETH, 1)))).to.equal("signed");
    process.kill((await keeper.status()).pid, "SIGKILL");
    await keeper.ended;
    const again = await fixture.start(allowed);
    expect(outcome(await again.sign(deposit(2, 32n * ETH)))).to.equal("KEEPER_OTHER_CREDENTIALS");
    expect(await again.sign(deposit(1, ETH))).to.deep.equal(first);
  });

  it("is not known of a share that came back without its past, and then no deposit is signed", async () => {
    const allowed = {...permits([1, ETH], [2, ETH, 1]), bundleFiles: []};
    await fixture.createStore(fixture.init().dataDir);
    const environment = await LmdbEnvironment.open(storePath(fixture.init().dataDir));
    const shares = await ShareStore.open({environment}, "correct horse");
    const [share] = fixture.keys[0]!.shares;
    const {groupPublicKey, committeeHash} = fixture.committee.validators[0]!;
    const stored = {groupPublicKey, committeeHash, index: share!.index, secret: new Secret(share!.secret)};
    expect(await shares.restore([stored], floorRecord({epoch: 100n, slotsPerEpoch: 32}))).to.deep.equal([
      groupPublicKey,
    ]);
    await environment.close();
    const keeper = await fixture.start(allowed);
    expect(outcome(await keeper.sign(deposit(1, ETH)))).to.equal("KEEPER_CREDENTIALS_FORGOTTEN");
  });

  it("is decided once when two different ones are asked for at the same time", async () => {
    const keeper = await fixture.start(permits([1, ETH], [2, ETH]));
    const replies = await Promise.all([1, 2, 1, 2].map((byte) => keeper.sign(deposit(byte, ETH))));
    expect(replies.map(outcome)).to.deep.equal([
      "signed",
      "KEEPER_OTHER_CREDENTIALS",
      "signed",
      "KEEPER_OTHER_CREDENTIALS",
    ]);
  });

  it("takes no permit's place: another amount needs a permit of its own", async () => {
    const keeper = await fixture.start(permits([1, ETH]));
    expect(outcome(await keeper.sign(deposit(1, 32n * ETH)))).to.equal("POLICY_NOT_PERMITTED");
    expect(outcome(await keeper.sign(deposit(1, ETH)))).to.equal("signed");
    expect(outcome(await keeper.sign(deposit(1, 32n * ETH)))).to.equal("POLICY_NOT_PERMITTED");
  });

  it("is a record that a store can be missed of: an older copy signs no deposit", async () => {
    const allowed = permits([1, ETH], [2, ETH]);
    const keeper = await fixture.start(allowed);
    const before = (await keeper.status()).sequence;
    expect(outcome(await keeper.sign(deposit(1, ETH)))).to.equal("signed");
    expect((await keeper.status()).sequence > before).to.equal(true);
    const seen = keeper.sighting()!;
    await keeper.close();
    // A new folder with the same share, as after a restored backup; peers remember what it said.
    const forgot = await fixture.start({...allowed, dataDir: `${fixture.folder}/restored`});
    await forgot.judge([seen]);
    expect((await forgot.status()).flooredAt).to.not.equal(null);
    expect(outcome(await forgot.sign(deposit(2, ETH)))).to.equal("KEEPER_CREDENTIALS_FORGOTTEN");
  });
});
