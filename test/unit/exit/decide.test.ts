import {expect} from "chai";
import {exitRequest, permitOf, planExit, type ValidatorOnChain} from "../../../src/app/exit/decide.js";
import {asEpoch, parseEpoch, toHex, UINT64_MAX} from "../../../src/core/bytes.js";
import {domainOf} from "../../../src/core/duty/domain.js";
import {parsePolicyConfig} from "../../../src/core/duty/policy.js";
import {failure} from "../../support/errors.js";
import {KEY, NETWORK} from "../duty/fixtures.js";

const FORKS = NETWORK.forks!;
const validator = (more: Partial<ValidatorOnChain> = {}): ValidatorOnChain => ({
  key: KEY,
  index: 9n,
  status: "active_ongoing",
  activationEpoch: parseEpoch(6),
  exitEpoch: asEpoch(UINT64_MAX),
  withdrawableEpoch: asEpoch(UINT64_MAX),
  ...more,
});
const plan = (now: number, more: {epoch?: bigint; ahead?: boolean} = {}, of = validator()) =>
  planExit(of, {now: BigInt(now), forks: FORKS, shardCommitteePeriod: 4n, ...more});

describe("the exit that is asked for", () => {
  it("has the first epoch in which the chain takes it, however late one asks", () => {
    expect(plan(10)).to.deep.equal({epoch: 10n, from: 10n});
    expect(plan(500)).to.deep.equal({epoch: 10n, from: 10n});
  });

  it("is not of an epoch before Deneb on a chain that has it, whatever the activation", () => {
    // Deneb is epoch 5's here: from then on the chain verifies every exit under Capella's version.
    const old = validator({activationEpoch: parseEpoch(0)});
    expect(plan(20, {}, old).epoch).to.equal(5n);
    expect(failure("EXIT_EPOCH", () => plan(20, {epoch: 4n}, old)).data).to.include({earliest: 5n, latest: 20n});
    // Before Deneb it keeps to the fork in force, Capella's here, for a state knows no older one than the one before.
    expect(plan(4, {}, old).epoch).to.equal(4n);
    expect(failure("EXIT_EPOCH", () => plan(4, {epoch: 2n}, old)).data).to.include({earliest: 3n});
  });

  it("is signed under Capella's version from Deneb on, and under its own fork's before", () => {
    const versionOf = (epoch: number) => toHex(domainOf(exitRequest(9n, parseEpoch(epoch), NETWORK), NETWORK));
    expect(versionOf(5)).to.equal(versionOf(3));
    expect(versionOf(12)).to.equal(versionOf(3));
    expect(versionOf(2)).to.not.equal(versionOf(3));
  });

  it("comes too early until SHARD_COMMITTEE_PERIOD epochs after the activation, and says from when it works", () => {
    const {data} = failure("EXIT_TOO_EARLY", () => plan(9));
    expect(data).to.include({from: 10n, now: 9n, activationEpoch: 6n, shardCommitteePeriod: 4n});
    // To keep it for later it may be signed now.
    expect(plan(9, {ahead: true})).to.deep.equal({epoch: 10n, from: 10n});
  });

  it("takes an epoch up to now, and a later one only to keep", () => {
    expect(plan(20, {epoch: 20n}).epoch).to.equal(20n);
    failure("EXIT_EPOCH", () => plan(20, {epoch: 21n}));
    expect(plan(20, {epoch: 21n, ahead: true})).to.deep.equal({epoch: 21n, from: 21n});
    expect(plan(20, {epoch: 7n})).to.deep.equal({epoch: 7n, from: 10n});
  });

  it("is not signed for a validator that is not active, or leaving already", () => {
    const pending = validator({activationEpoch: asEpoch(UINT64_MAX), status: "pending_queued"});
    expect(failure("EXIT_NOT_ACTIVE", () => plan(20, {}, pending)).data.status).to.equal("pending_queued");
    const leaving = validator({exitEpoch: parseEpoch(25), status: "active_exiting"});
    expect(failure("EXIT_ALREADY", () => plan(20, {}, leaving)).data.exitEpoch).to.equal(25n);
    failure("EXIT_ALREADY", () => plan(20, {ahead: true}, leaving));
  });

  it("names the permit that operators put into their configuration, as it is read there", async () => {
    const {parse} = await import("yaml");
    const {permits} = parsePolicyConfig({permits: [parse(permitOf(KEY, 9n, 10n))]});
    expect(permits).to.have.length(1);
    expect(permits[0]).to.include({key: KEY, type: "VOLUNTARY_EXIT"});
  });
});
