import {expect} from "chai";
import {codeOf} from "../../../src/core/errors.js";
import {attestation, block, KeeperFixture, outcome, randao, testNetwork} from "../../support/keeper.js";

const HOUR = 60 * 60 * 1000;

describe("the operator's side of a keeper", function () {
  this.timeout(20_000);
  let fixture: KeeperFixture;
  beforeEach(() => {
    fixture = new KeeperFixture();
  });
  afterEach(() => fixture.close());

  const start = async () => fixture.start({bundleFiles: [await fixture.bundle("bundle.json")]});
  const startCode = (promise: Promise<unknown>): Promise<string> => promise.then(() => "started", codeOf);

  it("gets an answer to each of more requests than one message may hold", async () => {
    const keeper = await start();
    const requests = Array.from({length: 1300}, () => fixture.request(attestation(102, 103)));
    const replies = await Promise.all(requests.map((request) => keeper.sign(request)));
    expect(new Set(replies.map(outcome))).to.deep.equal(new Set(["POLICY_TOO_EARLY"]));
  });

  it("refuses a request that cannot cross, and signs the ones beside it", async () => {
    const keeper = await start();
    const broken = fixture.request({...randao(100), callback: () => {}});
    const replies = await Promise.all(
      [fixture.request(randao(99)), broken, fixture.request(randao(100))].map((one) => keeper.sign(one)),
    );
    expect(replies.map(outcome)).to.deep.equal(["signed", "KEEPER_BAD_MESSAGE", "signed"]);
  });

  it("is told KEEPER_GONE for what waits and for what comes after the keeper's death", async () => {
    const keeper = await start();
    const {pid} = await keeper.status();
    const waiting = Array.from({length: 200}, (_, i) => keeper.sign(fixture.request(randao(i % 100))));
    process.kill(pid, "SIGKILL");
    const outcomes = new Set((await Promise.all(waiting)).map(outcome));
    expect([...outcomes].every((one) => one === "signed" || one === "KEEPER_GONE")).to.equal(true);
    expect(outcome(await keeper.sign(fixture.request(randao(1))))).to.equal("KEEPER_GONE");
    expect(await keeper.status()).to.include({signing: false, code: "KEEPER_GONE"});
  });

  it("starts empty only where the bundle says that the keys never signed", async () => {
    const chain = {...testNetwork(), clock: null};
    const local = new KeeperFixture({network: chain});
    const options = {createdAt: Date.now() - 2 * HOUR};
    const unknown = await local.bundle("unknown.json", {...options, records: "floor"});
    expect(await startCode(local.start({bundleFiles: [unknown], startEmpty: true}))).to.equal("KEEPER_CLOCK_REQUIRED");
    const never = await local.bundle("never.json", options);
    expect(await startCode(local.start({bundleFiles: [never]}))).to.equal("KEEPER_CLOCK_REQUIRED");
    const keeper = await local.start({bundleFiles: [never], startEmpty: true});
    expect(outcome(await keeper.sign(local.request(attestation(0, 0))))).to.equal("signed");
    expect(outcome(await keeper.sign(local.request(block(1))))).to.equal("signed");
    await local.close();
  });

  it("pins the first chain it signs for where none is configured, also over a restart", async () => {
    const local = new KeeperFixture({network: {...testNetwork(), genesisValidatorsRoot: null, forks: null}});
    const keeper = await local.start({bundleFiles: [await local.bundle("bundle.json")]});
    const chains = [`0x${"aa".repeat(32)}`, `0x${"bb".repeat(32)}`] as const;
    const both = await Promise.all(
      chains.map((chain, i) => keeper.sign(local.request(attestation(98, 99 + i, {chain})))),
    );
    expect(both.map(outcome).filter((one) => one === "signed")).to.have.length(1);
    const pinned = both[0]?.kind === "signed" ? 0 : 1;
    await keeper.close();
    const again = await local.start();
    const other = await again.sign(local.request(attestation(98, 101, {chain: chains[1 - pinned]!})));
    expect(outcome(other)).to.equal("POLICY_WRONG_CHAIN");
    expect(outcome(await again.sign(local.request(attestation(98, 101, {chain: chains[pinned]!}))))).to.equal("signed");
    await again.close();
    const elsewhere = local.start({network: fixture.init().network});
    expect(await startCode(elsewhere)).to.equal("SLASHING_WRONG_CHAIN");
    await local.close();
  });

  it("shows nothing of a password in its errors", async () => {
    const secret = "another horse battery staple";
    const keeper = fixture.start({password: {value: secret}});
    const error = await keeper.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(codeOf(error)).to.equal("KEEPER_WRONG_PASSWORD");
    expect(JSON.stringify([error, fixture.logger.lines, String(error)])).to.not.include(secret);
  });
});
