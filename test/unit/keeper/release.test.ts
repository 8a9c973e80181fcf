import {expect} from "chai";
import {ManualClock} from "../../../src/adapters/clock/manual.js";
import {MemorySlashingStore} from "../../../src/adapters/slashing-store/memory.js";
import {EMPTY_POLICY} from "../../../src/core/duty/policy.js";
import {EMPTY_RECORD} from "../../../src/core/slashing/decide.js";
import {SigningKeeper} from "../../../src/keeper/keeper.js";
import {loadShare} from "../../../src/keeper/partial-signer.js";
import {testCommittee, testKey} from "../../support/committees.js";
import {attestation, block, outcome, randao, testNetwork} from "../../support/keeper.js";

async function inMemory() {
  const key = testKey(1, {n: 4});
  const [validator] = testCommittee([key], {n: 4}).validators;
  const {groupPublicKey, committeeHash} = validator!;
  const store = new MemorySlashingStore();
  await store.transact(groupPublicKey, () => ({write: EMPTY_RECORD, result: null}));
  const loaded = loadShare(key.shares[0]!.secret, {n: 4, t: 3});
  const made = {signatures: 0};
  const share = {
    ...loaded,
    key: {
      sign: (message: Uint8Array) => {
        made.signatures++;
        return loaded.key.sign(message);
      },
    } as typeof loaded.key,
  };
  const keeper = new SigningKeeper(
    {clock: new ManualClock(Date.now()), store, pool: null},
    {network: testNetwork(), policy: EMPTY_POLICY, shares: [{groupPublicKey, committeeHash, share}], signingThreads: 0},
  );
  const sign = async (request: unknown): Promise<string> =>
    outcome((await keeper.sign({key: groupPublicKey, committeeHash, request})).reply);
  return {store, sign, keeper, made};
}

/** Every callback that is due by now has run several times over. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe("record, then release", () => {
  it("lets nothing leave while the flush is held, not even a repeat, and signs when it is done", async () => {
    const {store, sign} = await inMemory();
    const release = store.holdCommits();
    const answers: string[] = [];
    const first = sign(attestation(98, 99)).then((answer) => answers.push(`first ${answer}`));
    const repeat = sign(attestation(98, 99)).then((answer) => answers.push(`repeat ${answer}`));
    const other = sign(block(3200)).then((answer) => answers.push(`block ${answer}`));
    await turns();
    expect(answers).to.deep.equal([]);
    release();
    await Promise.all([first, repeat, other]);
    expect(answers.sort()).to.deep.equal(["block signed", "first signed", "repeat signed"]);
  });

  it("makes the signature while the flush is held, and lets it leave only afterwards", async () => {
    const {store, sign, made} = await inMemory();
    const release = store.holdCommits();
    let answer: string | null = null;
    const held = sign(attestation(98, 99)).then((outcome) => {
      answer = outcome;
    });
    await turns();
    expect([made.signatures, answer]).to.deep.equal([1, null]);
    release();
    await held;
    expect([made.signatures, answer]).to.deep.equal([1, "signed"]);
  });

  it("makes no signature of what it denies", async () => {
    const {sign, made} = await inMemory();
    expect(await sign(attestation(98, 99))).to.equal("signed");
    expect(await sign(attestation(98, 99, {byte: 9}))).to.match(/^SLASHING_/);
    await turns();
    expect(made.signatures).to.equal(1);
  });

  it("throws a signature away when the commit fails under it", async () => {
    const {store, keeper, sign, made} = await inMemory();
    store.holdCommits();
    const waiting = sign(attestation(98, 99));
    await turns();
    expect(made.signatures).to.equal(1);
    store.breakCommits();
    expect(await waiting).to.equal("SLASHING_STORE_FAILED");
    expect(keeper.stopped?.code).to.equal("SLASHING_STORE_FAILED");
  });

  it("signs what needs no record while the flush is held", async () => {
    const {store, sign} = await inMemory();
    const release = store.holdCommits();
    const held = sign(attestation(98, 99));
    expect(await sign(randao(100))).to.equal("signed");
    release();
    expect(await held).to.equal("signed");
  });

  it("signs nothing any more once a commit has failed, and says why", async () => {
    const {store, sign, keeper} = await inMemory();
    store.holdCommits();
    const waiting = [sign(attestation(98, 99)), sign(attestation(98, 99))];
    await turns();
    store.breakCommits();
    expect(await Promise.all(waiting)).to.deep.equal(["SLASHING_STORE_FAILED", "SLASHING_STORE_FAILED"]);
    expect(await sign(randao(100))).to.equal("SLASHING_STORE_FAILED");
    expect(keeper.stopped?.code).to.equal("SLASHING_STORE_FAILED");
  });

  it("denies a key without a record", async () => {
    const {store, keeper} = await inMemory();
    const key = testKey(2, {n: 4});
    const [validator] = testCommittee([key], {n: 4}).validators;
    const stranger = new SigningKeeper(
      {clock: new ManualClock(Date.now()), store, pool: null},
      {
        network: testNetwork(),
        policy: EMPTY_POLICY,
        shares: [{...validator!, share: loadShare(key.shares[0]!.secret, {n: 4, t: 3})}],
        signingThreads: 0,
      },
    );
    const {groupPublicKey, committeeHash} = validator!;
    const {reply} = await stranger.sign({key: groupPublicKey, committeeHash, request: attestation(98, 99)});
    expect(outcome(reply)).to.equal("SLASHING_NO_RECORD");
    expect((await keeper.keys())[0]).to.include({disabled: false});
  });
});
