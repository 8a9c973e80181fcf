import {expect} from "chai";
import {MemorySlashingStore} from "../../../src/adapters/slashing-store/memory.js";
import {EMPTY_POLICY} from "../../../src/core/duty/policy.js";
import {PleiadesError} from "../../../src/core/errors.js";
import {SigningKeeper} from "../../../src/keeper/keeper.js";
import {loadShare} from "../../../src/keeper/partial-signer.js";
import {testCommittee, testKey} from "../../support/committees.js";
import {outcome, randao, testNetwork} from "../../support/keeper.js";

const key = testKey(1, {n: 4});
const {groupPublicKey, committeeHash} = testCommittee([key], {n: 4}).validators[0]!;

function keeperWith(storeFailure: () => PleiadesError | null) {
  const share = loadShare(key.shares[0]!.secret, {n: 4, t: 3});
  const clock = {now: () => Date.now(), monotonic: () => 0};
  return new SigningKeeper(
    {clock, store: new MemorySlashingStore(), halted: storeFailure, pool: null},
    {network: testNetwork(), policy: EMPTY_POLICY, shares: [{groupPublicKey, committeeHash, share}], signingThreads: 0},
  );
}

describe("a keeper's bounds", () => {
  it("refuses at once what comes while too much waits, and takes more when that is done", async () => {
    const keeper = keeperWith(() => null);
    const waiting = Array.from({length: 16_384}, () => keeper.sign(null));
    const {reply} = await keeper.sign({key: groupPublicKey, committeeHash, request: randao(100)});
    expect(outcome(reply)).to.equal("KEEPER_OVERLOADED");
    await Promise.all(waiting);
    expect(keeper.queued).to.equal(0);
    const later = await keeper.sign({key: groupPublicKey, committeeHash, request: randao(100)});
    expect(outcome(later.reply)).to.equal("signed");
  });

  it("signs nothing, not even what needs no record, once its store is known to have failed", async () => {
    let failure: PleiadesError | null = null;
    const keeper = keeperWith(() => failure);
    const item = {key: groupPublicKey, committeeHash, request: randao(100)};
    expect(outcome((await keeper.sign(item)).reply)).to.equal("signed");
    failure = new PleiadesError({code: "SLASHING_STORE_FAILED", reason: "told by a test"});
    expect(outcome((await keeper.sign(item)).reply)).to.equal("SLASHING_STORE_FAILED");
    expect(keeper.stopped?.code).to.equal("SLASHING_STORE_FAILED");
  });
});
